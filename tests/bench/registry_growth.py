# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a registry is asked, and how long that takes, as one of its repositories grows."""

from __future__ import annotations

import os
import re
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Iterator

from bench_site import run
from growing_repository import GrowingRepository
from pairs import Run, seconds
from process_cost import cost_of

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import json_manifest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from support.module_runner import ModuleRunner
from support.registries import running_registry

#: ``fp-`` tags in the repository.
SIZES = (10, 100, 1_000, 10_000)
_NAME = "scale/api"
_PLATFORMS = ["linux/amd64", "linux/arm64"]
_REQUEST = re.compile(r'"(GET|HEAD|PUT|POST|PATCH|DELETE) (\S+) HTTP')


@dataclass
class ScaledRegistry:
    """A registry of this run's own with one repository.

    :param folder: its configuration, storage and access log.
    """

    folder: Path
    port: int
    modules: ModuleRunner
    client: RegistryClient = field(default_factory=RegistryClient)

    @property
    def repository(self) -> Reference:
        """The one that grows."""
        return Reference(f"localhost:{self.port}", _NAME)

    def build(self, context: Path) -> dict[str, Any]:
        """Have an image for both platforms; what ``image_build`` says of it."""
        image = {"name": "api", "repository": self.repository.name, "context": str(context)}
        result = self.modules.run("image_build", images=[image], platforms=_PLATFORMS, builder="default")
        assert not result.get("failed"), result
        return result["images"][0]

    def prune(self, **policy: Any) -> dict[str, Any]:
        """What would be removed, by default of what is older than a month."""
        result = self.modules.run("image_prune", check=True, repositories=[self.repository.name], **policy)
        assert not result.get("failed"), result
        return result["repositories"][0]

    def requests(self, call: Run) -> Counter[str]:
        """The requests of a run, by method, as the access log has them."""
        log = self.folder / "access.log"
        before = _settled(log)
        call()
        return Counter(match[1] for match in _REQUEST.finditer(_settled(log)[len(before) :]))

    def collect_garbage(self) -> dict[str, float]:
        """``garbage-collect``, as the role's timer runs it: what has no tag stays."""
        cost = cost_of(
            ["docker-registry", "garbage-collect", str(self.folder / "config.yml")], self.folder / "garbage.log"
        )
        return {"seconds": cost.seconds, "memory_mib": cost.memory_mib}


@contextmanager
def scaled_registry(folder: Path) -> Iterator[ScaledRegistry]:
    """One that is stopped at the end, and of which the engine forgets what it pushed."""
    modules = ModuleRunner()
    with running_registry(folder, {}, access_log=folder / "access.log") as port:
        try:
            yield ScaledRegistry(folder, port, modules)
        finally:
            modules.close()
            _forget(f"localhost:{port}/{_NAME}")


