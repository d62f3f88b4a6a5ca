# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A smoke test: the packages that were added are in the image's virtual environment, and can be imported. Pure."""

from __future__ import annotations

from typing import Any, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._image.pip_requirements import Requirement, normalised

_SECONDS = 120
_SECONDS_EACH = 20
_MOST_SECONDS = 1800


def import_test(python: str, requirements: Sequence[Requirement]) -> dict[str, Any]:
    """An entry of the ``tests`` of image_smoke_test. It needs no network: nothing may be fetched at a start.

    :param python: the virtual environment's interpreter, in the image.
    """
    names = {normalised(one.name): "?" if one.conditional else "" for one in requirements}
    return {
        "name": "the packages that were added can be imported",
        "entrypoint": [python],
        "command": ["-c", SCRIPT, *(f"{name}{mark}" for name, mark in names.items())],
        "network": "none",
        "timeout": min(_SECONDS + _SECONDS_EACH * len(names), _MOST_SECONDS),
    }


#: Its arguments are names of packages; one with ``?`` may be missing, since a marker can leave it out.
SCRIPT = """\
import importlib
import importlib.metadata
import sys

# What the program itself has in its folder is no package.
sys.path[:] = [path for path in sys.path if path]
BESIDE = {"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "scripts", "setup"}


def modules_of(distribution):
    files = [file.parts for file in distribution.files or () if ".." not in file.parts]
    packages = {parts[:-1] for parts in files if len(parts) > 1 and parts[-1] == "__init__.py"}
    top = {parts for parts in packages if not any(parts[:end] in packages for end in range(1, len(parts)))}
    names = {".".join(parts) for parts in top if all(part.isidentifier() for part in parts)}
    for parts in files:
        name = parts[-1].partition(".")[0]
        if len(parts) == 1 and parts[0].endswith((".py", ".so")) and name.isidentifier():
            names.add(name)
    public = {name for name in names if not name.startswith("_") and name.partition(".")[0] not in BESIDE}
    return sorted(public or names)


failed = []
for argument in sys.argv[1:]:
    name = argument.rstrip("?")
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        if not argument.endswith("?"):
            failed.append(f"{name} is not installed in {sys.prefix}")
        continue
    for module in modules_of(distribution):
        try:
            importlib.import_module(module)
        except BaseException as error:
            failed.append(f"{name} {distribution.version} cannot be imported: {module}: {type(error).__name__}: {error}")
print("\\n".join(failed) or "all can be imported")
sys.exit(1 if failed else 0)
"""
