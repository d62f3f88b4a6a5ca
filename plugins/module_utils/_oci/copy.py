# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copying an image between repositories, bit by bit: every manifest and blob keeps its digest."""

from __future__ import annotations

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient


def copy_content(client: RegistryClient, source: Reference, manifest: Manifest, target: Reference) -> None:
    """Bring all that ``manifest`` points at into the target's repository, so that it can be put there itself.

    Children of an index, attestations included, are put by digest once all of theirs is there. What is there already is
    not sent again.

    :param source: the repository that holds it; tag and digest do not count, as for ``target``.
    :raises CollectionError: something is missing in the source, damaged, or not accepted by the target.
    """
    for digest in referred_manifests(manifest):
        child_target = target.with_digest(digest)
        if client.find_digest(child_target) is None:
            child = client.get_manifest(source.with_digest(digest))
            copy_content(client, source, child, target)
            client.put_manifest(child_target, child)
    for digest in referred_blobs(manifest):
        client.copy_blob(source, target, digest)


def referred_manifests(manifest: Manifest) -> list[str]:
    """Digests of an index's children, each once."""
    return list(dict.fromkeys(entry["digest"] for entry in manifest.document.get("manifests") or []))


def referred_blobs(manifest: Manifest) -> list[str]:
    """Digests of a manifest's layers and configuration, each once.

    Layers with ``urls`` are not to be distributed: clients fetch them from there, and registries do without.
    """
    document = manifest.document
    entries = [entry for entry in document.get("layers") or [] if not entry.get("urls")]
    if "config" in document:
        entries.append(document["config"])
    return list(dict.fromkeys(entry["digest"] for entry in entries))
