# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kind of image that serves pages: the build platform makes them, and modules with code of their own are exchanged. Pure."""

from __future__ import annotations

import re

from ansible_collections.imagefleet.dify.plugins.module_utils._recipe import health_check, node_modules, root
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.final_stage import FinalStage
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.kind import Kind
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.node_lock import LOCKS, locked_integrity
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.source import Source
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.step_effects import OUT

_BUNDLE = re.compile(r"(?:^|[;&\s])(?:npm|yarn|pnpm)\s(?:[^;&|]*\s)?build(?:[:\s]|$)")
_RUN = re.compile(r"^\s*RUN\s*", re.IGNORECASE)
# The server keeps what it made of pictures and pages beside its bundle.
_CACHE_OF_PAGES = f"""\
find {OUT} -type d -name .next -not -path '*/node_modules/*' | while read -r folder; do
  mkdir -p "$folder/cache"
  chown {root.UID}:{root.UID} "$folder/cache"
done
"""


def find_web_image(source: Source, final: FinalStage) -> Kind | None:
    """What it brings; None when the source builds no pages."""
    steps = list(source.steps())
    if not any(_BUNDLE.search(instruction.value) for _index, instruction in steps):
        return None
    text = source.lines
    flags = " ".join(f"--mount={mount}" for mount in node_modules.CACHE_MOUNTS)
    for _index, instruction in steps:
        if node_modules.downloads(instruction.value):
            text[instruction.line - 1] = _RUN.sub(f"RUN {flags} ", text[instruction.line - 1], count=1)
    lines: list[str] = []
    for index, _stage in source.stages():
        lines += [source.native_from(index), *text[source.body(index)]]
    return Kind(
        stages=tuple(lines),
        copied_apart=frozenset(),
        finish=node_modules.module_script(final.effects.programs, _locked(source)) + _CACHE_OF_PAGES,
        tidy=node_modules.TIDY,
        check=health_check.node_check(),
        for_target=True,
    )


def _locked(source: Source) -> dict[str, str]:
    """What the locks say that the stages copy."""
    found: dict[str, str] = {}
    for index, _stage in source.stages():
        for name in LOCKS:
            found.update(locked_integrity(name, source.copied(index, name) or ""))
    return found
