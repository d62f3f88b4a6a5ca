# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results as a page of the documentation: a table and a plot of the ratios."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_PAGE = "docs/docsite/rst/benchmark.rst"
_PLOT = "docs/docsite/rst/benchmark.svg"
_ROW, _LEFT, _WIDTH = 34, 430, 300


def write_page(results: dict[str, Any], root: Path) -> None:
    """Write page and plot."""
    (root / _PAGE).write_text(page(results))
    (root / _PLOT).write_text(plot(results["measures"]))


def page(results: dict[str, Any]) -> str:
    """The page's text."""
    machine = results["machine"]
    rows = "".join(_table_row(row) for row in results["measures"])
    notes = "".join(
        f"* {row['measure']}, beside {row['what_beside']}: {row['note']}.\n"
        for row in results["measures"]
        if row["note"]
    )
    return f""".. Made by tests/bench from results.json: run make bench, do not edit.

.. _ansible_collections.imagefleet.dify.docsite.benchmark:

What it costs, measured
=======================

Each figure is measured beside another, in turn in one run, so that the ratio holds where the machine's speed drifts: medians,
and of the ratios the median of the pairs. ``make bench`` measures all of it again.

Machine: {machine["processor"]}, {machine["cores"]} cores, {machine["memory_gib"]} GiB, kernel {machine["kernel"]}; engine
{machine["engine"]}, buildx {machine["buildx"]}, ansible-core {machine["ansible_core"]} on Python {machine["python"]}.

.. list-table::
   :header-rows: 1

   * - Measure
     - Beside
     - Ours
     - Beside
     - Ratio
     - Goal
     - Pairs
     - Load
{rows}
.. image:: benchmark.svg
   :alt: Ratios of the table, with the goals as lines

{notes}
What limits it where a goal is not reached: :ref:`ansible_collections.imagefleet.dify.docsite.guide_time`.
"""


def plot(rows: list[dict[str, Any]]) -> str:
    """A bar for each ratio, and a line at its goal; the axis ends at the highest of them."""
    end = max(max(row["ratio"], row["goal"] or 0) for row in rows) or 1
    parts = []
    for number, row in enumerate(rows):
        top = number * _ROW + 8
        length = max(1, row["ratio"] / end * _WIDTH)
        colour = "#2b8a3e" if row["reached"] in (True, None) else "#c92a2a"
        parts.append(f'<text x="{_LEFT - 8}" y="{top + 12}" text-anchor="end">{_escaped(row["measure"])}</text>')
        parts.append(
            f'<text x="{_LEFT - 8}" y="{top + 23}" text-anchor="end" fill="#666" font-size="9">'
            f"beside {_escaped(row['what_beside'])}</text>"
        )
        parts.append(f'<rect x="{_LEFT}" y="{top}" width="{length:.1f}" height="18" fill="{colour}"/>')
        parts.append(f'<text x="{_LEFT + length + 5:.1f}" y="{top + 13}">{row["ratio"]}</text>')
        if row["goal"] is not None:
            at = _LEFT + row["goal"] / end * _WIDTH
            parts.append(
                f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top - 3}" y2="{top + 21}" stroke="#000" stroke-width="2"/>'
            )
    height = len(rows) * _ROW + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 70}" height="{height}" font-family="sans-serif" '
        f'font-size="11">\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _table_row(row: dict[str, Any]) -> str:
    cells = (
        row["measure"], row["what_beside"], _figure(row["ours"], row["unit"]), _figure(row["beside"], row["unit"]),
        f"**{row['ratio']}**" if row["reached"] is False else row["ratio"], row["goal"] if row["goal"] is not None else "",
        row["runs"], row["load"],
    )  # fmt: skip
    return "".join(f"   {'*' if number == 0 else ' '} - {cell}\n" for number, cell in enumerate(cells))


def _figure(value: float, unit: str) -> str:
    return f"{value / 1e6:.1f} MB" if unit == "bytes" else f"{value:.2f} s"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
