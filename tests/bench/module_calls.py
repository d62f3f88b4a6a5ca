# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call of a module for many images, beside a call for each of them."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any, Iterator

from bench_site import PLAYBOOKS, playbook
from pairs import timed_in_turn
from registry_growth import scaled_registry

_IMAGES = 10
_RUNS = 3


def module_calls(folder: Path) -> Iterator[dict[str, Any]]:
    """``image_build`` of images that are all there, in one task and in a loop."""
    with scaled_registry(folder) as registry:
        images = []
        for number in range(_IMAGES):
            context = folder / f"context-{number}"
            context.mkdir()
            (context / "Dockerfile").write_text(f"FROM scratch\nCOPY Dockerfile /{number}\n")
            images.append({"name": f"api-{number}", "repository": registry.repository.name, "context": str(context)})
            registry.build(context)
        options = {"images": images, "platforms": ["linux/amd64", "linux/arm64"], "builder": "default"}

        def together() -> None:
            playbook(PLAYBOOKS / "image_build.yml", bench_options=options)

        def looped() -> None:
            playbook(PLAYBOOKS / "image_build_in_a_loop.yml", bench_options=options)

        asked = [registry.requests(run).total() for run in (together, looped)]
        pairs = timed_in_turn(together, looped, _RUNS)
        yield {
            "images": _IMAGES,
            "runs": _RUNS,
            "one_task": {"seconds": round(statistics.median(pairs.ours), 2), "requests": asked[0]},
            "loop": {"seconds": round(statistics.median(pairs.beside), 2), "requests": asked[1]},
        }