def registry_growth(folder: Path) -> Iterator[dict[str, Any]]:
    """Everything that is asked of a registry, at each size, and what a build asks of it; what was found so far."""
    with scaled_registry(folder) as registry:
        context = folder / "context"
        context.mkdir()
        (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
        built: list[dict[str, Any]] = []
        asked = {"build": registry.requests(lambda: built.append(registry.build(context)))}
        repository = _repository(registry, built[0])
        asked["promotion"] = registry.requests(partial(_promote, registry, built[0]["digest"]))
        asked["registry_info"] = registry.requests(partial(_look, registry))
        found: dict[str, Any] = {
            "version": run("docker-registry", "--version").split()[-1],
            "requests": {name: dict(counted) for name, counted in asked.items()},
            "manifests_of_a_build": len(registry.prune(max_age="0d", keep=0)["removed"]),
            "answered_per_second": _answered_per_second(registry, built[0]),
            "rows": [],
        }
        for size in SIZES:
            repository.grow(size)
            assert repository.tags() == size
            found["rows"].append({"tags": size, **_row(registry, repository, context)})
            print(f"    {found['rows'][-1]}", flush=True)
            yield found


def _repository(registry: ScaledRegistry, image: dict[str, Any]) -> GrowingRepository:
    repository = GrowingRepository(registry.folder / "data", _NAME, image["digest"], {})
    for platform in image["platforms"]:
        tag = f"fp-{platform['fingerprint']}"
        repository.platform_tags[tag] = (repository.folder / "_manifests/tags" / tag / "current/link").read_text()
    return repository


def _row(registry: ScaledRegistry, repository: GrowingRepository, context: Path) -> dict[str, Any]:
    """Everything at one size."""

    def no_op() -> None:
        assert not registry.build(context)["built"]

    by_tag = registry.repository.with_tag(f"fp-{registry.build(context)['fingerprint']}")

    def request() -> None:
        assert registry.client.find_manifest(by_tag)

    listed: list[int] = []

    def tags() -> None:
        listed.append(sum(tag.startswith("fp-") for tag in registry.client.list_tags(registry.repository)))

    pruned: list[dict[str, Any]] = []

    def prune() -> None:
        pruned.append(registry.prune())

    row: dict[str, Any] = {"load": round(os.getloadavg()[0], 2)}
    for name, call, times in (("no_op", no_op, 9), ("request", request, 100), ("list", tags, 5), ("prune", prune, 1)):
        taken: list[float] = []
        asked = registry.requests(partial(_timed, call, times, taken))
        row[name] = {
            "seconds": round(statistics.median(taken), 4),
            "fastest": round(min(taken), 4),
            "requests": asked.total() // times,
        }
    assert set(listed) == {repository.tags()}
    row["builds_kept"] = pruned[0]["kept_builds"]
    for name, tag in (("delete", "building-00000000-bench"), ("delete_untagged", None)):
        row[name] = {"seconds": statistics.median(_deletions(registry, 5, tag))}
    registry.collect_garbage()  # What was deleted here, and uploads.
    row["storage"] = _storage(repository)
    row["collect_nothing"] = registry.collect_garbage()
    littered = repository.litter(max(1, repository.builds // 10))
    row["collect_tenth"] = {**registry.collect_garbage(), "blobs": littered}
    assert _storage(repository)["files"] == row["storage"]["files"], "garbage stayed, or more than garbage went"
    return row


def _timed(call: Run, times: int, taken: list[float]) -> None:
    """Run it so often; the seconds of each come into ``taken``."""
    taken.extend(seconds(call) for _number in range(times))


def _deletions(registry: ScaledRegistry, times: int, tag: str | None) -> list[float]:
    """Seconds of a request to delete a manifest that has one tag, or none."""
    found = []
    for number in range(times):
        config = registry.client.put_blob(registry.repository, b"{}", "application/vnd.oci.image.config.v1+json")
        manifest = json_manifest(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": config,
                "layers": [],
                "annotations": {"bench": f"to be deleted {number} {time.time()}"},
            }
        )
        where = registry.repository.with_tag(tag) if tag else registry.repository.with_digest(manifest.digest)
        deleted = registry.repository.with_digest(registry.client.put_manifest(where, manifest))
        found.append(round(seconds(partial(registry.client.delete_manifest, deleted)), 3))
    return found


def _promote(registry: ScaledRegistry, digest: str) -> None:
    result = registry.modules.run(
        "image_promote",
        reference=f"{registry.repository.name}@{digest}",
        tags=["1.0.0"],
        target_repository=f"{registry.repository.name}-promoted",
    )
    assert result["changed"], result


def _look(registry: ScaledRegistry) -> None:
    result = registry.modules.run("registry_info", hosts=[registry.repository.registry])
    assert not result["problems"], result


def _answered_per_second(registry: ScaledRegistry, image: dict[str, Any]) -> float:
    """Requests for the build's index by its tag, as a no-op sends them, from four threads of one process."""
    reference = registry.repository.with_tag(f"fp-{image['fingerprint']}")
    count = 2000
    with ThreadPoolExecutor(4) as threads:
        start = time.monotonic()
        assert all(threads.map(lambda _number: registry.client.find_manifest(reference), range(count)))
        return round(count / (time.monotonic() - start))


def _storage(repository: GrowingRepository) -> dict[str, int]:
    """Blobs and links of the registry, without uploads."""
    files = [path for name in ("data", "link") for path in repository.storage.rglob(name) if path.is_file()]
    return {"files": len(files), "blocks_kib": sum(path.stat().st_blocks for path in files) // 2}


def _settled(log: Path) -> str:
    """An access log that nothing is added to any more: a line comes after its answer."""
    text = None
    while text != log.read_text():
        text = log.read_text()
        time.sleep(0.1)
    return text


def _forget(name: str) -> None:
    """Take the images of a repository from the engine."""
    images = set(run("docker", "image", "ls", "--quiet", "--no-trunc", "--filter", f"reference={name}").split())
    if images:
        run("docker", "image", "rm", "--force", *images)
