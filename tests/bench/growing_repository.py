# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry's repository that grows to thousands of builds: copies of one that the collection made, written into its storage."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FINGERPRINT = "dev.imagefleet.fingerprint"


@dataclass
class GrowingRepository:
    """A repository in the storage of a registry, as that lays it out.

    :param storage: the registry's root directory.
    :param index: digest of a build for all its platforms, made by ``image_build``.
    :param platform_tags: the ``fp-`` tag of each platform's image of that build, with its digest.
    :param builds: copies that were made.
    """

    storage: Path
    name: str
    index: str
    platform_tags: dict[str, str]
    builds: int = 0
    _written: set[str] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        """The repository's own."""
        return self.storage / "docker/registry/v2/repositories" / self.name

    def tags(self) -> int:
        """How many ``fp-`` tags it has."""
        return sum(1 for _tag in (self.folder / "_manifests/tags").glob("fp-*"))

    def grow(self, size: int) -> None:
        """Copy the build until there are so many ``fp-`` tags: of each platform, then of the index of all."""
        missing = size - self.tags()
        while missing > 0:
            copy = _Copy(self, self._next())
            tagged = [*self.platform_tags.values(), self.index][:missing]
            for digest in tagged:
                self._tag(f"fp-{copy.fingerprint(digest)}", copy.manifest(digest))
            missing -= len(tagged)

    def litter(self, builds: int) -> int:
        """Leave blobs of so many builds that no manifest names, as deletion does; how many blobs."""
        before = len(self._written)
        for _number in range(builds):
            _Copy(self, self._next(), linked=False).manifest(self.index)
        return len(self._written) - before

    def read(self, digest: str) -> bytes:
        """A blob."""
        return self._blob(digest).read_bytes()

    def write(self, content: bytes, link: str | None) -> str:
        """Put a blob, and a link to it into a folder of the repository; its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._written.add(digest)
        path = self._blob(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if link:
            self._link(f"{link}/sha256/{digest[7:]}", digest)
        return digest

    def _next(self) -> int:
        self.builds += 1
        return self.builds

    def _tag(self, tag: str, digest: str) -> None:
        for place in ("current", f"index/sha256/{digest[7:]}"):
            self._link(f"_manifests/tags/{tag}/{place}", digest)

    def _link(self, place: str, digest: str) -> None:
        path = self.folder / place / "link"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(digest)

    def _blob(self, digest: str) -> Path:
        return self.storage / "docker/registry/v2/blobs/sha256" / digest[7:9] / digest[7:] / "data"


@dataclass
class _Copy:
    """A build like the one that is there, with manifests, configurations and provenance of its own, and the same layers.

    :param linked: whether the repository knows of its parts.
    """

    repository: GrowingRepository
    number: int
    linked: bool = True
    _made: dict[str, str] = field(default_factory=dict)

    def fingerprint(self, digest: str) -> str:
        """The one that it is found under, in place of an original's."""
        return hashlib.sha256(f"{digest} {self.number}".encode()).hexdigest()

    def manifest(self, digest: str) -> str:
        """Copy a manifest or an index with all below it; the copy's digest."""
        if digest not in self._made:
            document = json.loads(self.repository.read(digest))
            for part in document.get("manifests", []):
                part.update(self._described(self.manifest(part["digest"])))
                subject = part.get("annotations", {}).get("vnd.docker.reference.digest")
                if subject:
                    part["annotations"]["vnd.docker.reference.digest"] = self.manifest(subject)
            for part in [document["config"], *document["layers"]] if "config" in document else []:
                if part["mediaType"].endswith("json"):
                    part.update(self._described(self._json_blob(part["digest"])))
            notes = document.setdefault("annotations", {})
            notes.update({"bench": str(self.number)})
            if _FINGERPRINT in notes:
                notes[_FINGERPRINT] = self.fingerprint(digest)
            self._made[digest] = self._write(document, "_manifests/revisions")
        return self._made[digest]

    def _json_blob(self, digest: str) -> str:
        if digest not in self._made:
            document = {**json.loads(self.repository.read(digest)), "bench": self.number}
            self._made[digest] = self._write(document, "_layers")
        return self._made[digest]

    def _write(self, document: Any, link: str) -> str:
        return self.repository.write(json.dumps(document).encode(), link if self.linked else None)

    def _described(self, digest: str) -> dict[str, Any]:
        return {"digest": digest, "size": len(self.repository.read(digest))}
