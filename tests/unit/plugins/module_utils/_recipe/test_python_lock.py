# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.python_lock import (
    LockedPackage,
    compiled_packages,
    installed_groups,
    optional_groups,
    parse_lock,
)

HASH = "sha256:" + "0" * 64
UV = f"""\
version = 1

[[package]]
name = "fast"
version = "1.2"
source = {{ registry = "https://index.example.com/simple" }}
sdist = {{ url = "https://files.example.com/fast-1.2.tar.gz", hash = "{HASH}", size = 1 }}
wheels = [
    {{ url = "https://files.example.com/fast-1.2-cp312-cp312-manylinux_2_17_x86_64.whl", hash = "{HASH}", size = 2 }},
]

[[package]]
name = "ours"
version = "0.1"
source = {{ virtual = "." }}
"""
POETRY = f"""\
[[package]]
name = "crcmod"
version = "1.7"
groups = ["storage", "vdb"]
files = [
    {{file = "crcmod-1.7.tar.gz", hash = "{HASH}"}},
]
"""


def locked(name: str, *files: str, groups: tuple[str, ...] = ()) -> LockedPackage:
    return LockedPackage(name, "1.0", tuple((file, HASH) for file in files), frozenset(groups))


SOURCE = "a-1.0.tar.gz"
X86 = "a-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
ARM = "a-1.0-cp312-cp312-manylinux_2_28_aarch64.whl"


def test_uv_s_lock():
    packages = parse_lock(UV)
    assert [(package.name, package.version, len(package.files)) for package in packages] == [
        ("fast", "1.2", 2),
        ("ours", "0.1", 0),
    ]
    assert packages[0].wheels == ["fast-1.2-cp312-cp312-manylinux_2_17_x86_64.whl"]


def test_poetry_s_lock():
    (package,) = parse_lock(POETRY)
    assert package == LockedPackage("crcmod", "1.7", (("crcmod-1.7.tar.gz", HASH),), frozenset(("storage", "vdb")))
    assert package.requirement == f"crcmod==1.7 --hash={HASH}"


@pytest.mark.parametrize(
    "package, architectures",
    [
        pytest.param(locked("a", SOURCE, X86, ARM), [], id="a-wheel-for-each"),
        pytest.param(locked("a", SOURCE, X86), ["arm64"], id="wheels-for-one-alone"),
        pytest.param(
            locked("a", SOURCE, "a-1.0-cp312-cp312-win_amd64.whl"), ["amd64", "arm64"], id="for-another-system-alone"
        ),
        pytest.param(locked("a", SOURCE, "a-1.0-py3-none-any.whl"), [], id="python-alone"),
        pytest.param(locked("a", SOURCE), [], id="no-wheel-is-python-alone-as-a-rule"),
        pytest.param(locked("crcmod", SOURCE), ["amd64", "arm64"], id="known-to-compile"),
        pytest.param(locked("a", SOURCE, "a-1.0-cp39-abi3-manylinux_2_17_aarch64.whl"), ["amd64"], id="stable-abi"),
        pytest.param(
            locked("a", SOURCE, "a-1.0-cp313-cp313-manylinux_2_17_aarch64.whl", X86),
            ["arm64"],
            id="wheel-of-another-python",
        ),
        pytest.param(
            locked("a", SOURCE, "a-1.0-cp312-cp312-musllinux_1_2_aarch64.whl", X86), ["arm64"], id="wheel-for-alpine"
        ),
        pytest.param(locked("a", "a-1.0-cp312-cp312-win_amd64.whl"), [], id="without-a-source-it-is-not-for-us"),
        pytest.param(locked("a", SOURCE, X86, groups=("dev",)), [], id="group-that-is-left-out"),
        pytest.param(locked("a", SOURCE, X86, groups=("dev", "main")), ["arm64"], id="group-that-is-not"),
    ],
)
def test_what_is_compiled(package, architectures):
    found = [
        name for name in ("amd64", "arm64") if compiled_packages([package], name, "3.12", left_out=frozenset(("dev",)))
    ]
    assert found == architectures


def test_any_python_counts_when_its_version_is_not_known():
    package = locked("a", SOURCE, "a-1.0-cp313-cp313-manylinux_2_17_aarch64.whl", X86)
    assert compiled_packages([package], "arm64", None) == ()


def test_the_user_says_what_compiles():
    package = locked("Some.Thing", SOURCE)
    assert compiled_packages([package], "arm64", "3.12", given=frozenset(("some-thing",))) == (package,)


def test_a_name_that_the_lock_does_not_have_is_refused():
    with pytest.raises(CollectionError, match="build_on_target has b, which the lock .* does not have"):
        compiled_packages([locked("a", SOURCE)], "arm64", "3.12", given=frozenset("b"))


def test_optional_groups():
    text = "[tool.poetry.group.dev]\noptional = true\n[tool.poetry.group.vdb.dependencies]\n"
    assert optional_groups(text) == {"dev"}
    assert installed_groups(text) == ("vdb",)
