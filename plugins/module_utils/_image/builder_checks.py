# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a builder can do what a plan needs, found out before anything is built. Pure."""

from __future__ import annotations

from typing import Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.bake import MINIMUM_VERSION
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import DOCKER, DOCKER_CONTAINER, Builder
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_args import Version
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.silent_node import require_answers
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_plan import ImagePlan
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import is_loopback


def check_version(version: Version) -> None:
    """:raises CollectionError: buildx is too old for bake with readable progress."""
    if version < MINIMUM_VERSION:
        raise CollectionError(
            f"buildx is {_dotted(version)}; image_build needs {_dotted(MINIMUM_VERSION)} or newer. The provision playbook "
            "installs one."
        )


def check_builder(builder: Builder, plans: Sequence[ImagePlan]) -> None:
    """Check a builder whose nodes were asked against the images that are to be built.

    :raises CollectionError: a node that is needed and cannot be reached, a platform that no node builds, a registry that
        its nodes cannot reach, or timestamps that its driver cannot rewrite.
    """
    can_build = builder.platforms()
    for plan in plans:
        request = plan.resolved.request
        require_answers(builder, [parse_platform(missing.platform) for missing in plan.missing])
        for missing in plan.missing:
            if can_build and parse_platform(missing.platform) not in can_build:
                raise MissingPrerequisite(
                    f"No node of builder {builder.name} builds {missing.platform} (they build "
                    f"{', '.join(sorted(map(str, can_build)))}). Register its emulator with binfmt, or add a node.",
                    task="the provision playbook",
                    platform=missing.platform,
                )
        if request.output == "registry":
            _check_loopback(builder, request.repository)
        if request.reproducible and builder.driver == DOCKER:
            raise CollectionError(
                f"Image {request.name!r} must be reproducible, and the docker driver of builder {builder.name} cannot rewrite "
                "timestamps. Use a docker-container or remote builder.",
                image=request.name,
            )


def _check_loopback(builder: Builder, repository: Reference) -> None:
    if not is_loopback(repository.registry):
        return
    if not builder.is_local:
        remote = next((node for node in builder.nodes if not node.is_local), builder.nodes[0])
        raise CollectionError(
            f"The registry {repository.registry} is on loopback, and node {remote.name} of builder {builder.name} is another "
            f"machine ({remote.endpoint or builder.driver}): there, that address is the node itself. Give the registry a name "
            "that all nodes reach.",
            registry=repository.registry,
            node=remote.name,
        )
    if builder.driver == DOCKER_CONTAINER:
        for node in builder.nodes:
            if node.driver_opts.get("network") != "host":
                raise CollectionError(
                    f"The registry {repository.registry} is on loopback, and node {node.name} of builder {builder.name} is a "
                    "container with a network of its own. Create it with driver_opts: {network: host}.",
                    registry=repository.registry,
                    node=node.name,
                )


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))
