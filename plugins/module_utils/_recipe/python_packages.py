# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python packages for another platform than the one that installs them: from the project's own lock, by uv. Pure.

https://docs.astral.sh/uv/reference/cli/ (``uv sync --python-platform``, ``uv pip install --python-platform``).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe import root
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.python_lock import LockedPackage

#: The uv that installs, unless the source has a newer one.
UV_VERSION = "0.9.11"
_EXPORT_VERSION = "1.9.0"
#: Where wheels are that were compiled for the image's platform, and the stage that makes them.
WHEELS = "/imagefleet/wheels"
COMPILED_STAGE = "imagefleet-compiled"
#: Where uv is, and what it keeps.
TOOLS = "/opt/imagefleet"
CACHE = "/var/cache/imagefleet"
UV_ENVIRONMENT = f'export PATH="{TOOLS}/bin:$PATH" UV_CACHE_DIR={CACHE}/uv UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never'
CACHE_MOUNT = f"type=cache,id=imagefleet-packages,target={CACHE}"

_UV_SYNC = re.compile(r"(?:^|[;&\s])uv\s+sync\b(?P<options>[^;&|]*)")
_POETRY = re.compile(r"(?:^|[;&\s])poetry\s+install\b(?P<options>[^;&|]*)")
_PIP = re.compile(
    r"(?:^|[;&\s])pip3?\s+(?:--python\s+\S+\s+)?install\b(?P<options>[^;&|]*(?:-r|--requirement)[ =][^;&|]*)"
)

_SETTINGS = f"""\
set -eu
case "$TARGETARCH" in
  amd64) machine=x86_64 ;;
  arm64) machine=aarch64 ;;
  *) echo "The recipe optimised installs Python packages for amd64 and arm64, not for $TARGETARCH." >&2; exit 1 ;;
esac
libc=$(python3 -c 'import platform; name, version = platform.libc_ver(); print(version if name == "glibc" else "")')
if [ -z "$libc" ]; then
  echo "The base image has no glibc, which the wheels of most packages need: build on a Debian one." >&2
  exit 1
fi
# uv knows C libraries up to 2.40; what is built for an older one runs with a newer one.
platform="$machine-manylinux_$(printf '%s\\n2.40\\n' "$libc" | sort -V | head -n 1 | tr . _)"
{UV_ENVIRONMENT}
export UV_PYTHON="$(command -v python3)" UV_PROJECT_ENVIRONMENT="$environment"
"""

_INSTALL_WHEELS = f"""\
if [ -n "$apart" ]; then
  uv pip install --python "$environment/bin/python" --python-platform "$platform" --no-deps {WHEELS}/*.whl
fi
"""

#: Tests go, but those of a package whose own code imports them: bottleneck reads its when it is imported.
WITHOUT_TESTS = """\
import pathlib, re, shutil, sys

imports = re.compile(rb"^[ \\t]*(?:from|import)[ \\t][^#\\n]*\\btests\\b", re.MULTILINE)
for package in pathlib.Path(sys.argv[1]).iterdir():
    if not package.is_dir() or package.is_symlink():
        continue
    folders = [folder for folder in package.rglob("tests") if folder.is_dir()]
    code = (file for file in package.rglob("*.py") if "tests" not in file.relative_to(package).parts) if folders else ()
    if not any(imports.search(file.read_bytes()) for file in code):
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    if package.name == "tests":
        shutil.rmtree(package)
"""

