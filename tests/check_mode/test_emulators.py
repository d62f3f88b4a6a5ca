# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""binfmt and binfmt_info over registrations and files that are right, wrong or missing in every combination."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

BINFMT = Path("/proc/sys/fs/binfmt_misc")
#: Platforms that no other test registers an emulator for.
EMULATORS = {"linux/s390x": "qemu-s390x", "linux/ppc64le": "qemu-ppc64le"}

REGISTRATIONS = st.sampled_from(["right", "missing", "disabled", "without F", "another interpreter", "other bytes"])
FILES = st.sampled_from(["right", "missing", "edited"])


@pytest.fixture(scope="module")
def lines(modules):
    """What the module itself registers for each platform, and takes away again at the end."""
    modules.run("binfmt", platforms=list(EMULATORS))
    yield {
        platform: Path(f"/etc/binfmt.d/{name}.conf").read_text().splitlines()[-1]
        for platform, name in EMULATORS.items()
    }
    assert not modules.run("binfmt", platforms=list(EMULATORS), state="absent").get("failed")
    assert not any((BINFMT / name).exists() for name in EMULATORS.values())


def arrange(name, line, registration, file):
    """Bring one emulator into a state, as an administrator or another program would."""
    if (BINFMT / name).exists():
        (BINFMT / name).write_text("-1")
    fields = line.split(":")
    if registration == "without F":
        fields[7] = fields[7].replace("F", "")
    if registration == "another interpreter":
        fields[6] = "/bin/true"
    if registration == "other bytes":
        fields[4] = fields[4].replace("\\x02\\x00", "\\x03\\x00", 1)
    if registration != "missing":
        (BINFMT / "register").write_text(":".join(fields))
    if registration == "disabled":
        (BINFMT / name).write_text("0")
    kept = Path(f"/etc/binfmt.d/{name}.conf")
    kept.write_text(f"# kept\n{line}\n") if file != "missing" else kept.unlink(missing_ok=True)
    if file == "right":
        # Only the module knows what it would write exactly; it does so below.
        kept.unlink()


@given(
    states=st.fixed_dictionaries({platform: st.tuples(REGISTRATIONS, FILES) for platform in EMULATORS}),
    platforms=st.lists(st.sampled_from(list(EMULATORS)), min_size=1, unique=True),
    state=st.sampled_from(["present", "present", "absent"]),
)
def test_binfmt(truth, modules, lines, states, platforms, state):
    modules.run("binfmt", platforms=list(EMULATORS))
    content = {name: Path(f"/etc/binfmt.d/{name}.conf").read_text() for name in EMULATORS.values()}
    for platform, (registration, file) in states.items():
        name = EMULATORS[platform]
        arrange(name, lines[platform], registration, file)
        if file == "right":
            Path(f"/etc/binfmt.d/{name}.conf").write_text(content[name])
    result = truth("binfmt", platforms=platforms, state=state)
    assert not result.get("failed"), result["msg"]
    truth("binfmt_info", platforms=list(EMULATORS))
