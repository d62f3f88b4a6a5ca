# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Dockerfile of a customised image, and the folder it is built from. Pure.

It is thin: what is asked for is put on the image that was built from the source, so a change costs seconds. Packages are
named in files beside it, so that a rebuild's reason names the list that changed.
"""

from __future__ import annotations

import json
import shlex
from typing import Iterator, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.customisation import Customisation
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import environment_lines
from ansible_collections.imagefleet.dify.plugins.module_utils._image.installed_file import InstalledFile, context_paths
from ansible_collections.imagefleet.dify.plugins.module_utils._image.runtime_trust import (
    BUNDLE,
    VARIABLE,
    certificate_files,
    trust_commands,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.start_hooks import ENTRYPOINT, entrypoint_script
from ansible_collections.imagefleet.dify.plugins.module_utils._image.upstream import NAME, Upstream

#: The first line of each: by it a folder is known as ours.
FIRST_LINE = "# Written by imagefleet.dify.image_customisation, which may remove all else that is in this folder."
DOCKERFILE = "Dockerfile"
IGNORE_FILE = ".dockerignore"
APT_LIST = "apt_packages.txt"
PIP_LIST = "pip_packages.txt"
REQUIREMENTS = "pip_requirements.txt"
ENTRYPOINT_FILE = "entrypoint"
CERTIFICATES = "runtime_ca"
#: Made by us, so a diff may show them whole.
GENERATED = frozenset((DOCKERFILE, IGNORE_FILE, APT_LIST, PIP_LIST, ENTRYPOINT_FILE))

#: Where lists and caches are while a step runs.
_MOUNTS = "/run/customisation"


def context_files(upstream: Upstream, wanted: Customisation) -> dict[str, bytes]:
    """The context's files by path; none when nothing is asked for.

    :raises CollectionError: something is asked for that this image cannot take.
    """
    if not wanted:
        return {}
    copied = context_paths(wanted.files)
    files = {
        DOCKERFILE: derived_dockerfile(upstream, wanted, copied).encode(),
        # The Dockerfile counts by itself; in the context it would be a second reason for the same.
        IGNORE_FILE: f"{DOCKERFILE}\n{IGNORE_FILE}\n".encode(),
        **{path: file.content for path, file in copied.items()},
    }
    if wanted.apt_packages:
        files[APT_LIST] = _lines(wanted.apt_packages)
    if wanted.packages:
        files[PIP_LIST] = _lines([package.text for package in wanted.packages])
    if wanted.requirements_file is not None:
        files[REQUIREMENTS] = wanted.requirements_file
    for name, content in certificate_files(wanted.certificates).items():
        files[f"{CERTIFICATES}/{name}"] = content
    if wanted.hooks:
        files[ENTRYPOINT_FILE] = entrypoint_script(wanted.hooks).encode()
    return files


def derived_dockerfile(upstream: Upstream, wanted: Customisation, copied: Mapping[str, InstalledFile]) -> str:
    """The text of the Dockerfile.

    :param copied: the files by their paths in the context.
    :raises CollectionError: there is no place for Python packages, or nothing that hooks could run before.
    """
    lines = [FIRST_LINE, f"FROM {NAME}"]
    # Certificates last: packages bring stores of their own.
    runs = [*_apt(wanted), *_pip(upstream, wanted), *_trust(upstream, wanted)]
    lines += runs if upstream.is_root or not runs else ["USER root", *runs, f"USER {upstream.user}"]
    lines += _copies(copied, wanted)
    environment = {**({VARIABLE: BUNDLE} if wanted.certificates else {}), **wanted.env}
    lines += environment_lines(environment)
    lines += _start(upstream) if wanted.hooks else ()
    return "\n".join(lines) + "\n"


def _apt(wanted: Customisation) -> Iterator[str]:
    if wanted.apt_packages:
        yield _run(
            [_list_mount(APT_LIST)],
            f"command -v apt-get > /dev/null || {{ echo {shlex.quote(_NO_APT)} >&2; exit 1; }}",
            "export DEBIAN_FRONTEND=noninteractive",
            "apt-get update --option APT::Update::Error-Mode=any",
            f"apt-get install --yes --no-install-recommends $(cat {_MOUNTS}/{APT_LIST})",
            "apt-get clean",
            "rm -rf /var/lib/apt/lists/* /var/log/apt/* /var/log/dpkg.log /var/log/alternatives.log"
            " /var/cache/ldconfig/aux-cache",
        )


def _pip(upstream: Upstream, wanted: Customisation) -> Iterator[str]:
    lists = [PIP_LIST] if wanted.packages else []
    lists += [REQUIREMENTS] if wanted.requirements_file is not None else []
    if not lists:
        return
    options = f"--python {upstream.python}"
    given = " ".join(
        ["--require-hashes"] * wanted.require_hashes + [f"--requirement {_MOUNTS}/{name}" for name in lists]
    )
    # A virtual environment that uv made has no pip of its own, and a bare pip would be the base image's, for its Python.
    by_pip = (
        f"PIP_CACHE_DIR={_MOUNTS}/cache/pip pip {options} install --no-input --disable-pip-version-check "
        f"--root-user-action ignore {given}"
    )
    by_uv = f"UV_CACHE_DIR={_MOUNTS}/cache/uv UV_LINK_MODE=copy uv pip install {options} {given}"
    attempts = [("pip", by_pip)]
    if upstream.uses_uv:
        attempts.insert(0, ("uv", f"{by_uv}; rm -f /tmp/uv-*.lock"))
    choice = " elif ".join(f"command -v {program} > /dev/null; then {command};" for program, command in attempts)
    yield _run(
        [*map(_list_mount, lists), f"type=cache,id=imagefleet-customisation,target={_MOUNTS}/cache"],
        "umask 022",
        f"if {choice} else echo {shlex.quote(_NO_PIP)} >&2; exit 1; fi",
    )


def _trust(upstream: Upstream, wanted: Customisation) -> Iterator[str]:
    if wanted.certificates:
        commands = trust_commands(f"{_MOUNTS}/{CERTIFICATES}", upstream.virtual_env, upstream.environment)
        yield _run([_list_mount(CERTIFICATES)], *commands)


def _copies(copied: Mapping[str, InstalledFile], wanted: Customisation) -> Iterator[str]:
    for path, file in copied.items():
        words = json.dumps([path, _escaped(file.dest)], ensure_ascii=False)
        yield f"COPY --chown={file.owner}:{file.group} --chmod={file.mode} {words}"
    if wanted.hooks:
        yield f"COPY --chown=0:0 --chmod=0755 {json.dumps([ENTRYPOINT_FILE, ENTRYPOINT])}"


def _start(upstream: Upstream) -> list[str]:
    if not upstream.entrypoint and not upstream.command:
        raise CollectionError(
            f"scripts has hooks, and the image of {upstream.component} starts nothing by itself that they could run before.",
            component=upstream.component,
        )
    lines = [f"ENTRYPOINT {json.dumps([ENTRYPOINT, *upstream.entrypoint], ensure_ascii=False)}"]
    # An entrypoint of one's own empties the command that comes with the base.
    if upstream.command:
        lines.append(f"CMD {json.dumps(upstream.command, ensure_ascii=False)}")
    return lines


def _list_mount(name: str) -> str:
    return f"type=bind,source={name},target={_MOUNTS}/{name}"


def _run(mounts: Sequence[str], *commands: str) -> str:
    flags = " \\\n    ".join(f"--mount={mount}" for mount in mounts)
    return f"RUN {flags} \\\n    set -eu; \\\n    " + "; \\\n    ".join(commands)


def _lines(values: Sequence[str]) -> bytes:
    return "".join(f"{value}\n" for value in values).encode()


def _escaped(path: str) -> str:
    """A path as a word of COPY, in which BuildKit looks for variables and quotes, also in the JSON form."""
    return "".join(f"\\{character}" if character in "\\'\"$" else character for character in path)


_NO_APT = (
    "apt_packages needs a base of Debian or Ubuntu, and this image has no apt-get. On Alpine packages come by apk: build them "
    "into an image of your own and give that in images_base_images."
)
_NO_PIP = (
    "pip_packages needs uv or pip in the image, and it has neither. Build the component on a base image that has pip."
)
