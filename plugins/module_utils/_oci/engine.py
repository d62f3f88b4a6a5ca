# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only file that talks to the Docker Engine, through the docker SDK."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform, parse_platform

_TASK = "the provision playbook"


@dataclass
class EngineClient:
    """An engine.

    :param docker_host: its address; None for ``DOCKER_HOST`` or the local socket.
    :param timeout: seconds for one request.
    """

    docker_host: str | None = None
    timeout: int = 60

    @cached_property
    def client(self) -> Any:
        """The SDK's client.

        :raises MissingPrerequisite: the SDK is not installed, or the engine does not answer.
        """
        try:
            import docker
        except ImportError as error:
            raise MissingPrerequisite(
                "Python on this host has no docker SDK. Install python3-docker, or docker with pip for the interpreter that "
                "Ansible uses.",
                task=_TASK,
            ) from error
        try:
            if self.docker_host:
                client = docker.DockerClient(base_url=self.docker_host, timeout=self.timeout)
            else:
                client = docker.from_env(timeout=self.timeout)
            client.ping()
        except (docker.errors.DockerException, OSError) as error:
            raise MissingPrerequisite(
                f"The Docker Engine {self.docker_host or 'of this host'} does not answer: {error}. Start it.",
                task=_TASK,
            ) from error
        return client

    def info(self) -> dict[str, Any]:
        """What ``docker info`` knows."""
        info: dict[str, Any] = self.client.info()
        return info

    def memory_bytes(self) -> int:
        """Memory of the engine's machine."""
        return int(self.info()["MemTotal"])

    def platform(self) -> Platform:
        """What the engine runs without emulation."""
        info = self.info()
        return parse_platform(f"{info['OSType']}/{info['Architecture']}")

    def has_containerd_store(self) -> bool:
        """Whether images are kept by containerd, which keeps several platforms under one name."""
        status = self.info().get("DriverStatus") or []
        return any("io.containerd.snapshotter" in str(value) for pair in status for value in pair)

    def create_container(self, platform: Platform, **options: Any) -> Any:
        """A container of an image's ``platform``, not started; ``options`` are those of the SDK's ``containers.create``.

        Versions of the SDK before 6, such as Debian 12's 5.0.3, do not pass a platform on when a container is created.
        """
        import docker

        if int(docker.__version__.partition(".")[0]) >= 6:
            return self.client.containers.create(platform=str(platform), **options)
        from docker.models.containers import _create_container_args  # type: ignore[attr-defined]

        api = self.client.api
        arguments = _create_container_args({"command": None, **options, "version": api._version})
        answer = api._post_json(
            api._url("/containers/create"),
            data=api.create_container_config(**arguments),
            params={"platform": str(platform)},
        )
        return self.client.containers.get(api._result(answer, True)["Id"])

    def find_image(self, reference: str) -> dict[str, Any] | None:
        """What ``docker image inspect`` says of an image, or None."""
        import docker

        try:
            attributes: dict[str, Any] = self.client.api.inspect_image(reference)
        except docker.errors.ImageNotFound:
            return None
        except docker.errors.APIError as error:
            raise CollectionError(f"The engine cannot inspect {reference}: {error.explanation}.") from error
        return attributes

    def remove_image(self, reference: str) -> None:
        """Remove a name, and the image when it was the last one; one that is not there is fine."""
        import docker

        try:
            self.client.api.remove_image(reference, force=True)
        except docker.errors.ImageNotFound:
            return
        except docker.errors.APIError as error:
            raise CollectionError(f"The engine cannot remove {reference}: {error.explanation}.") from error
