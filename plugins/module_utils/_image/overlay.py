# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files laid over a context: what a source says is changed for a build, and the source stays as it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context import FILE, LINK, Entry, blob_id
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context_reader import ContextReader
from ansible_collections.imagefleet.dify.plugins.module_utils._image.request import ContextFile, Replacement


@dataclass(frozen=True)
class Overlay:
    """A context with other files on top.

    :param files: contents by path.
    """

    below: ContextReader
    files: Mapping[str, bytes]

    @property
    def at_root(self) -> bool:
        return self.below.at_root

    def entries(self) -> tuple[Entry, ...]:
        """:raises CollectionError: a file of the overlay would lie in a link or file of the context, or be a folder there."""
        below = {entry.path: entry for entry in self.below.entries()}
        for path in self.files:
            _check_place(path, below)
        kept = [entry for path, entry in below.items() if path not in self.files]
        own = [
            Entry(path, FILE, path in below and below[path].executable, blob_id(content))
            for path, content in self.files.items()
        ]
        return tuple(sorted((*kept, *own)))

    def read(self, path: str) -> bytes | None:
        return self.files[path] if path in self.files else self.below.read(path)

    def export(self, entries: Sequence[Entry], destination: str) -> None:
        self.below.export([entry for entry in entries if entry.path not in self.files], destination)
        for entry in entries:
            if entry.path in self.files:
                _write(
                    os.path.join(destination, entry.path), self.files[entry.path], 0o755 if entry.executable else 0o644
                )


def overlaid(below: ContextReader, files: Sequence[ContextFile], replacements: Sequence[Replacement]) -> ContextReader:
    """The context with the files put in, and then the texts replaced.

    :raises CollectionError: a file cannot be read, or a text does not stand where it is to be replaced, exactly once.
    """
    if not files and not replacements:
        return below
    contents = {file.path: _content(file) for file in files}
    for replacement in replacements:
        content = contents.get(replacement.path, below.read(replacement.path))
        if content is None:
            raise CollectionError(
                f"replacements: the context has no file {replacement.path}. Correct the path.", path=replacement.path
            )
        before = replacement.before.encode()
        found = content.count(before) if before else 0
        if found != 1:
            raise CollectionError(
                f"replacements: {replacement.path} has {replacement.before!r} {found} times, and it must be there once. Give "
                "more of the line, or another text.",
                path=replacement.path,
            )
        contents[replacement.path] = content.replace(before, replacement.after.encode())
    return Overlay(below, contents)


def _content(file: ContextFile) -> bytes:
    if file.src is None:
        return (file.content or "").encode()
    try:
        with open(file.src, "rb") as source:
            return source.read()
    except OSError as error:
        raise CollectionError(
            f"context_files: {file.src} on the host cannot be read for {file.path}: {error.strerror}.", path=file.path
        ) from error


def _check_place(path: str, below: Mapping[str, Entry]) -> None:
    if path in below and below[path].kind == LINK:
        raise CollectionError(
            f"context_files: {path} is a link in the context. Name the file that it leads to.", path=path
        )
    above = os.path.dirname(path)
    while above:
        if above in below:
            raise CollectionError(
                f"context_files: {path} would lie in {above}, which is no folder in the context.", path=path
            )
        above = os.path.dirname(above)
    if any(other.startswith(f"{path}/") for other in below):
        raise CollectionError(f"context_files: {path} is a folder in the context.", path=path)


def _write(path: str, content: bytes, mode: int) -> None:
    missing = []
    folder = os.path.dirname(path)
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for folder in reversed(missing):
        os.mkdir(folder)
        os.chmod(folder, 0o755)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)
