# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured, each beside what it is to be compared with. Every function takes the site and gives a row."""

from __future__ import annotations

import json
import statistics
import time
import urllib.request
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from bench_site import BOTH, NATIVE, PLAYBOOKS, Site, empty_cache, playbook, run
from pairs import Pairs, seconds, timed_in_turn

_MANIFESTS = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Measure:
    """A row of the results.

    :param ours, beside: medians; seconds, or bytes where the measure says size.
    :param goal: the highest ratio that is wanted; None where only the figure is.
    :param what_beside: what stands beside.
    :param runs: pairs that were timed.
    """

    measure: str
    what_beside: str
    ours: float
    beside: float
    ratio: float
    goal: float | None
    unit: str = "s"
    runs: int = 1
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is what is wanted."""
        return None if self.goal is None else self.ratio <= self.goal

    def as_row(self) -> dict[str, Any]:
        """As ``results.json`` has it."""
        return {**asdict(self), "reached": self.reached}


def of_pairs(
    measure: str, beside: str, pairs: Pairs, goal: float | None, note: str = "", less: tuple[float, float] = (0, 0)
) -> Measure:
    """A row of timed pairs.

    :param less: seconds that each side costs without what is measured.
    """
    ours = [value - less[0] for value in pairs.ours]
    others = [value - less[1] for value in pairs.beside]
    ratio = statistics.median(one / other for one, other in zip(ours, others))
    return Measure(
        measure, beside, round(statistics.median(ours), 3), round(statistics.median(others), 3), round(ratio, 3), goal,
        runs=len(pairs.ours), note=note,
    )  # fmt: skip


def no_op_of_a_module(site: Site) -> Measure:
    """Four images on two platforms that are all there."""
    one = site.source("one", "generation_1")
    two = site.source("two", "generation_2")
    others = [
        site.source("one-beside", "generation_1", own_bases=True),
        site.source("two-beside", "generation_2", own_bases=True),
    ]
    namespace, beside = site.namespace(), site.namespace()
    ours = [*site.images(one, namespace, "generation_1"), *site.images(two, namespace, "generation_2")]
    theirs = [*site.images(others[0], beside, "generation_1"), *site.images(others[1], beside, "generation_2")]

    def run_ours() -> None:
        site.image_build(ours, platforms=BOTH)

    def run_theirs() -> None:
        site.docker_image_build(theirs, BOTH)

    run_ours()
    run_theirs()
    pairs = timed_in_turn(run_ours, run_theirs, 5)
    bare = (_bare(1), _bare(4))
    return of_pairs(
        "no-op: one image_build task, 4 images x 2 platforms",
        "docker_image_build of community.docker in a loop, all cached",
        pairs,
        0.1,
        f"less a playbook that does nothing: {bare[0]:.2f} s, with a loop of four {bare[1]:.2f} s",
        bare,
    )


def no_op_of_the_playbook(site: Site) -> Measure:
    """The whole of it, from the source to promoted tags, when nothing changed."""
    source = site.source("noop", "generation_2")
    namespace, beside = site.namespace(), site.namespace()
    one = site.source("noop-one-beside", "generation_1", own_bases=True)
    two = site.source("noop-two-beside", "generation_2", own_bases=True)
    theirs = [*site.images(one, beside, "generation_1"), *site.images(two, beside, "generation_2")]

    def ours() -> None:
        site.build_playbook(source, namespace)

    def others() -> None:
        site.docker_image_build(theirs, BOTH)

    ours()
    others()
    return of_pairs(
        "no-op: the whole build playbook", "the looped playbook, all cached", timed_in_turn(ours, others, 5), 1.0
    )


def cold_build(site: Site) -> Measure:
    """The same definition, from an empty cache."""
    source = site.source("cold", "generation_2")

    def ours() -> None:
        site.image_build(site.images(source, site.namespace(), "generation_2"), platforms=NATIVE)

    def others() -> None:
        site.bake(site.images(source, site.namespace(), "generation_2"), NATIVE)

    bare = _bare(1)
    return of_pairs(
        "cold build through us, amd64", "docker buildx bake on the same definition, by hand",
        timed_in_turn(ours, others, 3, empty_cache), 1.03, f"less a playbook that does nothing: {bare:.2f} s", (bare, 0),
    )  # fmt: skip


def second_platform(site: Site) -> Measure:
    """What the second platform costs."""
    source = site.source("platforms", "generation_2")

    def ours() -> None:
        site.image_build(site.images(source, site.namespace(), "generation_2"), platforms=BOTH, recipe="optimised")

    def others() -> None:
        site.image_build(site.images(source, site.namespace(), "generation_2"), platforms=NATIVE, recipe="optimised")

    return of_pairs(
        "sample, two platforms, optimised, cold", "the same for amd64 only, optimised",
        timed_in_turn(ours, others, 3, empty_cache), 1.3,
    )  # fmt: skip


def without_emulation(site: Site) -> Measure:
    """What emulation costs, where each platform builds its own as Dify's Dockerfiles do."""
    source = site.source("emulated", "generation_2")
    upstream = site.source("emulated-beside", "generation_2", as_upstream=True)

    def ours() -> None:
        site.image_build(site.images(source, site.namespace(), "generation_2"), platforms=BOTH, recipe="optimised")

    def others() -> None:
        site.image_build(site.images(upstream, site.namespace(), "generation_2"), platforms=BOTH)

    return of_pairs(
        "sample, two platforms, optimised, cold", "the same by recipe upstream, arm64 under emulation",
        timed_in_turn(ours, others, 1, empty_cache), 0.2,
        "the sample's pages built on each platform, as Dify's Dockerfiles do it",
    )  # fmt: skip


