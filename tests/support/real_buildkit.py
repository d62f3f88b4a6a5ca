# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints a folder with a real buildkitd and buildctl, built with the Go toolchain at the first call.

No package of a distribution carries them. They are static programs; a daemon also needs runc, which every Docker engine
brings. The tests that need no Go run on stand-ins instead (buildkit_proxy.py, buildkit_stand_in).
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile

from support.old_buildx import cache_folder

VERSION = os.environ.get("IMAGEFLEET_BUILDKIT_VERSION", "v0.25.2")
MODULE = "github.com/moby/buildkit"
COMMANDS = ("buildctl", "buildkitd")


def programs_folder() -> pathlib.Path:
    """The folder, filled at the first call for a version: two minutes."""
    folder = cache_folder() / f"buildkit-{VERSION}"
    if all((folder / command).exists() for command in COMMANDS):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="buildkit-", dir=folder.parent) as work:
        build(pathlib.Path(work))
        shutil.rmtree(folder, ignore_errors=True)
        pathlib.Path(work, "programs").replace(folder)
    return folder


def build(work: pathlib.Path) -> None:
    """Build both programs into ``programs`` below ``work``, by a Go module of our own that requires BuildKit."""

    def go(*arguments: str) -> None:
        subprocess.run(["go", *arguments], cwd=work, check=True, env={**os.environ, "CGO_ENABLED": "0"})

    packages = [f"{MODULE}/cmd/{command}" for command in COMMANDS]
    (work / "go.mod").write_text("module buildkit\n\ngo 1.25\n", encoding="utf-8")
    go("get", *(f"{package}@{VERSION}" for package in packages))
    flags = f"-s -w -X {MODULE}/version.Version={VERSION}"
    (work / "programs").mkdir()
    go("build", "-trimpath", "-ldflags", flags, "-o", "programs/", *packages)


if __name__ == "__main__":
    print(programs_folder())
