# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment of two services that do nothing, so that a release takes seconds: for what surrounds it."""

from __future__ import annotations

from support.git_repository import git

COMPOSE = """\
services:
  api:
    image: langgenius/dify-api:1
    init: true
    command: [sleep, "100000"]
    environment: {SECRET_KEY: "${SECRET_KEY:-}", COLOUR: "${COLOUR:-red}"}
    healthcheck: {test: [CMD, "true"], interval: 1s}
  web:
    image: langgenius/dify-web:1
    init: true
    command: [sleep, "100000"]
    healthcheck: {test: [CMD, "true"], interval: 1s}
"""
EXAMPLE = """\
SECRET_KEY=sk-published-by-everybody-who-reads-this
COLOUR=red
EXPOSE_NGINX_PORT=80
EXPOSE_NGINX_SSL_PORT=443
"""
FILES = {
    "docker/docker-compose.yaml": COMPOSE,
    "docker/.env.example": EXAMPLE,
    "api/docker/entrypoint.sh": 'if [ "$MIGRATION_ENABLED" = true ]; then\n  flask upgrade-db\nfi\n',
    "api/migrations/versions/0001_first.py": "",
    "api/Dockerfile": "FROM busybox\nEXPOSE 5001\n",
}


def make_source(folder):
    """A Git repository in Dify's layout, tagged ``1.0.0``."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    git(folder, "tag", "1.0.0")


def small_variables(site, folder, registry):
    """Variables of the role for it.

    :param folder: has the repository in ``source``.
    :param registry: an entry of ``registries``, where its images are in the namespace ``dify``.
    """
    return {
        "deployment_version": "1.0.0",
        "deployment_source": {"repo": str(folder / "source")},
        "deployment_source_dest": str(folder / "checkout"),
        "deployment_dir": str(site.folder),
        "deployment_project": site.project,
        "deployment_port": site.port,
        "deployment_tls_port": site.tls_port,
        # The source has no nginx.
        "deployment_rolling": [],
        "deployment_components": ["api", "web"],
        "deployment_registry": registry["host"],
        "deployment_namespace": "dify",
        "deployment_migration_command": ["true"],
        "deployment_min_disk": 1,
        "deployment_min_memory": 1,
        "deployment_backup": False,
        "deployment_registries": [registry],
    }