def sizes(site: Site) -> list[Measure]:
    """What is pulled of each, compressed."""
    source = site.source("sizes", "generation_2")
    namespaces = {recipe: site.namespace() for recipe in ("optimised", "upstream")}
    for recipe, namespace in namespaces.items():
        site.image_build(site.images(source, namespace, "generation_2"), platforms=NATIVE, recipe=recipe)
    found = {
        (recipe, component): _size(site.registry, f"{namespace}/{component}-2")
        for recipe, namespace in namespaces.items()
        for component in ("api", "web")
    }
    return [
        Measure(
            f"size of the optimised {component}, amd64, compressed", "recipe upstream",
            found["optimised", component], found["upstream", component],
            round(found["optimised", component] / found["upstream", component], 3), 0.6, "bytes",
        )
        for component in ("api", "web")
    ]  # fmt: skip


def cold_start(site: Site) -> Measure:
    """From nothing to the first answer, as a user who may write nowhere in the image: what is not compiled is so each time."""
    source = site.source("start", "generation_2")
    references = {}
    for recipe in ("optimised", "upstream"):
        namespace = site.namespace()
        site.image_build(site.images(source, namespace, "generation_2", ("api",)), platforms=NATIVE, recipe=recipe)
        repository = f"{namespace}/api-2"
        references[recipe] = f"{site.registry}/{repository}@{_index(site.registry, repository)[1]}"
        run("docker", "pull", "--quiet", references[recipe])

    started: list[str] = []

    def remove() -> None:
        while started:
            run("docker", "rm", "--force", "--volumes", started.pop())

    pairs = timed_in_turn(
        partial(_first_answer, references["optimised"], started),
        partial(_first_answer, references["upstream"], started),
        7,
        remove,
    )
    remove()
    return of_pairs(
        "cold start of api as uid 1001, amd64, to its first answer", "recipe upstream", pairs, 1.0,
        "a container created, started and asked every 10 ms",
    )  # fmt: skip


def _first_answer(reference: str, started: list[str]) -> None:
    options = ("--detach", "--user", "1001:1001", "--publish", "127.0.0.1::5001", "--env", "DIFY_PORT=5001")
    started.append(run("docker", "run", *options, reference).strip())
    address = run("docker", "port", started[-1], "5001/tcp").split()[0]
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/health", timeout=5) as answer:
                answer.read()
                return
        except OSError:
            time.sleep(0.01)


