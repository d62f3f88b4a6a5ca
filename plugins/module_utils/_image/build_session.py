# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call of ``image_build`` from plans to results: stores chosen, locks held, builds run, indexes merged."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
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
from ansible_collections.imagefleet.dify.plugins.module_utils._core.lock import file_locks
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_plan import ImagePlan, platform_facts
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_run import BuildRun, Outcome, secret_variable
from ansible_collections.imagefleet.dify.plugins.module_utils._image.builder_checks import check_builder, check_version
from ansible_collections.imagefleet.dify.plugins.module_utils._image.engine_output import EngineStore
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import REVISION_ANNOTATION
from ansible_collections.imagefleet.dify.plugins.module_utils._image.lookup import look_up
from ansible_collections.imagefleet.dify.plugins.module_utils._image.request import ImageRequest
from ansible_collections.imagefleet.dify.plugins.module_utils._image.resolve import ResolvedImage
from ansible_collections.imagefleet.dify.plugins.module_utils._image.run_environment import SECRET_LIMIT
from ansible_collections.imagefleet.dify.plugins.module_utils._image.store import (
    ImageStore,
    OciLayoutStore,
    RegistryStore,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.engine import EngineClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.layout import LayoutStore
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform, parse_platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.base_environment import read_environment

_LOCK_FOLDER = "/run/lock/imagefleet-dify"


@dataclass
class BuildSession:
    """What one call shares between its images.

    :param params: the module's parameters.
    :param workspace: a folder of this call's own; the caller removes it.
    :param warnings: what the user should know beside the result.
    :param nodes: the node that builds what is missing, by platform, once the builder was asked.
    """

    params: Mapping[str, Any]
    buildx: BuildxClient
    client: RegistryClient
    workspace: str
    stores: dict[str, ImageStore] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)

    def plan(self, resolved: Sequence[ResolvedImage]) -> list[ImagePlan]:
        """Read what is there and plan every image. Asks registries, never a builder."""
        return [self._plan(image) for image in resolved]

    def predicted(self, plans: Sequence[ImagePlan]) -> dict[str, Any]:
        """The result of check mode."""
        if any(plan.missing for plan in plans):
            self._builder(plans)
        return self._result(plans, [self._described(plan, plan.index) for plan in plans])

    def carry_out(self, resolved: Sequence[ResolvedImage], plans: Sequence[ImagePlan]) -> dict[str, Any]:
        """Build and merge what the plans say, and return the result of the run.

        :raises CollectionError: builds failed; the others were finished, and their results are with the error.
        """
        if not any(plan.changed for plan in plans):
            return self._result(plans, [self._described(plan, plan.index) for plan in plans])
        names = [
            f"{plan.resolved.request.repository.name}-{plan.resolved.fingerprint}".replace("/", "-") for plan in plans
        ]
        with file_locks(self._lock_folder(), names):
            # Somebody on this host may have built the same while we waited for the lock.
            plans = self.plan(resolved)
            return self._build(plans)

    def _build(self, plans: Sequence[ImagePlan]) -> dict[str, Any]:
        outcomes: list[Outcome] = []
        run = None
        if any(plan.missing for plan in plans):
            run = self._run(plans)
            outcomes = run.build(plans)
        run = run or self._merge_only()
        results = []
        for plan in plans:
            own = [outcome for outcome in outcomes if outcome.job.plan is plan]
            built = {
                platform.platform: outcome.manifest
                for outcome in own
                for platform in outcome.job.platforms
                if outcome.manifest
            }
            failed = any(outcome.error for outcome in own)
            index = plan.index or (None if failed else run.merge(plan, built))
            described = self._described(plan, index, own)
            if own:
                described["reproducible"] = run.rewrites(plan.resolved.request)
            results.append(described)
        result = self._result(plans, results)
        failures = [outcome for outcome in outcomes if outcome.error]
        if failures:
            raise CollectionError(
                "\n".join(str(outcome.error) for outcome in failures),
                **{**result, "changed": any(outcome.manifest for outcome in outcomes)},
                failed_builds=[
                    {**facts, "name": outcome.job.plan.resolved.request.name, "log": outcome.log}
                    for outcome in failures
                    for facts in outcome.facts.values()
                ],
            )
        return result

    def _run(self, plans: Sequence[ImagePlan]) -> BuildRun:
        builder, version = self._builder(plans)
        environment, mask = self._secrets(plans)
        choices = self._choices(builder, plans)
        for plan in plans:
            check_ca_bundle(plan.resolved.request.run_environment.ca_bundle)
        return BuildRun(
            buildx=self.buildx,
            builder=builder,
            version=version,
            stores=self.stores,
            workspace=self.workspace,
            choices=choices,
            memory=memory_of_nodes(builder, self.buildx.cli),
            max_parallel=self.params["max_parallel"],
            environment={
                **docker_config_folder(
                    self.client.settings, self.params["docker_config"], self.buildx.folder, self.workspace
                ),
                **self.buildx.record_for_build(builder, choices, os.path.join(self.workspace, "buildx")),
                **environment,
            },
            mask=mask,
            environment_of=self._environment_of,
        )

    def _environment_of(self, base: Reference, platform: Platform) -> dict[str, str]:
        return read_environment(RegistryStore(self.client, base), self.client.get_manifest(base), platform)

    def _merge_only(self) -> BuildRun:
        """A run for images whose platforms are all there: nothing is asked of a builder."""
        return BuildRun(self.buildx, Builder("", DOCKER), (0, 0, 0), self.stores, self.workspace)

    def _builder(self, plans: Sequence[ImagePlan]) -> tuple[Builder, tuple[int, int, int]]:
        version = self.buildx.version()
        check_version(version)
        name = self.params["builder"]
        builder = self.buildx.find_builder(name, ask_nodes=True)
        if builder is None:
            raise MissingPrerequisite(
                f"There is no builder {name} in {self.buildx.folder}. Create it with buildx_builder, or name another one.",
                task="the provision playbook",
                builder=name,
            )
        if self.params["unreachable_nodes"] == "skip":
            builder = self._reachable(builder)
        check_builder(builder, plans)
        self.nodes = {str(platform): choice.node.name for platform, choice in self._choices(builder, plans).items()}
        return builder, version

    def _reachable(self, builder: Builder) -> Builder:
        silent = silent_nodes(builder)
        self.warnings = [f"{describe_silence(builder, node)} It is left out of this build." for node in silent]
        return without_silent_nodes(builder)

    @staticmethod
    def _choices(builder: Builder, plans: Sequence[ImagePlan]) -> dict[Platform, NodeChoice]:
        return choose_nodes(builder, [parse_platform(missing.platform) for plan in plans for missing in plan.missing])

    def _plan(self, resolved: ResolvedImage) -> ImagePlan:
        request = resolved.request
        store = self.stores.setdefault(request.name, self._store(request))
        compared, compared_store = self._compared(request, store)
        return look_up(resolved, store, compared, compared_store)

    def _store(self, request: ImageRequest) -> ImageStore:
        if request.output == "oci_layout":
            return OciLayoutStore(LayoutStore(str(request.output_path)), self.workspace)
        if request.output == "engine":
            return EngineStore(EngineClient(), request.repository)
        return RegistryStore(self.client, request.repository)

    def _compared(self, request: ImageRequest, store: ImageStore) -> tuple[Manifest | None, ImageStore]:
        reference = request.compare_to
        if reference is None:
            return None, store
        same = isinstance(store, RegistryStore) and reference.name == request.repository.name
        compared_store = store if same else RegistryStore(self.client, reference.with_tag("latest"))
        return self.client.find_manifest(reference), compared_store

    def _secrets(self, plans: Sequence[ImagePlan]) -> tuple[dict[str, str], list[str]]:
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

    def _lock_folder(self) -> str:
        if os.access(os.path.dirname(_LOCK_FOLDER), os.W_OK):
            return _LOCK_FOLDER
        return os.path.join(self.buildx.folder, "locks")

    def _described(self, plan: ImagePlan, index: Manifest | None, outcomes: Sequence[Outcome] = ()) -> dict[str, Any]:
        result = plan.result()
        request = plan.resolved.request
        facts = {platform: of for outcome in outcomes for platform, of in outcome.facts.items()}
        result["platforms"] = [
            {**known, **self._node(known), **facts.get(known["platform"], {})} for known in result["platforms"]
        ]
        if index is not None:
            for described in result["platforms"]:
                _describe_as_in(index, described)
            result["digest"] = index.digest
            result["reference"] = f"{request.repository.with_tag(plan.tag)}@{index.digest}"
            if REVISION_ANNOTATION in index.annotations:
                result["revision"] = index.annotations[REVISION_ANNOTATION]
        if outcomes:
            result["log"] = "\n".join(f"{outcome.job.names}\n{outcome.log}" for outcome in outcomes)
        return result

    def _node(self, platform: Mapping[str, Any]) -> dict[str, str]:
        """Where a platform that is not there is built."""
        node = self.nodes.get(platform["platform"]) if platform["built"] else None
        return {"node": node} if node else {}

    def _result(self, plans: Sequence[ImagePlan], images: list[dict[str, Any]]) -> dict[str, Any]:
        changed = [plan for plan in plans if plan.changed]
        return {
            **({"warnings": self.warnings} if self.warnings else {}),
            "changed": bool(changed),
            "images": images,
            "diff": {
                "before": "",
                "after": "".join(
                    f"{plan.resolved.request.name}: {plan.resolved.request.repository.with_tag(plan.tag)}\n"
                    + "".join(f"  {reason}\n" for reason in plan.reasons or ("merged from platforms that are there",))
                    for plan in changed
                ),
            },
        }


def _describe_as_in(index: Manifest, platform: dict[str, Any]) -> None:
    """Give a platform the digest that the index has for it; where it is another host's, ours was built in vain."""
    digest = platform_facts(index, platform["platform"]).get("digest")
    if digest and platform.get("digest") not in (None, digest):
        platform.update(digest=digest, double_build=True)


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
