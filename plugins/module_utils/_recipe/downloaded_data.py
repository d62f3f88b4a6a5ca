# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps of the last stage by which a package downloads its own data, such as nltk's: done once, by the build platform. Pure.

Data are the same for every platform. The package that downloads them is installed for the build platform, in the version of the
project's lock, with what it needs and nothing else.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Iterable

from ansible_collections.imagefleet.dify.plugins.module_utils._recipe import python_packages, root
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.final_stage import (
    FinalStage,
    LeftStep,
    without_idle_arguments,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.python_lock import (
    LockedPackage,
    normalised,
    parse_lock,
)

STAGE = "imagefleet-data"
#: Where the stage has what was downloaded.
FOLDER = "/imagefleet-data"

#: Packages whose downloads are data and nothing else: those of Dify's own Dockerfiles.
_PACKAGES = frozenset(("nltk", "tiktoken", "unstructured"))
_PROGRAM = re.compile(r"(?:^|[;&\s])python3?\s+-c\s")
_IMPORT = re.compile(r"(?:^|[\s;\"'(])(?:import|from)\s+(?P<names>[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*)")
_MARK = "/tmp/imagefleet-mark"  # noqa: S108  # in a stage of the build, which nobody else is in
_COLLECT = f"""\
# What these commands wrote, by the time of its last change: what is unpacked may say that it is older.
find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run -o -path /var/cache -o -path /root -o \\
  -path {FOLDER} -o -path "$VIRTUAL_ENV" -o -name __pycache__ \\) -prune -o -type f -cnewer {_MARK} -print0 |
  tar --create --null --no-recursion --files-from - --absolute-names | tar --extract --directory {FOLDER}
[ ! -d {FOLDER}{root.HOME} ] || chown -R {root.UID}:{root.UID} {FOLDER}{root.HOME}
"""


@dataclass(frozen=True)
class DownloadedData:
    """The stage that downloads.

    :param lines: of the stage.
    :param steps: those of the last stage that it takes the place of.
    """

    lines: tuple[str, ...] = ()
    steps: tuple[LeftStep, ...] = ()


def find_data(final: FinalStage, base: str, environment: str, lock: str | None) -> DownloadedData:
    """What of the last stage's steps the build platform can do. Nothing where the lock does not have what they import.

    :param base: name of the image that the source installs packages on.
    :param environment: the folder of the image's virtual environment.
    :param lock: text of the project's lock, which is read where a step could use it.
    """
    candidates = {step: names for step in final.left if (names := _imports(step))}
    packages = {normalised(package.name): package for package in _once(parse_lock(lock or ""))} if candidates else {}
    steps = {step: names for step, names in candidates.items() if names <= packages.keys()}
    if not steps:
        return DownloadedData()
    wanted = sorted(set().union(*steps.values()))
    constraints = "\n".join(f"{package.name}=={package.version}" for package in packages.values())
    install = (
        "set -eu\n"
        f"{python_packages.UV_ENVIRONMENT}\n"
        f"printf '%s\\n' {shlex.quote(constraints)} > /tmp/constraints.txt\n"
        f'uv venv --quiet --python "$(command -v python3)" {shlex.quote(environment)}\n'
        f"uv pip install --python {shlex.quote(environment)}/bin/python --constraint /tmp/constraints.txt {shlex.join(wanted)}\n"
        f"mkdir -p {FOLDER} {root.HOME}\n"
    )
    lines = [
        f"FROM --platform=$BUILDPLATFORM {base} AS {STAGE}",
        "USER root",
        python_packages.uv_step(python_packages.UV_VERSION),
        *root.heredoc_step(install, [python_packages.CACHE_MOUNT]),
        f"ENV VIRTUAL_ENV={environment}",
    ]
    body: list[str] = []
    settings: list[str] = []
    for step in steps:
        body += step.settings[len(settings) :]
        settings = list(step.settings)
        body += root.heredoc_step(
            f"set -eu\nexport HOME={root.HOME} PATH={shlex.quote(environment)}/bin:$PATH PYTHONDONTWRITEBYTECODE=1\n"
            f"touch {_MARK}\n{step.commands}\n{_COLLECT}"
        )
    return DownloadedData((*lines, *without_idle_arguments(body)), tuple(steps))


def _once(packages: Iterable[LockedPackage]) -> list[LockedPackage]:
    """Packages that the lock has in one version: which of several is meant depends on the platform."""
    versions: dict[str, list[LockedPackage]] = {}
    for package in packages:
        if package.files:
            versions.setdefault(normalised(package.name), []).append(package)
    return [found[0] for found in versions.values() if len(found) == 1]


def _imports(step: LeftStep) -> frozenset[str]:
    """Packages of a step that only downloads data; none for any other."""
    if not _PROGRAM.search(step.commands):
        return frozenset()
    found = (match["names"].split(",") for match in _IMPORT.finditer(step.commands))
    names = frozenset(normalised(name.strip()) for names in found for name in names)
    return names if names <= _PACKAGES else frozenset()
