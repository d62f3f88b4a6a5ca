# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each role's argument specification against its defaults, its tasks and its README."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)


def load(path):
    return (yaml.safe_load(path.read_text()) if path.exists() else None) or {}


def options_of(role):
    return load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"].get("options", {})


@pytest.fixture(scope="module")
def role_readme():
    spec = importlib.util.spec_from_file_location("role_readme", ROOT / "tools" / "role_readme.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_roles_are_found():
    assert {"build_host", "registry"} <= {role.name for role in ROLES}


@each_role
def test_defaults_equal_the_specification(role):
    specified = {name: option.get("default") for name, option in options_of(role).items() if not option.get("required")}
    assert load(role / "defaults" / "main.yml") == specified


@each_role
def test_every_option_has_a_type_and_one_sentence(role):
    def incomplete(options):
        for name, option in options.items():
            if not option.get("type") or not str(option.get("description", "")).strip():
                yield name
            yield from incomplete(option.get("options", {}))

    assert list(incomplete(options_of(role))) == []


@each_role
def test_public_names_carry_the_role_and_internal_ones_two_underscores(role):
    assert [name for name in options_of(role) if not name.startswith(f"{role.name}_")] == []
    assert [name for name in load(role / "vars" / "main.yml") if not name.startswith(f"__{role.name}_")] == []


@each_role
def test_every_option_is_used(role):
    texts = [
        path.read_text() for kind in ("tasks", "templates", "handlers", "vars") for path in role.glob(f"{kind}/**/*.*")
    ]
    unused = [name for name in options_of(role) if not any(re.search(rf"\b{name}\b", text) for text in texts)]
    assert unused == []


@each_role
def test_a_yes_or_no_from_the_command_line_is_no_text(role):
    """``-e name=false`` gives a text, which is true or refused where a condition takes it as it is."""
    names = "|".join(name for name, option in options_of(role).items() if option["type"] == "bool")
    # A value that is handed on whole is a module's to read; a name before a colon or in a sentence is none.
    bare = re.compile(rf"(?<![.\w])({names})\b(?! \| bool)(?![:=\w]| \}}\}}| to | is )")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for kind in ("tasks", "templates", "handlers", "vars")
        for path in role.glob(f"{kind}/**/*.*")
        for line in path.read_text().splitlines()
        if names and bare.search(line)
    ]
    assert found == []


@each_role
def test_readme_is_current(role, role_readme):
    readme = role / "README.md"
    assert readme.exists(), f"Run tools/role_readme.py {role.name}"
    assert readme.read_text() == role_readme.render(role.name, role_readme.read_spec(role.name)), (
        "Run tools/role_readme.py"
    )
