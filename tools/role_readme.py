#!/usr/bin/env python3
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the README of each role from its argument specification: tools/role_readme.py [ROLE...]."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parent.parent / "roles"


def main() -> None:
    names = sys.argv[1:] or sorted(path.name for path in ROLES.iterdir())
    for name in names:
        (ROLES / name / "README.md").write_text(render(name, read_spec(name)))


def read_spec(role: str) -> dict[str, Any]:
    """The specification of the role's main entry point."""
    content = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text())
    spec: dict[str, Any] = content["argument_specs"]["main"]
    return spec


def render(role: str, spec: dict[str, Any]) -> str:
    """Markdown: what the role is, how to call it, and a table of its variables."""
    lines = [
        "<!-- Written by tools/role_readme.py from meta/argument_specs.yml: change that and run it again. -->",
        f"# Role `imagefleet.dify.{role}`: {spec['short_description']}",
        "",
        *(_plain(paragraph) + "\n" for paragraph in _list(spec["description"])),
        "## Variables",
        "",
        "| variable | type | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, option in spec.get("options", {}).items():
        lines += _rows(name, option)
    return "\n".join(lines) + "\n"


def _rows(name: str, option: dict[str, Any], prefix: str = "") -> list[str]:
    """The option's row, and those of the keys of its entries below it."""
    kind = option.get("type", "str") + (f" of {option['elements']}" if "elements" in option else "")
    meaning = " ".join(_plain(sentence) for sentence in _list(option["description"]))
    if "choices" in option:
        meaning += f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}."
    cells = (f"{prefix}`{name}`", kind, _default(option), meaning)
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"]
    for key, nested in option.get("options", {}).items():
        rows += _rows(key, nested, prefix=f"{prefix}`{name}`.")
    return rows


def _default(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "*required*"
    if option.get("default") is None:
        return ""
    default = option["default"]
    return f"`{default if isinstance(default, str) and default else json.dumps(default)}`"


def _plain(text: str) -> str:
    """Ansible's markup (O(...), V(...), C(...), P(...#role)) as Markdown code."""
    return re.sub(r"\b[OVCEP]\(([^)#]*)(?:#[a-z]+)?\)", r"`\1`", " ".join(text.split()))


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    main()
