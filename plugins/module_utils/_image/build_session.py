# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call of ``image_build`` from plans to results: stores chosen, locks held, what is missing built, indexes merged."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.lock import file_locks, lock_folder
from ansible_collections.imagefleet.dify.plugins.module_utils._core.moment import utc_now
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_plan import ImagePlan, platform_facts
from ansible_collections.imagefleet.dify.plugins.module_utils._image.engine_output import EngineStore
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import REVISION_ANNOTATION
from ansible_collections.imagefleet.dify.plugins.module_utils._image.lookup import look_up
from ansible_collections.imagefleet.dify.plugins.module_utils._image.request import ImageRequest
from ansible_collections.imagefleet.dify.plugins.module_utils._image.resolve import ResolvedImage
from ansible_collections.imagefleet.dify.plugins.module_utils._image.store import (
    ImageStore,
    OciLayoutStore,
    RegistryStore,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.engine import EngineClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.layout import LayoutStore
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient

if TYPE_CHECKING:
    from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.client import BuildxClient
    from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_run import Outcome
    from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_start import ChosenBuilder


@dataclass
class BuildSession:
    """What one call shares between its images.

    :param params: the module's parameters.
    :param open_buildx: the client for buildx, once it is needed.
    :param openssl: the program that reads the certificates of registries.
    :param workspace: a folder of this call's own; the caller removes it.
    :param warnings: what the user should know beside the result.
    :param nodes: the node that builds what is missing, by platform, once the builder was asked.
    """

    params: Mapping[str, Any]
    open_buildx: Callable[[], BuildxClient]
    openssl: Cli
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
            self._choose(self.open_buildx(), plans)
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
        with file_locks(lock_folder(otherwise=os.path.join(self.open_buildx().folder, "locks")), names):
            # Somebody on this host may have built the same while we waited for the lock.
            plans = self.plan(resolved)
            return self._build(plans)

    def _build(self, plans: Sequence[ImagePlan]) -> dict[str, Any]:
        # Here and not above: a call that finds everything built is over in less time without all that builds.
        from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_start import merge_only, start_run

        outcomes: list[Outcome] = []
        buildx = self.open_buildx()
        if any(plan.missing for plan in plans):
            self._check_registries(plans)
            chosen = self._choose(buildx, plans)
            run = start_run(buildx, chosen, self.client, self.params, self.stores, plans, self.workspace)
            outcomes = run.build(plans)
        else:
            run = merge_only(buildx, self.stores, self.workspace)
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

    def _check_registries(self, plans: Sequence[ImagePlan]) -> None:
        """Before hours are spent on what cannot be pushed then."""
        from ansible_collections.imagefleet.dify.plugins.module_utils._oci.probe import probe

        wanted = [plan.resolved.request for plan in plans if plan.missing]
        repositories = {
            request.repository.name: request.repository
            for request in wanted
            if isinstance(self.stores[request.name], RegistryStore)
        }
        for repository in repositories.values():
            self.client.make_repository(repository)
            self.client.check_push(repository)
        listed = [entry["host"] for entry in self.params["registries"]]
        for host in dict.fromkeys([*listed, *(repository.registry for repository in repositories.values())]):
            # Where there is no OpenSSL, nobody tells when certificates end.
            with contextlib.suppress(MissingPrerequisite):
                self.warnings += probe(self.client, self.openssl, host, utc_now()).problems

    def _choose(self, buildx: BuildxClient, plans: Sequence[ImagePlan]) -> ChosenBuilder:
        from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_start import choose_builder

        chosen = choose_builder(buildx, self.params, plans)
        self.nodes = chosen.nodes
        self.warnings += chosen.warnings
        return chosen

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
