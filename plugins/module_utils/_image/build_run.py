# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Building what a plan says is missing: contexts written out, bake run batch by batch, results tagged and merged."""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.bake import (
    BuildTarget,
    bake_args,
    bake_definition,
    batch_size,
    batches,
    needs_engine_cleanup,
    registry_cache_from,
    registry_cache_to,
    registry_output,
    time_attributes,
    tolerant_cache,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import DOCKER, Builder
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_args import Version
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.client import BuildxClient
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.failure import PASSING, find_cause
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_choice import NodeChoice
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.progress import (
    PRINTED_LINES,
    Progress,
    Step,
    count_steps,
    duration,
    emulated_steps,
    node_platform,
    parse_progress,
    printed_by,
    readable_log,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_plan import (
    ImagePlan,
    PlatformPlan,
    holds,
    platform_facts,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import without_syntax
from ansible_collections.imagefleet.dify.plugins.module_utils._image.engine_output import EngineStore
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import REVISION_ANNOTATION
from ansible_collections.imagefleet.dify.plugins.module_utils._image.record import (
    files_tag,
    index_annotations,
    long_files,
    manifest_annotations,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.registry_cache import (
    OverwrittenCaches,
    cache_reference,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.request import ImageRequest, Secret
from ansible_collections.imagefleet.dify.plugins.module_utils._image.resolve import ResolvedImage
from ansible_collections.imagefleet.dify.plugins.module_utils._image.run_environment import (
    CA_ID,
    SCRIPT_ID,
    SCRIPT_PATH,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.run_steps import as_written, with_script
from ansible_collections.imagefleet.dify.plugins.module_utils._image.store import (
    ImageStore,
    OciLayoutStore,
    RegistryStore,
    find_provenance,
    put_files,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    Manifest,
    content_size,
    merge_indexes,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform, parse_platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.base_environment import with_environment

#: What buildx adds to its metadata when it can (0.14 and newer): the whole build record, where steps have platforms.
_BAKE_ENVIRONMENT = {
    "BUILDX_METADATA_PROVENANCE": "max",
    "BUILDX_METADATA_WARNINGS": "0",
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
}
#: Between two tries of what fails for something that passes, as for a registry that takes no images for the moment.
_PAUSE_SECONDS = 5


@dataclass(frozen=True)
class Job:
    """One build and the bake target that makes it: one platform, or all of them for the engine, which keeps images whole."""

    plan: ImagePlan
    platforms: tuple[PlatformPlan, ...]
    target: str

    @property
    def names(self) -> str:
        """The platforms, as a person reads them."""
        return ", ".join(platform.platform for platform in self.platforms)


@dataclass
class Outcome:
    """What became of one build: its manifest, or why it failed.

    :param facts: what is returned of each of its platforms, by platform.
    :param cause: its name, where it is a known one.
    """

    job: Job
    manifest: Manifest | None = None
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: str | None = None
    cause: str | None = None
    log: str = ""


@dataclass(frozen=True)
class BuildRun:
    """One call of ``image_build``, with everything it needs.

    :param stores: by image name.
    :param workspace: a folder of this run's own, removed by the caller.
    :param choices: which node builds which platform.
    :param memory: bytes of each node, by its name; None where it cannot be asked.
    :param mask: values that must not appear in a log.
    :param environment_of: reads what a base image sets in its environment, for a platform.
    """

    buildx: BuildxClient
    builder: Builder
    version: Version
    stores: Mapping[str, ImageStore]
    workspace: str
    choices: Mapping[Platform, NodeChoice] = field(default_factory=dict)
    memory: Mapping[str, int | None] = field(default_factory=dict)
    max_parallel: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    mask: Sequence[str] = ()
    environment_of: Callable[[Reference, Platform], Mapping[str, str]] = lambda _reference, _platform: {}

    def build(self, plans: Sequence[ImagePlan]) -> list[Outcome]:
        """Build every missing platform. A failed build does not keep the others from being finished."""
        jobs = [job for plan in plans for job in jobs_of(plan)]
        folders = self._export(plans)
        targets = {job.target: self._target(job, folders[job.plan.resolved.request.name]) for job in jobs}
        outcomes: list[Outcome] = []
        overwritten = [self._remembered_caches(plan, jobs) for plan in plans]
        sizes = {name: batch_size(memory, self.max_parallel) for name, memory in self.memory.items()}
        node_of = {job.target: self.choices[parse_platform(job.platforms[0].platform)].node.name for job in jobs}
        for batch in batches([targets[job.target] for job in jobs], node_of, sizes):
            outcomes.extend(self._batch(batch, {job.target: job for job in jobs}))
        for caches in overwritten:
            caches.remove()
        return outcomes

    def _remembered_caches(self, plan: ImagePlan, jobs: Sequence[Job]) -> OverwrittenCaches:
        store = self.stores[plan.resolved.request.name]
        client = store.client if isinstance(store, RegistryStore) else RegistryClient()
        caches = OverwrittenCaches(client)
        caches.remember(filter(None, (_cache(job) for job in jobs if job.plan is plan)))
        return caches

    def merge(self, plan: ImagePlan, built: Mapping[str, Manifest]) -> Manifest:
        """Make the index of all platforms, put it under its fingerprint and read it back.

        Another host may put its own in the same moment: it is of the same inputs, and what is there then is returned.

        :param built: what was built now, by platform.
        :raises CollectionError: what is read back is no index of these inputs.
        """
        store = self.stores[plan.resolved.request.name]
        if isinstance(store, EngineStore):
            return self._in_engine(store, plan)
        parts = [platform.manifest or built[platform.platform] for platform in plan.platforms]
        inputs = plan.resolved.inputs
        index = merge_indexes(
            [store_index(part, platform.platform) for part, platform in zip(parts, plan.platforms)],
            index_annotations(inputs, plan.resolved.request.revision),
        )
        files = long_files(next(iter(inputs.values())))
        if files is not None:
            put_files(store, files_tag(next(iter(inputs.values())).counted()), files)
        store.put(plan.tag, index)
        read = store.find(plan.tag)
        if read is None or not holds(read, list(inputs)):
            raise CollectionError(
                f"{plan.resolved.request.repository.with_tag(plan.tag)} was written as {index.digest}, and reads back as "
                f"{read.digest if read else 'nothing'}. Something else writes there, or the registry loses data.",
                image=plan.resolved.request.name,
            )
        return read

    @staticmethod
    def _in_engine(store: EngineStore, plan: ImagePlan) -> Manifest:
        image = store.find(plan.tag)
        if image is None:
            raise CollectionError(
                f"{store.repository.with_tag(plan.tag)} was built and is not in the engine. Does the builder "
                "load into another engine?",
                image=plan.resolved.request.name,
            )
        return image

    def _export(self, plans: Sequence[ImagePlan]) -> dict[str, dict[str, str]]:
        """Write each image's Dockerfile and contexts out, equal ones once; paths by image name and context name."""
        written: dict[str, str] = {}
        folders: dict[str, dict[str, str]] = {}
        for plan in plans:
            if not plan.missing:
                continue
            resolved = plan.resolved
            paths = {}
            for name, source in resolved.folders.items():
                digest = source.as_input().digest
                if digest not in written:
                    written[digest] = os.path.join(self.workspace, f"context-{len(written)}")
                    source.reader.export(source.entries, written[digest])
                paths[name] = written[digest]
            inherited = (
                self.environment_of(resolved.inherited, resolved.request.platforms[0]) if resolved.inherited else {}
            )
            dockerfile = dockerfile_to_build(resolved, inherited)
            paths["Dockerfile"] = self._write_dockerfile(resolved.request.name, dockerfile)
            folders[resolved.request.name] = paths
        return folders

    def _write_dockerfile(self, name: str, content: bytes) -> str:
        folder = os.path.join(self.workspace, f"dockerfile-{name}")
        os.makedirs(folder)
        path = os.path.join(folder, "Dockerfile")
        with open(path, "wb") as file:
            file.write(content)
        # The ignore rules were applied when the context was written. An empty file beside the Dockerfile keeps BuildKit
        # from applying those of the context's root, which may not be the ones that count.
        with open(f"{path}.dockerignore", "wb"):
            pass
        return path

    def _target(self, job: Job, folders: Mapping[str, str]) -> BuildTarget:
        resolved = job.plan.resolved
        request = resolved.request
        args = dict(request.args)
        if resolved.frontend:
            args["BUILDKIT_SYNTAX"] = resolved.frontend
        output, tags = self._output(job, request)
        named = {name: path for name, path in folders.items() if name not in ("", "Dockerfile")}
        in_engine = request.output == "engine"
        record = index_annotations(resolved.inputs, request.revision) if in_engine else {}
        annotations = {} if in_engine else self._annotations(job)
        cache = _cache(job)
        return BuildTarget(
            name=job.target,
            context=folders[""],
            dockerfile=folders["Dockerfile"],
            platforms=tuple(platform.platform for platform in job.platforms),
            output=output,
            tags=tags,
            target=request.target,
            args=args,
            contexts={**resolved.pinned[job.platforms[0].platform], **named},
            secrets=(*map(bake_secret, request.secrets), *self._environment_secrets(request)),
            ssh=request.ssh,
            labels={**resolved.base_labels.get(job.platforms[0].platform, {}), **request.labels, **record},
            annotations=tuple(f"manifest:{key}={value}" for key, value in sorted(annotations.items())),
            cache_from=(*request.cache_from, *registry_cache_from(str(cache) if cache else None)),
            cache_to=tolerant_cache((*request.cache_to, *registry_cache_to(str(cache) if cache else None))),
            attest=attestations(request),
            network=None if request.network == "default" else request.network,
            no_cache=request.max_age is not None or request.rebuild == "always",
        )

    def _environment_secrets(self, request: ImageRequest) -> tuple[str, ...]:
        """What ``RUN`` steps find around them, as files that only this run can read and that go with its workspace."""
        environment = request.run_environment
        if not environment:
            return ()
        path = os.path.join(self.workspace, f"environment-{request.name}")
        if not os.path.exists(path):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(environment.script())
        files = {SCRIPT_ID: path}
        if environment.ca_bundle:
            files[CA_ID] = environment.ca_bundle
        return tuple(f"type=file,id={name},src={source}" for name, source in files.items())

    @staticmethod
    def _annotations(job: Job) -> dict[str, str]:
        request = job.plan.resolved.request
        annotations = manifest_annotations(job.plan.resolved.inputs[job.platforms[0].platform])
        if request.revision:
            annotations.setdefault(REVISION_ANNOTATION, request.revision)
        return annotations

    def _output(self, job: Job, request: ImageRequest) -> tuple[str, tuple[str, ...]]:
        store = self.stores[request.name]
        times = time_attributes(request.source_date_epoch, self.rewrites(request))
        if isinstance(store, EngineStore):
            # Its own builder stores an image, another one's result is loaded.
            kind = "type=image" if self.builder.driver == DOCKER else "type=docker"
            return ",".join((kind, *times)), (str(request.repository.with_tag(job.plan.tag)),)
        if isinstance(store, OciLayoutStore):
            return store.output(job.target, "".join(f",{attribute}" for attribute in times))
        return store.output(job.target, registry_output(self.builder.driver, self.version, times))

    def rewrites(self, request: ImageRequest) -> bool:
        """Whether files in layers get the time that the user wants; the docker driver cannot do that."""
        return request.source_date_epoch is not None and self.builder.driver != DOCKER

    def _batch(self, batch: Sequence[BuildTarget], jobs: Mapping[str, Job]) -> list[Outcome]:
        """Solve a batch. BuildKit cancels all builds of a solve when one fails, so the others are solved again, from cache.

        So is one that failed for what passes by itself.
        """
        outcomes: list[Outcome] = []
        waiting = list(batch)
        refused: dict[str, float] = {}
        while waiting:
            progress, metadata, rc = self._bake(waiting)
            if rc == 0:
                outcomes.extend(self._success(jobs[target.name], progress, metadata) for target in waiting)
                break
            failed = [target for target in waiting if target.name in progress.failed_targets()]
            # A failure that names no target, such as a node that went away, is everybody's.
            failed = failed or waiting
            failures = {target.name: self._failure(jobs[target.name], progress) for target in failed}
            for name in failures:
                refused.setdefault(name, time.monotonic())
            passing = [
                name
                for name, failure in failures.items()
                if time.monotonic() < refused[name] + PASSING.get(failure.cause or "", 0.0)
            ]
            outcomes.extend(failure for name, failure in failures.items() if name not in passing)
            waiting = [target for target in waiting if target.name in passing or target.name not in failures]
            if passing:
                time.sleep(_PAUSE_SECONDS)
        return outcomes

    def _bake(self, targets: Sequence[BuildTarget]) -> tuple[Progress, dict[str, Any], int]:
        descriptor, metadata_file = tempfile.mkstemp(dir=self.workspace, prefix="metadata-", suffix=".json")
        os.close(descriptor)
        completed = self.buildx.cli.run(
            *bake_args(self.builder.name, targets, metadata_file, self.version),
            stdin=bake_definition(targets),
            environment={**_BAKE_ENVIRONMENT, **self.environment},
            cwd=self.workspace,
            check=False,
        )
        with open(metadata_file, encoding="utf-8") as file:
            text = file.read()
        if needs_engine_cleanup(self.builder.driver, self.version):
            self._remove_from_engine(targets)
        only_target = targets[0].name if len(targets) == 1 else None
        return parse_progress(completed.stderr, only_target), json.loads(text) if text else {}, completed.rc

    def _remove_from_engine(self, targets: Sequence[BuildTarget]) -> None:
        tags = [tag for target in targets for tag in target.tags]
        if tags:
            self.buildx.cli.run("image", "rm", "--force", *tags, check=False)

    def _success(self, job: Job, progress: Progress, metadata: Mapping[str, Any]) -> Outcome:
        store = self.stores[job.plan.resolved.request.name]
        steps = progress.of_target(job.target)
        own = metadata.get(job.target) or {}
        log = self._readable(job, readable_log(steps))
        if isinstance(store, EngineStore):
            image = self._in_engine(store, job.plan)
            facts = self._facts(job, steps, own.get("buildx.build.provenance") or {}, image)
            return Outcome(job, image, facts, log=log)
        (platform,) = job.platforms
        built = store.collect(job.target, own["containerimage.digest"])
        winner = store.find(platform.tag)
        if winner is None:
            store.put(platform.tag, built)
            # Another host may have put its own in the same moment; what is there now is everybody's.
            winner = store.find(platform.tag)
        manifest = winner or built
        provenance = own.get("buildx.build.provenance") or find_provenance(store, built, platform.platform) or {}
        facts = self._facts(job, steps, provenance, manifest)
        facts[platform.platform]["double_build"] = manifest.digest != built.digest
        facts[platform.platform]["size"] = content_size(store.get(facts[platform.platform]["digest"]))
        return Outcome(job, manifest, facts, log=log)

    def _facts(
        self, job: Job, steps: tuple[Step, ...], provenance: Mapping[str, Any], manifest: Manifest
    ) -> dict[str, dict[str, Any]]:
        executed, cached = count_steps(steps)
        own = node_platform(provenance)
        return {
            platform.platform: {
                "platform": platform.platform,
                "fingerprint": platform.fingerprint,
                "built": True,
                "reasons": list(platform.reasons),
                **platform_facts(manifest, platform.platform),
                "executed_steps": executed,
                "cached_steps": cached,
                "emulated_steps": emulated_steps(provenance, steps),
                "node": self.choices[parse_platform(platform.platform)].node.name,
                "native": parse_platform(own) == parse_platform(platform.platform) if own else None,
                "duration": duration(steps),
                "double_build": False,
            }
            for platform in job.platforms
        }

    def _failure(self, job: Job, progress: Progress) -> Outcome:
        steps = progress.of_target(job.target)
        log = self._readable(job, readable_log(steps, progress.messages))
        broken = next((step for step in steps if step.failed), None)
        # Steps that were stopped because another one failed say that they were killed, which is no cause.
        cause = find_cause("\n".join([*broken.output(), broken.error or "", progress.messages]) if broken else log)
        message = f"{job.plan.resolved.request.name} for {job.names} failed"
        if len(self.builder.nodes) > 1:
            message += f" on node {self.choices[parse_platform(job.platforms[0].platform)].node.name}"
        if broken:
            message += f" in {self._readable(job, broken.title)}"
        message += f": {cause.name}. {cause.remedy}" if cause else "."
        facts = {
            platform.platform: {
                "platform": platform.platform,
                "fingerprint": platform.fingerprint,
                "built": False,
                "reasons": list(platform.reasons),
                "step": self._readable(job, broken.title) if broken else None,
                "cause": cause.name if cause else None,
                "duration": duration(steps),
            }
            for platform in job.platforms
        }
        printed = printed_by(broken) if broken and broken.log else "\n".join(log.splitlines()[-PRINTED_LINES:])
        error = f"{message}\n{self._readable(job, printed)}"
        return Outcome(job, None, facts, error, cause.name if cause else None, log)

    def _readable(self, job: Job, text: str) -> str:
        """As the Dockerfile's own steps would have it, and without secrets."""
        text = as_written(text, SCRIPT_PATH, job.plan.resolved.request.run_environment.mounts())
        for value in self.mask:
            text = text.replace(value, "********")
        return text


def _cache(job: Job) -> Reference | None:
    request = job.plan.resolved.request
    if not request.registry_cache:
        return None
    return cache_reference(request.repository, request.recipe, job.platforms[0].platform)


def dockerfile_to_build(resolved: ResolvedImage, inherited: Mapping[str, str]) -> bytes:
    """The image's Dockerfile, whose steps read what they are to find around them. As it is when that is nothing.

    :param inherited: environment of the base, for a recipe that takes only its files.
    """
    text = resolved.dockerfile.decode("utf-8", "surrogateescape")
    if resolved.inherited:
        text = with_environment(text, inherited)
    if resolved.frontend is None:
        text = without_syntax(text)
    if resolved.request.run_environment:
        text = with_script(text, SCRIPT_PATH, resolved.request.run_environment.mounts())
    return text.encode("utf-8", "surrogateescape")


def jobs_of(plan: ImagePlan) -> list[Job]:
    """The builds that a plan needs: one for each missing platform, or one of all platforms for the engine."""
    name = plan.resolved.request.name
    if plan.missing and plan.resolved.request.output == "engine":
        return [Job(plan, plan.platforms, name)]
    return [Job(plan, (platform,), f"{name}-{platform.platform.replace('/', '-')}") for platform in plan.missing]


def bake_secret(secret: Secret) -> str:
    """A secret as bake takes it: by file, or by the name of an environment variable."""
    if secret.src:
        return f"type=file,id={secret.id},src={secret.src}"
    return f"type=env,id={secret.id},env={secret.env or secret_variable(secret)}"


def secret_variable(secret: Secret) -> str:
    """The environment variable in which a value given as text reaches buildx."""
    return f"IMAGEFLEET_SECRET_{secret.id.upper().replace('-', '_').replace('.', '_')}"


def attestations(request: ImageRequest) -> tuple[str, ...]:
    """``attest`` entries: said outright, so that buildx's default does not depend on its version or environment."""
    provenance = (
        "type=provenance,disabled=true"
        if request.provenance == "none"
        else f"type=provenance,mode={request.provenance}"
    )
    if request.output == "engine":
        return ("type=provenance,disabled=true",)
    if not request.sbom:
        return (provenance,)
    generator = "" if request.sbom == "default" else f",generator={request.sbom}"
    return (provenance, f"type=sbom{generator}")


def store_index(manifest: Manifest, platform: str) -> Manifest:
    """The manifest as an index of one platform: what a build without attestations pushes is a bare manifest."""
    if manifest.is_index:
        return manifest
    parsed = parse_platform(platform)
    described = {"os": parsed.os, "architecture": parsed.architecture}
    if parsed.variant:
        described["variant"] = parsed.variant
    return merge_indexes([], {}, extra=[{**manifest.descriptor(), "platform": described}])
