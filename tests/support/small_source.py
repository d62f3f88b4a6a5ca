# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A source whose one image is built in a second, and the build playbook for it."""

from __future__ import annotations

import json
import os
import subprocess

PLATFORMS = ["linux/amd64", "linux/arm64"]


class SmallSource:
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


def build_variables(source, registry_host, folder, namespace):
    """Variables of the images role for a small source; everything it makes on the host is in ``folder``.

    The image's repository is ``NAMESPACE/dify-api``.
    """
    answers = {"name": "it answers", "http": {"path": "/health", "port": 5001}, "timeout": 60}
    return {
        "images_version": "main",
        "images_source": {"repo": str(source.folder), "ref": "main"},
        "images_source_dest": str(folder / "checkout"),
        "images_components": ["api"],
        "images_platforms": PLATFORMS,
        "images_registry": registry_host,
        "images_namespace": namespace,
        "images_tags": ["latest"],
        "images_builder": "default",
        "images_buildx_config": str(folder / "buildx"),
        "images_report_dir": str(folder / "report"),
        "images_smoke_tests": {"api": [answers]},
    }


def write_inventory(path):
    """An inventory of this machine alone."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    path.write_text(json.dumps({"build_hosts": {"hosts": {"localhost": local}}}))
    return path
