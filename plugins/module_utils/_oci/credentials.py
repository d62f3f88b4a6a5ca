# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who we are at a registry: from the task's ``registries``, else from Docker's own configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import DOCKER_HUB

_HUB_KEY = "https://index.docker.io/v1/"


@dataclass(frozen=True)
class Credentials:
    """A user and a password, or an identity token in place of both."""

    username: str | None = None
    password: str | None = None
    identity_token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"


def find_credentials(host: str, docker_config: str | None) -> Credentials | None:
    """What Docker's configuration file or its credential helpers have for ``host``, read by the docker SDK.

    :param docker_config: the folder of the configuration file; Docker's default when None.
    :return: None without the docker SDK too: then a registry is asked without a login.
    :raises CollectionError: a credential helper fails.
    """
    try:
        from docker import auth
        from docker.errors import DockerException
    except ImportError:
        return None
    path = f"{docker_config}/config.json" if docker_config else None
    try:
        found: dict[str, Any] | None = auth.resolve_authconfig(
            auth.load_config(config_path=path), _HUB_KEY if host == DOCKER_HUB else host
        )
    except DockerException as error:
        raise CollectionError(
            f"Docker's credentials for {host} cannot be read: {error}. Log in again, or give username and password in "
            "registries.",
            registry=host,
        ) from error
    if not found:
        return None
    return Credentials(
        found.get("username") or found.get("Username"),
        found.get("password") or found.get("Password"),
        found.get("identitytoken") or found.get("IdentityToken"),
    )
