# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the builds of a source of Dify start, found in the source itself. Pure.

It moved between releases: each component's own folder first, the repository's root since 1.15. Only the source tells,
since a fork may have moved it at another version.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import AbstractSet, Callable, Iterable

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context import ignore_file_names
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import Dockerfile, parse_dockerfile

#: By component: its folder, the Dockerfile in it, and a file that shows that the component is there.
_COMPONENTS = {
    "api": ("api", "Dockerfile", "api/Dockerfile"),
    "web": ("web", "Dockerfile", "web/Dockerfile"),
    # Compose starts it from an image of others: what the source has is its configuration.
    "ssrf_proxy": ("docker/ssrf_proxy", "Dockerfile", "docker/ssrf_proxy/squid.conf.template"),
    "agent_backend": ("dify-agent", "Dockerfile", "dify-agent/Dockerfile"),
    "local_sandbox": (
        "dify-agent",
        "docker/local-sandbox/Dockerfile",
        "dify-agent/docker/local-sandbox/Dockerfile",
    ),
}
_WILDCARDS = frozenset("*?[")


@dataclass(frozen=True)
class Layout:
    """How a component is built.

    :param context: the context's folder, relative to the source's root; ``.`` for the root itself.
    :param dockerfile: relative to the context; None when the source has none for the component.
    """

    context: str
    dockerfile: str | None

    def path(self, name: str) -> str:
        """A path of the context as one of the source."""
        return posixpath.normpath(posixpath.join(self.context, name))


def find_layouts(paths: Iterable[str], read: Callable[[str], str]) -> dict[str, Layout]:
    """Each component that the source has, and how it is built.

    :param paths: all files of the source, relative to its root.
    :param read: gives the text of one of them.
    :raises CollectionError: a Dockerfile copies what neither its own folder nor the root has.
    """
    files = frozenset(paths)
    known = _with_folders(files)
    found = {}
    for component, (folder, name, sign) in _COMPONENTS.items():
        if sign not in files:
            continue
        dockerfile = f"{folder}/{name}"
        if dockerfile not in files:
            found[component] = Layout(folder, None)
        elif _builds_from_root(dockerfile, folder, files, known, read):
            found[component] = Layout(".", dockerfile)
        else:
            found[component] = Layout(folder, name)
    return found


def read_dockerfile(path: str, read: Callable[[str], str]) -> Dockerfile:
    """Parse a Dockerfile of the source.

    :raises CollectionError: it is none, naming the file.
    """
    try:
        return parse_dockerfile(read(path))
    except CollectionError as error:
        raise CollectionError(f"{path}: {error.msg}", **{**error.facts, "dockerfile": path}) from error


def _builds_from_root(
    dockerfile: str, folder: str, files: AbstractSet[str], known: AbstractSet[str], read: Callable[[str], str]
) -> bool:
    """Whether what the Dockerfile copies lies below the root; the ignore file decides where both places have it."""
    copied = read_dockerfile(dockerfile, read).copied_paths({})
    # A pattern may match nothing, and "." is everywhere: neither tells where it is.
    named = [path for path in copied or () if path != "." and not _WILDCARDS & set(path)]
    missing_in_folder = [path for path in named if posixpath.join(folder, path) not in known]
    missing_in_root = [path for path in named if path not in known]
    if missing_in_folder and missing_in_root:
        raise CollectionError(
            f"{dockerfile} copies {', '.join(missing_in_folder)}, which {folder} does not have, and "
            f"{', '.join(missing_in_root)}, which the source's root does not have: its build can start at neither. "
            "Correct it, by a patch where the source is not yours.",
            dockerfile=dockerfile,
        )
    if missing_in_folder or missing_in_root:
        return bool(missing_in_folder)
    # Beside a Dockerfile in the folder, rules for the folder's context stand in .dockerignore.
    beside, _at_root = ignore_file_names(dockerfile)
    return beside in files and f"{folder}/.dockerignore" not in files


def _with_folders(files: AbstractSet[str]) -> frozenset[str]:
    found = set(files)
    for path in files:
        while path := posixpath.dirname(path):
            if path in found:
                break
            found.add(path)
    return frozenset(found)
