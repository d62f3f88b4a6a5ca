# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.python_packages import (
    UV_VERSION,
    WITHOUT_TESTS,
    Installation,
    check_known,
    find_installation,
    install_script,
    tool_steps,
    with_groups,
)


@pytest.mark.parametrize(
    "text, installation",
    [
        pytest.param("uv sync --locked --no-dev", Installation("uv", ("--locked", "--no-dev")), id="uv"),
        pytest.param(
            "cd /a && uv sync --frozen --no-cache --no-editable",
            Installation("uv", ("--frozen", "--no-editable")),
            id="uv-after-cd",
        ),
        pytest.param("poetry install --sync --no-cache --no-root", Installation("poetry", ()), id="poetry"),
        pytest.param(
            "poetry install --without dev", Installation("poetry", ("--without", "dev")), id="poetry-without-a-group"
        ),
        pytest.param(
            "python -m venv x && pip --python x/bin/python install --no-cache-dir --no-deps -r requirements.txt && pip check",
            Installation("pip", ("--no-deps", "-r", "requirements.txt")),
            id="pip",
        ),
        pytest.param("pip install --no-cache-dir uv==0.9.11", None, id="a-tool"),
        pytest.param("echo uv synchronises", None, id="not-a-command"),
        pytest.param("npm ci", None, id="not-python"),
    ],
)
def test_find_installation(text, installation):
    assert find_installation(text) == installation


@pytest.mark.parametrize(
    "installation, word",
    [
        pytest.param(Installation("pip", ("--user", "-r", "a.txt")), "--user", id="pip"),
        pytest.param(Installation("poetry", ("--compile",)), "--compile", id="poetry"),
    ],
)
def test_an_option_that_means_something_else_is_refused(installation, word):
    with pytest.raises(CollectionError, match=f"{installation.manager} and {word}.*recipe upstream"):
        check_known(installation)


@pytest.mark.parametrize(
    "installation, command",
    [
        pytest.param(
            Installation("uv", ("--frozen",)), 'uv sync --frozen --python-platform "$platform" $left_out', id="uv"
        ),
        pytest.param(
            Installation("pip", ("--no-deps", "-r", "a b.txt")),
            'uv pip install --python "$environment/bin/python" --python-platform "$platform" --no-deps -r \'a b.txt\'',
            id="pip",
        ),
        pytest.param(
            Installation("poetry", ("--without", "dev")),
            "poetry export --format requirements.txt --output /tmp/requirements.txt --without dev",
            id="poetry",
        ),
    ],
)
def test_install_script(installation, command):
    script = install_script(installation, "/app/api/.venv", {})
    assert script.startswith("environment=/app/api/.venv\n")
    assert command in script.splitlines()


@pytest.mark.parametrize(
    "version, installed",
    [
        pytest.param(None, UV_VERSION, id="the-source-has-none"),
        pytest.param("0.8.9", UV_VERSION, id="older"),
        pytest.param("0.10.2", "0.10.2", id="newer-than-ours-reads-its-own-lock"),
    ],
)
def test_uv_is_no_older_than_the_source_s(version, installed):
    assert f'"uv=={installed}"' in tool_steps(Installation("uv", ()), version)[0]


@pytest.mark.parametrize(
    "installation, options",
    [
        pytest.param(Installation("poetry", ()), ("--with", "storage,vdb"), id="all-that-it-would-install"),
        pytest.param(Installation("poetry", ("--only=main",)), ("--only=main",), id="the-source-names-its-own"),
        pytest.param(Installation("uv", ("--no-dev",)), ("--no-dev",), id="uv-takes-them-itself"),
    ],
)
def test_groups_of_poetry_are_named(installation, options):
    assert with_groups(installation, ("storage", "vdb")).options == options


def test_poetry_gets_its_export():
    assert "poetry-plugin-export" in tool_steps(Installation("poetry", ()), None)[1]


@pytest.mark.parametrize(
    "imports, kept",
    [
        pytest.param("import numpy\n", False, id="nobody-reads-them"),
        pytest.param("# from bottleneck.tests import one\n", False, id="only-a-comment-does"),
        pytest.param("from bottleneck.tests.util import one\n", True, id="the-package-does"),
        pytest.param("def test():\n    from . import tests\n", True, id="a-function-does"),
    ],
)
def test_tests_of_packages(tmp_path, imports, kept):
    tests = tmp_path / "bottleneck/sub/tests"
    tests.mkdir(parents=True)
    (tests / "util.py").write_text("from bottleneck.sub.tests import one\n")
    (tmp_path / "bottleneck/__init__.py").write_text(imports)
    (tmp_path / "tests").mkdir()
    subprocess.run([sys.executable, "-c", WITHOUT_TESTS, tmp_path], check=True)
    assert tests.exists() == kept
    assert (tmp_path / "bottleneck/__init__.py").exists()
    assert not (tmp_path / "tests").exists()
