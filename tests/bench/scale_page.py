# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of ``scale.json`` as a page of the documentation: tables, and what follows from them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any, Sequence

from scale_outlook import Demand, outlook

_PAGE = "docs/docsite/rst/guide_scale.rst"
#: geerlingguy.docker as its files have it: Debian, all variables by default, nothing to change.
_BESIDE = {"beside_version": "8.0.0", "beside_tasks": 25, "beside_ok": 12, "beside_skipped": 13, "beside_modules": 10}
_HEAD = """.. Made by tests/bench from scale.json: run make scale, do not edit.

.. _ansible_collections.imagefleet.dify.docsite.guide_scale:

Many hosts and many builds
==========================

What grows when build hosts and builds become many, measured by ``make scale`` on a small machine: {processor}, {cores} cores,
{memory_gib} GiB, kernel {kernel}; engine {engine}, ansible-core {ansible_core} on Python {python}.
"""
_REGISTRY = """Tags in a registry
------------------

A registry ({version}, files on a local disk) has one repository, with a build for two platforms that ``image_build`` made.
Copies of it are written into the storage, each with manifests, configurations and provenance of its own, and with the same
layers. A build has three ``fp-`` tags, one for each platform and one for the index of both, so that the largest row has
{builds} builds. A no-op is ``image_build`` of the original, without what Ansible adds to each task, the median of nine runs
and the fastest. What ``image_prune`` plans is a month's retention, in check mode. Load is the machine's when the row began:
other work ran beside it, and where there is more of it than cores, seconds are longer.

{figures}

* **A no-op is flat**: one request for an image, by the name of its tag, whatever lies beside it. Sent a hundred times without
  the module, that one took the median that stands beside it; the rest of the module's time is Python, and varies with the
  load.
* **Listing** is linear, in one request: this registry gives all names in one answer.
* **Planning** is linear: every tag's manifest is read, and of every build that could go its provenance.
* **Deleting one manifest** takes longer with every tag: the registry looks through all tags of the repository for those that
  point at it, also where it has none itself. So deleting a part of all that there is grows with the square.

``docker-registry garbage-collect`` as the role's timer runs it, without ``--delete-untagged``: first with nothing to collect,
then with the blobs of a tenth as many builds that no manifest names, which all went.

{collected}

It is linear, in time and in memory: {memory_before} MiB with {tags_before} tags, {memory} MiB with {tags}. A build is {files}
files of this storage, each of them a block on the disk or more; what it has of layers comes on top.

What the registry is asked, by its access log: {build} requests for the first build of an image of one layer for two
platforms, {promotion} to promote it into another repository, {look} for the look of ``registry_info``, {manifests} to delete
it, one for each manifest. {answered} requests for an index were answered in a second, to four threads of one program on the
same cores: a registry with cores of its own answers more.
"""
_CALLS = """One call for many images
------------------------

``image_build`` of {images} images that are all there, each for two platforms, in a playbook with one task for all of them, and in
one with a task for each: medians of {runs} pairs, with the start of Ansible.

{figures}

What falls away is that a module is packed, sent and started for each image.
"""
_HOSTS = """Hosts that are provisioned again
--------------------------------

``imagefleet.dify.provision`` when nothing changed, on containers of Debian 12 that come from one that the role provisioned,
each with files of its own, without systemd. The engine that answers in each is this machine's, by its socket, and a process
that sleeps stands for ``dockerd``; the builder is the engine's own; the connection is ``community.docker.docker``, with
pipelining. So SSH, a network and systemd are left out. Controller and hosts share the machine's cores, load is that of the
runs before: seconds are what these cores take, and CPU tells what a controller would need whose hosts have processors of
their own.

{figures}

CPU grows with the number of hosts, by about the same for each: of what is done, only reading the playbook is for all hosts at
once. More forks help where the controller waits for hosts, and not where all cores are busy, as here. Memory is that of the
largest process, and there are as many as forks, all forked from one. Without pipelining, {slow_hosts} hosts took
{slow_seconds} s with {slow_forks} forks, {slow_cpu} s of the controller's CPU for each and {slow_host_cpu} s of a host's, at a
load of {slow_load}.

A host has {ok} tasks that are ok and {skipped} that are skipped, and {modules} modules are started on it, one for each item
of a loop:

{parts}

Beside it geerlingguy.docker, counted in its files at version {beside_version}: on Debian by default, with nothing to change,
it has {beside_tasks} tasks with the gathering of facts, {beside_ok} ok and {beside_skipped} skipped, and starts
{beside_modules} modules on the host. Such a host had the same counts, and a handler, with Debian's packages in place of
Docker's, whose repository was not reached. They are for Docker's repository, for the packages of engine and Compose, and for
the service. For that and for the engine's settings this role has {engine_tasks} tasks and {engine_modules} modules, with the
facts: the parts configure, install, service and leftovers, of which the last looks for pid files where there is no systemd.
What is installed, and where it comes from, is one module for each suite. The other {other_modules} modules ask the host at once
for all that makes it a build host, read its engine's settings, prove emulators and see to the builder, which that role does not.

Facts are gathered once for each host. All emulators are one task and one module, whatever the number of platforms, and so is
the builder with all its nodes.
"""
_OUTLOOK = """{title}
{underline}

Nothing here is measured but what it is calculated from: the tables above, where what a tag adds is the difference between the
rows of {small} and of {large} tags, divided by the tags between them. Assumed are two platforms, {days} days of retention,
{no_ops} runs a day on each host that find all of their {images} images, {layers_mb} MB of new layers for a build,
{repositories} repositories of equal size, and that what is linear up to {large} tags stays linear far beyond.

**Requests.** {builds} builds with their promotion, of {of_a_build} requests each, are {of_builds} a day. {hosts} hosts x
{no_ops} runs x {images} images are {of_no_ops}. In the long run as many builds go as come: {builds} x {manifests} manifests
are {deletions} deletions. Together {day} a day, {second} a second, beside {answered} a second that were answered. An image of
many layers asks a few more for each. Provisioning again asks the registry nothing. So it is not the number of requests.

**Tags.** {builds} builds x 3 are {day_tags} ``fp-`` tags a day, {tags} after {days} days. Records of passed tests are two
more for each build; they are left out here, and make all that follows worse.

**Storage.** Each tag has {files_each} files and {kib_each} KiB: {day_files} files and {day_gib} GiB a day, {all_files} files
and {all_gib} GiB after {days} days. Layers are {builds} x {layers_mb} MB, {day_layers} GB a day, {all_layers} TB after {days}
days.

**Garbage collection.** {collecting_each} ms for each tag are {collecting} minutes for {tags}, in which nobody can push.
{memory_each} KiB for each, by the last two rows, are {memory} GiB of memory.

**Planning what goes.** {planning_each} ms for each tag are {planning} hours for {tags}: one process, one request after the
other.

**Deletion, the first bottleneck.** It takes {deletion_each} µs for each tag of the repository. {tags} tags in {repositories}
repositories are {repository_tags} in each, so that one deletion takes {deletion} s; {deletions} of them, one after the other,
take {deleting} hours, and a day has 24. To keep up, {needed} repositories are needed, with no pause. Requests are far from
their limit by then, and planning and collection are done in hours and minutes.

What helps with this registry:

* Repositories: a staging namespace for each team or group of hosts (``images_staging_namespace``). The hours fall as their
  number rises: with {many} repositories they are {deleting_many}. What is in one namespace is no hit in another.
* Days: a smaller ``max_age``. Half the days, half the hours. What people's tags reach stays anyway.
* Builds: only what people ask for is built anew; what has the same inputs has the same tag, and costs no deletion.

**The controller.** {cpu} s of CPU for each host are {cpu_one} minutes for {hosts} hosts on one core, and {cpu_many} minutes
on {cores}, with forks enough to keep them busy. With SSH in place of a container's connection that is another figure.
"""


