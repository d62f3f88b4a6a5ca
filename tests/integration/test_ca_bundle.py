# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The build_host role brings a bundle of authorities into a certificate store: a copy of this machine's, which keeps its own."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest

STORE = ("/etc/ssl/certs", "/usr/local/share/ca-certificates")
PLAY = {
    "hosts": "localhost",
    "connection": "local",
    "vars": {"ansible_python_interpreter": sys.executable, "build_host_registries": []},
    "tasks": [
        {
            "imagefleet.dify.build_host_info": {
                "packages": ["ca-certificates"],
                "files": "{{ [__build_host_daemon_kept] + __build_host_authorities_linked }}",
            },
            "register": "asked",
        },
        # This machine's engine stays out of it.
        {"ansible.builtin.set_fact": {"__build_host_before": "{{ asked | combine({'engine': none}) }}"}},
        {"ansible.builtin.import_role": {"name": "imagefleet.dify.build_host", "tasks_from": "certificates.yml"}},
    ],
}


@pytest.fixture
def trust(playbook_environment, tmp_path):
    """``trust(*names)``: have authorities of these names trusted; whether something was to do.

    ``trust.believed(name)`` asks the store, whose links are in ``trust.links``.
    """
    (tmp_path / "play.yml").write_text(json.dumps([PLAY]))
    folders = [tmp_path / "certs", tmp_path / "local"]
    for there, copy in zip(STORE, folders):
        subprocess.run(["cp", "--archive", there, copy], check=True)
    mounts = [f"mount --bind {copy} {there}" for there, copy in zip(STORE, folders)]

    def certificate(name):
        path = tmp_path / f"{name}.pem"
        if not path.exists():
            made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "2", "-out", path]
            subprocess.run(["openssl", *made, "-keyout", tmp_path / "key"], check=True, capture_output=True)
        return path

    def run(*names):
        bundle = tmp_path / "bundle.pem"
        bundle.write_text("".join(f"# {name}\n{certificate(name).read_text()}" for name in names))
        variables = {"build_host_ca_bundle": str(bundle), "__build_host_daemon_kept": str(tmp_path / "kept.json")}
        play = ["ansible-playbook", str(tmp_path / "play.yml"), "--extra-vars", json.dumps(variables)]
        inside = " && ".join([*mounts, shlex.join(play)])
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", inside],
            env=playbook_environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return " changed=0 " not in done.stdout

    def believed(name):
        # By the links that are named after what is in them, which is where a file with several certificates is left out.
        check = f"{mounts[0]} && {mounts[1]} && openssl verify -no-CAfile -CApath {STORE[0]} {certificate(name)}"
        return (
            subprocess.run(["unshare", "--mount", "sh", "-c", check], check=False, capture_output=True).returncode == 0
        )

    run.believed = believed
    run.links = folders[0]
    return run


def test_each_authority_of_a_bundle_is_trusted_for_as_long_as_it_is_in_it(trust):
    assert not trust.believed("one")
    assert trust("one", "two")
    assert trust.believed("one")
    assert trust.believed("two")
    assert not trust("one", "two")
    assert trust("two")
    assert trust.believed("two")
    assert not trust.believed("one")


def test_a_run_that_was_killed_before_the_store_had_it_is_made_up_for(trust):
    trust("one")
    for link in trust.links.glob("imagefleet-*"):
        link.unlink()
    assert trust("one")
    assert trust.believed("one")
