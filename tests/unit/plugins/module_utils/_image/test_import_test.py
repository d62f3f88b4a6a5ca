# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.import_test import import_test
from ansible_collections.imagefleet.dify.plugins.module_utils._image.pip_requirements import parse_packages
from ansible_collections.imagefleet.dify.plugins.module_utils._image.smoke_test import TESTS_OPTION, parse_tests

#: Files of each installed package.
PACKAGES = {
    "plain": {"plain/__init__.py": "", "plain/data/__init__.py": "raise SystemExit"},
    "One_Module": {"one_module.py": ""},
    "space-of-names": {"company/product/__init__.py": "", "company/product/inner/__init__.py": ""},
    "with-tests": {"with_tests/__init__.py": "", "tests/__init__.py": "1 / 0", "_private.py": "1 / 0"},
    "only-private": {"_only_private.py": ""},
    "stubs": {"stubs-stubs/__init__.pyi": ""},
    "shadowed": {"app.py": ""},
    "broken": {"broken/__init__.py": "import libmissing"},
    "leaving": {"leaving.py": "raise SystemExit(0)"},
    "two": {"two_a.py": "", "two_b.py": "1 / 0"},
}


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An interpreter with these packages, in a folder whose program has a module of the same name as one of them."""
    root = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "venv"], check=True)
    (site,) = root.glob("venv/lib/python*/site-packages")
    for name, files in PACKAGES.items():
        folder = f"{name.replace('-', '_')}-1.0.dist-info"
        wheel = root / f"{name}.zip"
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
            archive.writestr(f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            archive.writestr(f"{folder}/RECORD", "".join(f"{path},,\n" for path in (*files, f"{folder}/RECORD")))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    (root / "app.py").write_text("1 / 0")
    return root / "venv" / "bin" / "python"


def run(python, *texts):
    test = import_test(str(python), parse_packages(texts))
    return subprocess.run(
        [*test["entrypoint"], *test["command"]],
        cwd=python.parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "plain==1.0",
        "one-module",
        "Space.Of_Names",
        "with-tests",
        "only-private",
        "stubs",
        "shadowed",
        "not-there; python_version < '3'",
    ],
)
def test_what_can_be_imported(python, text):
    done = run(python, text)
    assert (done.stdout, done.returncode) == ("all can be imported\n", 0)


@pytest.mark.parametrize(
    "text, words",
    [
        pytest.param("not-there", "not-there is not installed in ", id="not-installed"),
        pytest.param("broken", "broken 1.0 cannot be imported: broken: ModuleNotFoundError", id="missing-library"),
        pytest.param("leaving", "leaving 1.0 cannot be imported: leaving: SystemExit", id="it-ends-the-program"),
        pytest.param("two", "two 1.0 cannot be imported: two_b: ZeroDivisionError", id="one-of-its-modules"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_told(python, text, words):
    done = run(python, "plain", text)
    assert words in done.stdout
    assert done.returncode == 1


def test_all_that_fail_are_told(python):
    assert len(run(python, "broken", "plain", "two", "not-there").stdout.splitlines()) == 3


def test_image_smoke_test_takes_it():
    packages = parse_packages([f"p{number}" for number in range(200)])
    test = import_test("/venv/bin/python", packages)
    assert set(test) <= set(TESTS_OPTION["options"])
    (parsed,) = parse_tests([test])
    assert (parsed.network, parsed.timeout) == ("none", 1800)
    assert parsed.command[2:4] == ("p0", "p1")


def test_a_package_is_tried_once():
    packages = parse_packages(["Flask_Login", "flask-login==1"])
    assert import_test("/venv/bin/python", packages)["command"][2:] == ["flask-login"]