_CHECK = (
    """\
"$UV_PYTHON" - "$environment" "$machine" <<'PYTHON'
import pathlib, sys

wanted = {"x86_64": 62, "aarch64": 183}[sys.argv[2]]
foreign = set()
for path in pathlib.Path(sys.argv[1]).rglob("*"):
    if path.is_file() and not path.is_symlink():
        with open(path, "rb") as file:
            head = file.read(20)
        if head[:4] == b"\\x7fELF" and int.from_bytes(head[18:20], "little") != wanted:
            foreign.add(path.relative_to(sys.argv[1]).parts[3:][0])
if foreign:
    sys.exit(
        "These have code for the build's own platform, since there is no wheel of theirs for the image's: "
        f"{', '.join(sorted(foreign))}. Name their packages in build_on_target, and they are compiled there."
    )
PYTHON
"$UV_PYTHON" - "$environment"/lib/python3*/site-packages <<'PYTHON'
"""
    + WITHOUT_TESTS
    + """\
PYTHON
find "$environment" -type f \\( -name '*.a' -o -name '*.pyx' -o -name '*.h' -path '*/site-packages/*/include/*' \\) -delete
find "$environment" -depth -type d -name __pycache__ -exec rm -rf {} +
"$UV_PYTHON" -m compileall -q -j 0 --invalidation-mode checked-hash "$environment/lib" || test $? -eq 1
"""
)


@dataclass(frozen=True)
class Installation:
    """How a step installs a project's packages.

    :param manager: ``uv``, ``poetry`` or ``pip``.
    :param options: of its command, without those that are about caches and prompts.
    """

    manager: str
    options: tuple[str, ...]


def find_installation(text: str) -> Installation | None:
    """What a ``RUN`` step installs packages by; None when it does something else."""
    for manager, pattern in (("uv", _UV_SYNC), ("poetry", _POETRY), ("pip", _PIP)):
        match = pattern.search(text)
        if match:
            return Installation(manager, tuple(_without(shlex.split(match["options"]), _DROPPED[manager])))
    return None


def with_groups(installation: Installation, groups: Sequence[str]) -> Installation:
    """Poetry installs all groups that are not optional, and exports the main one alone: the others have to be named."""
    named = any(word.partition("=")[0] in ("--only", "--with") for word in installation.options)
    if installation.manager != "poetry" or named or not groups:
        return installation
    return replace(installation, options=(*installation.options, "--with", ",".join(groups)))


def tool_steps(installation: Installation, uv_version: str | None) -> list[str]:
    """Steps that bring what installs, on the build platform."""
    version = max(uv_version or UV_VERSION, UV_VERSION, key=_version_key)
    lines = [uv_step(version)]
    if installation.manager == "poetry":
        lines.append(
            f'RUN pip install --no-cache-dir --disable-pip-version-check "poetry-plugin-export=={_EXPORT_VERSION}"'
        )
    return lines


def uv_step(version: str) -> str:
    """The step that brings uv, in a folder of its own."""
    return f'RUN pip install --no-cache-dir --disable-pip-version-check --target {TOOLS} "uv=={version}"'


def install_script(
    installation: Installation, environment: str, compiled: Mapping[str, Sequence[LockedPackage]]
) -> str:
    """A script that makes the virtual environment at ``environment`` for ``$TARGETARCH``, from any platform.

    :param compiled: by architecture, packages that come as wheels from :func:`compiled_stage`.
    """
    names = {architecture: [package.name for package in packages] for architecture, packages in compiled.items()}
    apart = _by_architecture({architecture: " ".join(found) for architecture, found in names.items()}, "apart")
    return "".join(
        (
            f"environment={shlex.quote(environment)}\n",
            _SETTINGS,
            apart,
            _COMMANDS[installation.manager](installation.options),
            _INSTALL_WHEELS if any(names.values()) else "",
            _CHECK,
        )
    )


