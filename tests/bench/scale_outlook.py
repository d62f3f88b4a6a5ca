# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what was measured to what many hosts and many builds a day would ask. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Demand:
    """What is asked, and what is assumed besides.

    :param no_ops: runs a day on each host that find all of their images.
    :param images: of each such run.
    :param layers_mb: new layers of a build.
    :param cores: of the controller.
    """

    hosts: int = 500
    builds: int = 10_000
    days: int = 30
    no_ops: int = 24
    images: int = 4
    layers_mb: int = 20
    repositories: int = 5
    cores: int = 16


def outlook(registry: dict[str, Any], hosts: dict[str, Any], demand: Demand) -> dict[str, str]:
    """Each number that the page names, as it is written there."""
    small, large = registry["rows"][0], registry["rows"][-1]

    def each(name: str, unit: str, less: dict[str, Any] = small) -> float:
        """What a tag adds: the difference of a row and the last."""
        return (large[name][unit] - less[name][unit]) / (large["tags"] - less["tags"])

    requests = {name: sum(counted.values()) for name, counted in registry["requests"].items()}
    of_builds = demand.builds * (requests["build"] + requests["promotion"])
    no_ops = demand.hosts * demand.no_ops * demand.images
    deletions = demand.builds * registry["manifests_of_a_build"]
    day_tags = 3 * demand.builds
    tags = day_tags * demand.days
    deletion = each("delete", "seconds")
    deleting = deletions * deletion * tags
    last = hosts["rows"][-1]
    cpu = last["cpu_seconds"] / last["hosts"]
    files, kib = each("storage", "files"), each("storage", "blocks_kib")
    # Where there are few tags, it is the program's own.
    memory = each("collect_nothing", "memory_mib", registry["rows"][-2])
    return {
        "title": f"{demand.hosts} hosts and {demand.builds:,} builds a day",
        **{name: f"{value:,}" for name, value in vars(demand).items()},
        "small": f"{small['tags']:,}",
        "large": f"{large['tags']:,}",
        "of_a_build": f"{requests['build'] + requests['promotion']}",
        "of_builds": f"{of_builds:,}",
        "of_no_ops": f"{no_ops:,}",
        "manifests": f"{registry['manifests_of_a_build']}",
        "deletions": f"{deletions:,}",
        "day": f"{of_builds + no_ops + deletions:,}",
        "second": f"{(of_builds + no_ops + deletions) / 86_400:.1f}",
        "answered": f"{registry['answered_per_second']:.0f}",
        "day_tags": f"{day_tags:,}",
        "tags": f"{tags:,}",
        "files_each": f"{files:.1f}",
        "kib_each": f"{kib:.0f}",
        "day_files": f"{day_tags * files:,.0f}",
        "day_gib": f"{day_tags * kib / 1024**2:.1f}",
        "all_files": f"{tags * files / 1e6:.1f} million",
        "all_gib": f"{tags * kib / 1024**2:.0f}",
        "day_layers": f"{demand.builds * demand.layers_mb / 1000:,.0f}",
        "all_layers": f"{demand.builds * demand.layers_mb * demand.days / 1e6:.0f}",
        "collecting_each": f"{each('collect_nothing', 'seconds') * 1000:.2f}",
        "collecting": f"{tags * each('collect_nothing', 'seconds') / 60:.0f}",
        "memory_each": f"{memory * 1024:.1f}",
        "memory": f"{tags * memory / 1024:.1f}",
        "planning_each": f"{each('prune', 'seconds') * 1000:.1f}",
        "planning": f"{tags * each('prune', 'seconds') / 3600:.1f}",
        "deletion_each": f"{deletion * 1e6:.0f}",
        "repository_tags": f"{tags // demand.repositories:,}",
        "deletion": f"{deletion * tags / demand.repositories:.1f}",
        "deleting": f"{deleting / demand.repositories / 3600:,.0f}",
        "needed": f"{-(-deleting // 86_400):.0f}",
        "many": f"{demand.repositories * 100:,}",
        "deleting_many": f"{deleting / demand.repositories / 100 / 3600:.1f}",
        "cpu": f"{cpu:.1f}",
        "cpu_one": f"{demand.hosts * cpu / 60:.0f}",
        "cpu_many": f"{demand.hosts * cpu / 60 / demand.cores:.1f}",
    }
