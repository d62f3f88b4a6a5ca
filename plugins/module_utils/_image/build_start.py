# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a build needs before it starts, and a call that finds everything built does not: builder, nodes, secrets, logins."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import DOCKER, Builder
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.client import BuildxClient
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.login import docker_config_folder
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_choice import (
    NodeChoice,
    choose_nodes,
    without_silent_nodes,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_memory import memory_of_nodes
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.silent_node import describe_silence, silent_nodes
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_plan import ImagePlan
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_run import BuildRun, secret_variable
from ansible_collections.imagefleet.dify.plugins.module_utils._image.builder_checks import check_builder, check_version
from ansible_collections.imagefleet.dify.plugins.module_utils._image.run_environment import SECRET_LIMIT
from ansible_collections.imagefleet.dify.plugins.module_utils._image.store import ImageStore, RegistryStore
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform, parse_platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.base_environment import read_environment


@dataclass(frozen=True)
class ChosenBuilder:
    """The builder of a call.

    :param version: of buildx.
    :param choices: the node that builds what is missing, by platform.
    :param warnings: nodes that are left out.
    """

    builder: Builder
    version: tuple[int, int, int]
    choices: Mapping[Platform, NodeChoice]
    warnings: Sequence[str] = ()

    @property
    def nodes(self) -> dict[str, str]:
        """Names of nodes by platform."""
        return {str(platform): choice.node.name for platform, choice in self.choices.items()}


def choose_builder(buildx: BuildxClient, params: Mapping[str, Any], plans: Sequence[ImagePlan]) -> ChosenBuilder:
    """The builder that a task names, once it is known to be able to build what is missing.

    :param params: the module's parameters.
    :raises MissingPrerequisite: there is no such builder.
    :raises CollectionError: it cannot build what the plans ask for.
    """
    version = buildx.version()
    check_version(version)
    builder = buildx.find_builder(params["builder"], ask_nodes=True)
    if builder is None:
        raise MissingPrerequisite(
            f"There is no builder {params['builder']} in {buildx.folder}. Create it with buildx_builder, or name another one.",
            task="the provision playbook",
            builder=params["builder"],
        )
    warnings = []
    if params["unreachable_nodes"] == "skip":
        warnings = [
            f"{describe_silence(builder, node)} It is left out of this build." for node in silent_nodes(builder)
        ]
        builder = without_silent_nodes(builder)
    check_builder(builder, plans)
    missing = [parse_platform(missing.platform) for plan in plans for missing in plan.missing]
    return ChosenBuilder(builder, version, choose_nodes(builder, missing), warnings)


def start_run(
    buildx: BuildxClient,
    chosen: ChosenBuilder,
    client: RegistryClient,
    params: Mapping[str, Any],
    stores: Mapping[str, ImageStore],
    plans: Sequence[ImagePlan],
    workspace: str,
) -> BuildRun:
    """The run that builds what is missing.

    :param params: the module's parameters.
    :param stores: where each image goes, by its name.
    :param workspace: a folder of this call's own.
    :raises CollectionError: a secret, or the CA of the build, cannot be read.
    """
    environment, mask = _secrets(plans)
    for plan in plans:
        check_ca_bundle(plan.resolved.request.run_environment.ca_bundle)

    def environment_of(base: Reference, platform: Platform) -> dict[str, str]:
        return read_environment(RegistryStore(client, base), client.get_manifest(base), platform)

    return BuildRun(
        buildx=buildx,
        builder=chosen.builder,
        version=chosen.version,
        stores=stores,
        workspace=workspace,
        choices=chosen.choices,
        memory=memory_of_nodes(chosen.builder, buildx.cli),
        max_parallel=params["max_parallel"],
        environment={
            **docker_config_folder(client.settings, params["docker_config"], buildx.folder, workspace),
            **buildx.record_for_build(chosen.builder, chosen.choices, os.path.join(workspace, "buildx")),
            **environment,
        },
        mask=mask,
        environment_of=environment_of,
    )


def merge_only(buildx: BuildxClient, stores: Mapping[str, ImageStore], workspace: str) -> BuildRun:
    """A run for images whose platforms are all there: nothing is asked of a builder."""
    return BuildRun(buildx, Builder("", DOCKER), (0, 0, 0), stores, workspace)


def _secrets(plans: Sequence[ImagePlan]) -> tuple[dict[str, str], list[str]]:
    """Values given as text, as environment variables; and all values, to be masked in logs."""
    environment: dict[str, str] = {}
    mask: list[str] = []
    for secret in (secret for plan in plans for secret in plan.resolved.request.secrets):
        value = secret.value
        if value is not None:
            environment[secret_variable(secret)] = value
        elif secret.env:
            value = os.environ.get(secret.env)
            if value is None:
                raise CollectionError(
                    f"The secret {secret.id} comes from the environment variable {secret.env}, which is not set on this "
                    "host. Set it with the task's environment keyword."
                )
        else:
            value = _read_secret(secret.id, str(secret.src))
        mask.extend(line for line in (value or "").splitlines() if len(line) > 3)
    for plan in plans:
        mask.extend(plan.resolved.request.run_environment.passwords)
    return environment, mask


def check_ca_bundle(path: str | None) -> None:
    """:raises CollectionError: it cannot be read, holds no certificate, or is larger than a build secret may be."""
    if path is None:
        return
    content = _read_secret("ca_bundle", path)
    if "-----BEGIN CERTIFICATE-----" not in content:
        raise CollectionError(f"ca_bundle {path} has no certificate in PEM (-----BEGIN CERTIFICATE-----).")
    if len(content.encode()) > SECRET_LIMIT:
        raise CollectionError(
            f"ca_bundle {path} has {len(content.encode())} bytes, and BuildKit takes {SECRET_LIMIT} of a secret. Give only the "
            "certificates that the base images do not have."
        )


def _read_secret(name: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError as error:
        raise CollectionError(
            f"The secret {name} is to be read from {path}, which cannot be read: {error.strerror}."
        ) from error
