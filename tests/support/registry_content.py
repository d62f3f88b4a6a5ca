# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry read with no code of the collection, to say what is wrong with what its tags point at."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from support.machine_snapshot import MANIFESTS

#: Tags of the builds' own; all others are for people.
OWN = ("fp-", "ok-", "building-", "files-")


@dataclass(frozen=True)
class RegistryContent:
    """A plain registry.

    :param host: ``host:port``.
    :param blobs: its folder of blobs, so that each can be looked at without being fetched.
    """

    host: str
    blobs: Path

    def tags(self, repository):
        """Digest by tag; empty for a repository that is not there."""
        try:
            with urllib.request.urlopen(f"http://{self.host}/v2/{repository}/tags/list", timeout=10) as answer:
                names = json.load(answer)["tags"] or []
        except urllib.error.HTTPError:
            return {}
        return {name: self.manifest(repository, name)[0] for name in names}

    def manifest(self, repository, reference):
        """Digest and document."""
        url = f"http://{self.host}/v2/{repository}/manifests/{reference}"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": MANIFESTS}), timeout=10) as answer:
            raw = answer.read()
        return f"sha256:{hashlib.sha256(raw).hexdigest()}", json.loads(raw)

    def faults(self, repository, platforms):
        """What is wrong, one sentence each.

        Every tag leads to content that is all there. A tag for people holds every platform, and each has a record of
        passed tests.
        """
        tags = self.tags(repository)
        found = []
        for tag, digest in tags.items():
            found += [f"{tag}: {fault}" for fault in self.incomplete(repository, digest)]
            if not tag.startswith(OWN):
                found += [f"{tag}: {fault}" for fault in self._untested(repository, digest, tags, platforms)]
        return found

    def incomplete(self, repository, digest):
        try:
            _digest, document = self.manifest(repository, digest)
        except urllib.error.HTTPError as error:
            yield f"{digest} answers {error.code}"
            return
        for child in document.get("manifests", []):
            yield from self.incomplete(repository, child["digest"])
        for blob in [document.get("config"), *document.get("layers", [])]:
            if blob and not self._is_whole(blob):
                yield f"{blob['digest']} of {digest} is not there as described"

    def _is_whole(self, blob):
        value = blob["digest"].partition(":")[2]
        path = self.blobs / value[:2] / value / "data"
        return path.is_file() and path.stat().st_size == blob["size"]

    def _untested(self, repository, digest, tags, platforms):
        _digest, document = self.manifest(repository, digest)
        there = {
            f"{entry['platform']['os']}/{entry['platform']['architecture']}": entry["digest"]
            for entry in document.get("manifests", [])
        }
        for platform in platforms:
            if platform not in there:
                yield f"there is no {platform}"
            elif not any(tag.startswith(f"ok-{there[platform].partition(':')[2]}-") for tag in tags):
                yield f"{platform} was not tested"
