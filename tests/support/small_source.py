# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A source whose one image is built in a second, and the build playbook for it."""

from __future__ import annotations

import json

from support.git_repository import git

PLATFORMS = ["linux/amd64", "linux/arm64"]


class SmallSource:
    """A Git repository whose ``api`` serves a page; each :meth:`change` is a commit with another page."""

    def __init__(self, folder, base):
        self.folder = folder
        (folder / "api").mkdir(parents=True)
        (folder / "api" / "Dockerfile").write_text(
            f'FROM {base}\nCOPY health /www/health\nCMD ["/bin/busybox", "httpd", "-f", "-p", "5001", "-h", "/www"]\n'
        )
        git(self.folder, "init", "--quiet", "--initial-branch=main")

    def change(self, page):
        (self.folder / "api" / "health").write_text(f"{page}\n")
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--message", page)


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


#: How a host of an inventory is this machine.
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def write_inventory(path):
    """An inventory of this machine alone."""
    path.write_text(json.dumps({"build_hosts": {"hosts": {"localhost": LOCAL}}}))
    return path