def write_page(results: dict[str, Any], root: Path) -> None:
    """Write the sections whose figures are there."""
    sections = [_HEAD.format(**results["machine"])]
    if "registry" in results:
        sections.append(registry_section(results["registry"]))
    if "calls" in results:
        sections.append(calls_section(results["calls"]))
    if "hosts" in results:
        sections.append(hosts_section(results["hosts"]))
    if "registry" in results and "hosts" in results:
        numbers = outlook(results["registry"], results["hosts"], Demand())
        sections.append(filled(_OUTLOOK, underline="-" * len(numbers["title"]), **numbers))
    (root / _PAGE).write_text("\n".join(sections))


def filled(template: str, **fields: Any) -> str:
    """A section, its paragraphs and points as wide as the source has them."""
    return "\n\n".join(_wrapped(part) for part in template.format(**fields).split("\n\n")).rstrip() + "\n"


def _wrapped(part: str) -> str:
    if part.lstrip().startswith((".. ", "- ")) or "\n---" in part or part.startswith("   "):
        return part
    points = re.split(r"\n(?=\* )", part)
    return "\n".join(
        textwrap.fill(
            " ".join(point.split()), 130, subsequent_indent="  " * point.startswith("* "), break_on_hyphens=False
        )
        for point in points
    )


def table(*rows: Sequence[Any]) -> str:
    """A list-table, its head first."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        lines += [f"   {' ' if number else '*'} - {cell}" for number, cell in enumerate(row)]
    return "\n".join(lines)


def registry_section(found: dict[str, Any]) -> str:
    """What was measured of a registry."""
    rows = found["rows"]
    first, last = rows[0], rows[-1]
    figures = [
        (
            f"{row['tags']:,}", f"{row['no_op']['seconds']:.3f}, {row['no_op']['fastest']:.3f}", row["no_op"]["requests"],
            f"{row['request']['seconds'] * 1000:.1f}", f"{row['list']['seconds']:.3f}",
            f"{row['prune']['seconds']:.1f}", f"{row['prune']['requests']:,}",
            f"{row['delete']['seconds']:.3f}", f"{row['delete_untagged']['seconds']:.3f}", row["load"],
        )
        for row in rows
    ]  # fmt: skip
    collected = [
        (
            f"{row['tags']:,}", f"{row['collect_nothing']['seconds']:.2f}", f"{row['collect_tenth']['seconds']:.2f}",
            f"{row['collect_tenth']['blobs']:,}",
            f"{row['storage']['files']:,}", f"{row['storage']['blocks_kib'] / 1024:.1f}",
        )
        for row in rows
    ]  # fmt: skip
    files = (last["storage"]["files"] - first["storage"]["files"]) / (last["builds_kept"] - first["builds_kept"])
    return filled(
        _REGISTRY,
        version=found["version"],
        builds=f"{last['builds_kept']:,}",
        figures=table(
            (
                "Tags",
                "No-op, s",
                "Its requests",
                "One, ms",
                "Tags listed, s",
                "Planned, s",
                "Its requests",
                "One deletion, s",
                "Untagged, s",
                "Load",
            ),
            *figures,
        ),
        collected=table(
            (
                "Tags",
                "Nothing to collect, s",
                "Garbage, s",
                "Blobs that went",
                "Blobs and links",
                "On disk, MiB",
            ),
            *collected,
        ),
        tags_before=f"{rows[-2]['tags']:,}",
        tags=f"{last['tags']:,}",
        memory_before=round(rows[-2]["collect_nothing"]["memory_mib"]),
        memory=round(last["collect_nothing"]["memory_mib"]),
        files=f"{files:.0f}",
        build=sum(found["requests"]["build"].values()),
        promotion=sum(found["requests"]["promotion"].values()),
        look=sum(found["requests"]["registry_info"].values()),
        manifests=found["manifests_of_a_build"],
        answered=f"{found['answered_per_second']:.0f}",
    )


def calls_section(found: dict[str, Any]) -> str:
    """What was measured of one call and of many."""
    figures = [
        (name, f"{found[key]['seconds']:.2f}", found[key]["requests"])
        for name, key in (("One task", "one_task"), ("A loop", "loop"))
    ]
    return filled(
        _CALLS, images=found["images"], runs=found["runs"], figures=table(("Playbook", "Seconds", "Requests"), *figures)
    )


def hosts_section(found: dict[str, Any]) -> str:
    """What was measured of hosts."""
    rows, parts, slow = found["rows"], found["parts"], found["without_pipelining"]
    engine = [part for part in parts if part["part"] in ("facts", "configure", "install", "service", "leftovers")]
    modules, engine_modules = (sum(part["modules"] for part in some) for some in (parts, engine))
    figures = [
        (
            row["hosts"], row["forks"], f"{row['seconds']:.0f}", f"{row['seconds'] / row['hosts']:.1f}",
            f"{row['cpu_seconds'] / row['hosts']:.1f}", f"{row['host_cpu_seconds'] / row['hosts']:.1f}",
            round(row["memory_mib"]), row["load_before"],
        )
        for row in rows
    ]  # fmt: skip
    return filled(
        _HOSTS,
        figures=table(
            (
                "Hosts",
                "Forks",
                "Seconds",
                "For each host",
                "Controller's CPU for each",
                "A host's CPU",
                "Memory, MiB",
                "Load",
            ),
            *figures,
        ),
        parts=table(
            ("Part", "Tasks", "Modules on the host"),
            *((part["part"], part["tasks"], part["modules"]) for part in parts),
        ),
        ok=rows[0]["ok"],
        skipped=rows[0]["skipped"],
        modules=modules,
        engine_tasks=sum(part["tasks"] for part in engine),
        engine_modules=engine_modules,
        other_modules=modules - engine_modules,
        slow_hosts=slow["hosts"],
        slow_forks=slow["forks"],
        slow_seconds=f"{slow['seconds']:.0f}",
        slow_cpu=f"{slow['cpu_seconds'] / slow['hosts']:.1f}",
        slow_host_cpu=f"{slow['host_cpu_seconds'] / slow['hosts']:.1f}",
        slow_load=slow["load_before"],
        **_BESIDE,
    )
