# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what grows with hosts and with builds, and write ``scale.json`` and the page of the documentation.

    python tests/bench/scale.py [PART...]

A part that is not named keeps its figures of the last time.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import machine
from bench_site import ROOT
from host_growth import host_growth
from module_calls import module_calls
from registry_growth import registry_growth
from scale_page import write_page

RESULTS = Path(__file__).resolve().parent / "scale.json"
PARTS = {"registry": registry_growth, "calls": module_calls, "hosts": host_growth}


def main(names: list[str]) -> None:
    """Measure parts, and write what came of each when it is done."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"scale: there is no {', '.join(unknown)}. There are {', '.join(PARTS)}.")
    for name in names or PARTS:
        print(f"==> {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="imagefleet-scale-") as folder:
            for found in PARTS[name](Path(folder)):
                keep(name, found)
        write_page(json.loads(RESULTS.read_text()), ROOT)


def keep(name: str, found: dict[str, Any]) -> None:
    """Put what was found so far of a part into the results: a run that is stopped loses only what it was at."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results.update({"machine": machine(), name: {**found, "when": time.strftime("%Y-%m-%d")}})
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
