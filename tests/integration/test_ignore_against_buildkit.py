# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our reading of ignore files against BuildKit's own, over generated trees and patterns: BuildKit decides."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.ignore import parse_ignore

ROUNDS = 12
CONTEXTS = 8
NAMES = ("a", "b", "ab", "a.md", "b.py", "x y", "ä", "[c]", "node_modules", ".env")
PIECES = (
    "a",
    "b",
    "*",
    "**",
    "?",
    "a*",
    "*.md",
    "[a-b]",
    "[^a]",
    "node_modules",
    ".env",
    "x y",
    "ä",
    "\\[c\\]",
    ".*",
    "*b*",
)


def make_tree(root: Path, rng: random.Random) -> list[str]:
    """A few dozen files, up to four folders deep."""
    paths = set()
    for _number in range(30):
        parts = [rng.choice(NAMES) for _depth in range(rng.randint(1, 4))]
        target = root.joinpath(*parts)
        if target.exists() or any(parent.is_file() for parent in target.parents):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("")
        paths.add("/".join(parts))
    return sorted(paths)


def make_patterns(rng: random.Random) -> str:
    """An ignore file: patterns with exceptions, comments, slashes around, spaces."""
    lines = []
    for _number in range(rng.randint(1, 6)):
        pattern = "/".join(rng.choice(PIECES) for _depth in range(rng.randint(1, 3)))
        pattern = rng.choice(("", "", "", "/", "./")) + pattern + rng.choice(("", "", "", "/"))
        lines.append(rng.choice(("", "", "!")) + pattern)
    lines.insert(rng.randint(0, len(lines)), rng.choice(("", "# a comment", "  ")))
    return "\n".join(lines) + rng.choice(("", "\n"))


def seen_by_buildkit(contexts: list[Path], output: Path) -> list[set[str]]:
    """What a build of each context can copy, all built in one solve."""
    dockerfile = "".join(f"FROM scratch AS c{n}\nCOPY --from=context{n} . /{n}/\n" for n in range(len(contexts)))
    dockerfile += "FROM scratch\n" + "".join(f"COPY --from=c{n} /{n}/ /{n}/\n" for n in range(len(contexts)))
    (output.parent / "Dockerfile").write_text(dockerfile)
    named = [
        argument for n, context in enumerate(contexts) for argument in ("--build-context", f"context{n}={context}")
    ]
    subprocess.run(
        ["docker", "buildx", "build", "--builder", "default", "--quiet", *named, "--output", f"type=local,dest={output}",
         "--file", str(output.parent / "Dockerfile"), str(output.parent)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [
        {str(path.relative_to(output / str(n))) for path in (output / str(n)).rglob("*") if path.is_file()}
        for n in range(len(contexts))
    ]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_what_a_build_sees(tmp_path, seed):
    rng = random.Random(seed)
    contexts, wanted, rules = [], [], []
    while len(contexts) < CONTEXTS:
        context = tmp_path / f"context-{len(contexts)}"
        context.mkdir()
        paths = make_tree(context, rng)
        text = make_patterns(rng)
        try:
            parsed = parse_ignore(text)
        except CollectionError:
            continue
        (context / ".dockerignore").write_text(text)
        contexts.append(context)
        rules.append(text)
        wanted.append({path for path in [*paths, ".dockerignore"] if not parsed.excludes(path)})
    (tmp_path / "output").mkdir()
    seen = seen_by_buildkit(contexts, tmp_path / "output")
    for text, ours, theirs in zip(rules, wanted, seen):
        assert ours == theirs, f"ignore file:\n{text}\nonly we see {ours - theirs}, only BuildKit sees {theirs - ours}"
