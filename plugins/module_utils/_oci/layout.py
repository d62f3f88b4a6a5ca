# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCI image layout folders: manifests under names, blobs by digest.

Format: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Iterator

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import locked_folder
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    OCI_INDEX,
    Manifest,
    digest_of,
    read_manifest,
)

_REF_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class LayoutStore:
    """A layout at ``path``, made when something is first put into it. Every file appears whole or not at all."""

    path: str

    def find_manifest(self, name: str) -> Manifest | None:
        """The manifest under a ref name or digest, or None."""
        digest = name if name.startswith("sha256:") else self._names().get(name, {}).get("digest")
        if digest is None or not os.path.isfile(self._blob_path(digest)):
            return None
        return read_manifest(self.get_blob(digest), None)

    def put_manifest(self, name: str, manifest: Manifest) -> None:
        """Put a manifest under ``name``; the name's former manifest stays as a blob."""
        self.put_blob(manifest.raw, manifest.media_type)
        names = self._names()
        names[name] = {**manifest.descriptor(), "annotations": {_REF_NAME: name}}
        self._write("oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(names.values())}
        self._write("index.json", json.dumps(index, indent=2, sort_keys=True).encode())

    def get_blob(self, digest: str) -> bytes:
        """:raises CollectionError: it is not there, or damaged."""
        try:
            with open(self._blob_path(digest), "rb") as file:
                data = file.read()
        except FileNotFoundError as error:
            raise CollectionError(f"The layout {self.path} lacks the blob {digest}. Write it again.") from error
        if digest_of(data) != digest:
            raise CollectionError(
                f"The blob {digest} in the layout {self.path} is damaged. Remove it and write it again."
            )
        return data

    def put_blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        """Store a blob and return its descriptor."""
        digest = digest_of(data)
        if not os.path.isfile(self._blob_path(digest)):
            self._write(os.path.relpath(self._blob_path(digest), self.path), data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def copy_blobs_from(self, folder: str) -> None:
        """Take over all blobs of another layout."""
        source = os.path.join(folder, "blobs", "sha256")
        target = os.path.join(self.path, "blobs", "sha256")
        os.makedirs(target, exist_ok=True)
        for name in os.listdir(source):
            if not os.path.exists(os.path.join(target, name)):
                with _part(os.path.join(target, name)) as part:
                    shutil.copyfile(os.path.join(source, name), part)

    def _names(self) -> dict[str, dict[str, Any]]:
        try:
            with open(os.path.join(self.path, "index.json"), encoding="utf-8") as file:
                document = json.load(file)
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise CollectionError(
                f"{self.path}/index.json is no JSON: {error}. Remove the layout or name another."
            ) from error
        entries = document.get("manifests") or []
        return {(entry.get("annotations") or {}).get(_REF_NAME, entry["digest"]): entry for entry in entries}

    def _blob_path(self, digest: str) -> str:
        algorithm, _colon, value = digest.partition(":")
        return os.path.join(self.path, "blobs", algorithm, os.path.basename(value))

    def _write(self, name: str, data: bytes) -> None:
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with _part(path) as part:
            with open(part, "wb") as file:
                file.write(data)
            os.chmod(part, 0o644)


@contextmanager
def _part(path: str) -> Iterator[str]:
    """Where to write what is to appear at ``path`` as a whole, when the block ends."""
    with locked_folder(os.path.dirname(path), ".part-") as temporary:
        part = os.path.join(temporary, "part")
        yield part
        os.replace(part, path)
