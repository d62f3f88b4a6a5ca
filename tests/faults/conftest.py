# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on purpose: a source with one small image, and what must be true of a registry at every moment."""

from __future__ import annotations

import os
import subprocess

import pytest

from support.module_runner import ModuleRunner
from support.registry_content import RegistryContent


class Source:
    """A Git repository whose ``api`` serves a page; each :meth:`change` is a commit with another page."""

    def __init__(self, folder, base):
        self.folder = folder
        (folder / "api").mkdir(parents=True)
        (folder / "api" / "Dockerfile").write_text(
            f'FROM {base}\nCOPY health /www/health\nCMD ["/bin/busybox", "httpd", "-f", "-p", "5001", "-h", "/www"]\n'
        )
        self._git("init", "--quiet", "--initial-branch=main")

    def change(self, page):
        (self.folder / "api" / "health").write_text(f"{page}\n")
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", page)

    def _git(self, *arguments):
        who = {f"GIT_{role}_{what}": "t" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
        subprocess.run(["git", *arguments], cwd=self.folder, env=environment, check=True, capture_output=True)


@pytest.fixture
def source(tmp_path, registry):
    return Source(tmp_path / "source", f"{registry}/bases/busybox:latest")


@pytest.fixture
def content(plain_registry):
    host, blobs = plain_registry
    return RegistryContent(host, blobs)


@pytest.fixture(scope="session")
def modules():
    runner = ModuleRunner()
    yield runner
    runner.close()