def compiled_stage(base: str, steps: Sequence[str], compiled: Mapping[str, Sequence[LockedPackage]]) -> list[str]:
    """Lines of the stage that makes wheels, where the image runs, of packages that have none for it.

    :param base: name of the image that the source installs packages on.
    :param steps: the source's instructions before it does, which bring compilers.
    :param compiled: by architecture.
    """
    files = {
        architecture: "\n".join(package.requirement for package in found) for architecture, found in compiled.items()
    }
    script = (
        "set -eu\n"
        + _by_architecture(files, "requirements")
        + f"mkdir -p {WHEELS}\n"
        + 'if [ -n "$requirements" ]; then\n'
        + "  printf '%s\\n' \"$requirements\" > /tmp/requirements.txt\n"
        + f"  python3 -m pip wheel --no-deps --require-hashes --wheel-dir {WHEELS} --requirement /tmp/requirements.txt\n"
        + "fi\n"
    )
    return [f"FROM {base} AS {COMPILED_STAGE}", *steps, "ARG TARGETARCH", *root.heredoc_step(script)]


def mounts(has_compiled: bool) -> list[str]:
    """Of the step that installs: a cache of downloads, which holds what is for any platform, and wheels."""
    wheels = [f"type=bind,from={COMPILED_STAGE},source={WHEELS},target={WHEELS}"] if has_compiled else []
    return [CACHE_MOUNT, *wheels]


def _by_architecture(values: Mapping[str, str], name: str) -> str:
    cases = "".join(
        f"  {architecture}) {name}={shlex.quote(value)} ;;\n" for architecture, value in sorted(values.items()) if value
    )
    return f'case "$TARGETARCH" in\n{cases}  *) {name}="" ;;\nesac\n' if cases else f'{name}=""\n'


def _by_uv(options: Sequence[str]) -> str:
    return (
        'left_out=""\n'
        'for name in $apart; do left_out="$left_out --no-install-package $name"; done\n'
        f'uv sync {shlex.join(options)} --python-platform "$platform" $left_out\n'
    )


def _by_pip(options: Sequence[str]) -> str:
    return (
        'uv venv --quiet --allow-existing "$environment"\n'
        f'uv pip install --python "$environment/bin/python" --python-platform "$platform" {shlex.join(options)}\n'
    )


def _by_poetry(options: Sequence[str]) -> str:
    return (
        f"poetry export --format requirements.txt --output /tmp/requirements.txt {shlex.join(options)}\n"
        "for name in $apart; do\n"
        # A requirement goes on in lines that are indented, with its hashes.
        '  sed -i -e "/^$name==/,/[^\\\\]\\$/d" /tmp/requirements.txt\n'
        "done\n"
        'uv venv --quiet --allow-existing "$environment"\n'
        'uv pip install --python "$environment/bin/python" --python-platform "$platform" --no-deps --require-hashes '
        "-r /tmp/requirements.txt\n"
        "rm /tmp/requirements.txt\n"
    )


_COMMANDS = {"uv": _by_uv, "pip": _by_pip, "poetry": _by_poetry}
_DROPPED = {
    "uv": ("--no-cache", "-n", "--quiet", "-q", "--no-progress"),
    "pip": ("--no-cache-dir", "--disable-pip-version-check", "--no-input", "--quiet", "-q"),
    "poetry": ("--sync", "--no-cache", "--no-root", "--no-interaction", "-n", "--no-ansi", "--no-directory"),
}
# What uv pip and poetry export know under the same name.
_KNOWN = {
    "pip": re.compile(r"-r|--requirement|-c|--constraint|--no-deps|--require-hashes|--only-binary|--no-binary|[^-].*"),
    "poetry": re.compile(r"--(with|without|only|extras)(=.*)?|-E|--all-extras|[^-].*"),
    "uv": re.compile(r".*"),
}


def _without(words: Sequence[str], dropped: Sequence[str]) -> list[str]:
    return [word for word in words if word not in dropped]


def check_known(installation: Installation) -> None:
    """:raises CollectionError: an option means something that another tool cannot be told."""
    for word in installation.options:
        if not _KNOWN[installation.manager].fullmatch(word):
            raise CollectionError(
                f"The Dockerfile installs Python packages with {installation.manager} and {word}, which the recipe optimised "
                "does not know. Build with recipe upstream."
            )


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
