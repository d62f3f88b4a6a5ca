# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure everything, or what is named, and write ``results.json`` and the page of the documentation.

    python tests/bench/bench.py [MEASURE...]

What is not named keeps its row of the last time. The build cache of this machine's engine is emptied on the way.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench_site import ROOT, Site, run
from measures import MEASURES, Measure
from report import write_page

RESULTS = Path(__file__).resolve().parent / "results.json"


def main(names: list[str]) -> None:
    """Run measures and write what came of them, after each: a run that is stopped loses only what it was at."""
    known = {function.__name__: function for function in MEASURES}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"bench: there is no {', '.join(unknown)}. There are {', '.join(known)}.")
    with tempfile.TemporaryDirectory(prefix="imagefleet-bench-") as folder:
        site = Site(Path(folder), os.environ.get("IMAGEFLEET_TEST_REGISTRY", "localhost:5000"))
        for name in names or known:
            print(f"==> {name}", flush=True)
            load = os.getloadavg()[0]
            found = known[name](site)
            for row in found if isinstance(found, list) else [found]:
                keep(row, name, load)
                print(
                    f"    {row.measure}: {row.ours} beside {row.beside} {row.unit}, ratio {row.ratio} (goal {row.goal})",
                    flush=True,
                )
    write_page(json.loads(RESULTS.read_text()), ROOT)


def keep(row: Measure, function: str, load: float) -> None:
    """Put a row into the results, in the place of an earlier one of the same name."""
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"measures": []}
    results["machine"] = machine()
    entry = {**row.as_row(), "function": function, "load": round(load, 2), "when": time.strftime("%Y-%m-%d")}
    rows = [
        old for old in results["measures"] if (old["measure"], old["what_beside"]) != (row.measure, row.what_beside)
    ]
    order = [known.__name__ for known in MEASURES]
    rows = sorted(
        [*rows, entry], key=lambda one: order.index(one["function"]) if one["function"] in order else len(order)
    )
    RESULTS.write_text(json.dumps({"machine": results["machine"], "measures": rows}, indent=2) + "\n")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    model = next(
        (
            line.partition(": ")[2]
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "",
    )
    return {
        "processor": model or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory.split()[1]) / 1024**2),
        "kernel": platform.release(),
        "engine": run("docker", "version", "--format", "{{.Server.Version}}").strip(),
        "buildx": run("docker", "buildx", "version").split()[1],
        "ansible_core": run("ansible", "--version").split("\n")[0].partition("core ")[2].rstrip("]"),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