def changes(site: Site) -> list[Measure]:
    """From a change to the promoted tag, tested on both platforms, beside the first build of everything."""
    source = site.source("changes", "generation_2")
    namespace = site.namespace()
    options: dict[str, Any] = {"images_recipe": "optimised", "images_components": ["api", "web"]}
    empty_cache()
    full = seconds(lambda: site.build_playbook(source, namespace, **options))
    rows = []
    times = []
    for number in range(3):
        with (source / "api/app.py").open("a") as file:
            file.write(f"# {number}\n")
        site.commit(source)
        times.append(seconds(lambda: site.build_playbook(source, namespace, **options)))
    rows.append(_beside_full("one line changed in api, to the promoted tag", times, full))
    times = []
    for package in ("humanize==4.11.0", "humanize==4.12.0", "humanize==4.12.1"):
        customisation = {"api": {"pip_packages": [package]}}
        if not times:
            site.build_playbook(
                source, namespace, images_customisation={"api": {"pip_packages": ["humanize==4.10.0"]}}, **options
            )
        build = partial(site.build_playbook, source, namespace, images_customisation=customisation, **options)
        times.append(seconds(build))
    rows.append(_beside_full("one pip package of a customisation changed, to the promoted tag", times, full))
    return rows


def promotion(site: Site) -> Measure:
    """A tag for a large image and for a small one, in another repository of the registry."""
    source = site.source("promotion", "generation_2")
    namespace = site.namespace()
    site.image_build(site.images(source, namespace, "generation_2", ("api",)), platforms=BOTH, recipe="optimised")
    small = site.folder / "small"
    small.mkdir()
    (small / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    site.image_build(
        [{"name": "small", "repository": f"{site.registry}/{namespace}/small", "context": str(small)}], platforms=BOTH
    )
    number = iter(range(100))

    def promote(name: str) -> None:
        playbook(
            PLAYBOOKS / "promote.yml",
            bench_options={
                "reference": f"{site.registry}/{namespace}/{name}@{_index(site.registry, f'{namespace}/{name}')[1]}",
                "target_repository": f"{site.registry}/{namespace}/people-{name}",
                "tags": [f"t{next(number)}"],
                "registries": [{"host": site.registry, "http": True}],
            },
        )

    pairs = timed_in_turn(lambda: promote("api-2"), lambda: promote("small"), 5)
    return of_pairs(
        "promotion of an image of 88 MB per platform",
        "of one of 1 kB",
        pairs,
        1.1,
        "no layer travels within a registry",
    )


def _bare(tasks: int) -> float:
    """Seconds of a playbook of so many tasks that do nothing."""
    return statistics.median(seconds(partial(playbook, PLAYBOOKS / "bare.yml", bench_tasks=tasks)) for _run in range(5))


def _beside_full(measure: str, times: list[float], full: float) -> Measure:
    median = statistics.median(times)
    return Measure(
        measure, "the full build, cold", round(median, 3), round(full, 3), round(median / full, 3), 0.1, runs=len(times),
        note="with the smoke tests of both platforms, arm64 under emulation",
    )  # fmt: skip


def _size(registry: str, repository: str) -> int:
    index, _digest = _index(registry, repository)
    descriptor = next(entry for entry in index["manifests"] if entry["platform"]["architecture"] == "amd64")
    manifest, _digest = _manifest(registry, repository, descriptor["digest"])
    return sum(layer["size"] for layer in manifest["layers"])


def _index(registry: str, repository: str) -> tuple[dict[str, Any], str]:
    with urllib.request.urlopen(f"http://{registry}/v2/{repository}/tags/list") as answer:
        tags = json.load(answer)["tags"]
    found = (_manifest(registry, repository, tag) for tag in tags if tag.startswith("fp-"))
    return next((manifest, digest) for manifest, digest in found if "manifests" in manifest)


def _manifest(registry: str, repository: str, name: str) -> tuple[dict[str, Any], str]:
    request = urllib.request.Request(
        f"http://{registry}/v2/{repository}/manifests/{name}", headers={"Accept": _MANIFESTS}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer), answer.headers["Docker-Content-Digest"]


#: In the order of the report.
MEASURES = (
    no_op_of_a_module,
    no_op_of_the_playbook,
    cold_build,
    second_platform,
    without_emulation,
    sizes,
    cold_start,
    changes,
    promotion,
)
