# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is on record of a release, and its name: the same content has the same name on every run. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError


@dataclass(frozen=True)
class Release:
    """A release of a deployment.

    :param id: its version and a hash of its content, such as ``1.12.1-3f9a0c21d4e5``.
    :param commit: of the source, when it is known.
    :param images: by service ``wanted``, ``digest`` and, for one of ours, ``component``.
    :param schema: names the state of the database that it needs.
    :param migration: the command that leads there.
    :param owners: user by number of folders below the data folder, which an image of ours writes.
    :param files: hash of its Compose file and of what that mounts.
    :param environment: hash of its environment.
    :param external: by service of the user's own, where it is, as ``HOST:PORT``.
    """

    id: str
    version: str
    commit: str | None
    images: Mapping[str, Mapping[str, str]]
    schema: str
    migration: tuple[str, ...]
    owners: Mapping[str, int]
    files: str
    environment: str
    external: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "migration": list(self.migration)}


def named(version: str, **content: Any) -> Release:
    """A release by its content. The source's commit is no part of its name: other commits may have the same content."""
    counted = {key: value for key, value in content.items() if key != "commit" and (key != "external" or value)}
    digest = hashlib.sha256(json.dumps(counted, sort_keys=True, default=list).encode()).hexdigest()[:12]
    return Release(id=f"{version}-{digest}", version=version, **content)


def read_release(text: str, path: str) -> Release:
    """A release from its record.

    :raises CollectionError: it is damaged.
    """
    try:
        document = {"external": {}, **json.loads(text)}
        known = {each.name for each in fields(Release)}
        return Release(**{**{key: document[key] for key in known}, "migration": tuple(document["migration"])})
    except (ValueError, KeyError, TypeError) as error:
        raise CollectionError(
            f"The record {path} of a release cannot be read ({type(error).__name__}: {error}). Restore it from a backup, or "
            "remove its folder if the release is not needed any more."
        ) from error


def reasons(before: Release | None, after: Release) -> list[str]:
    """Why ``after`` is another release than ``before``, a sentence for each difference."""
    if before is None:
        return ["first release"]
    version = [f"version: {before.version} -> {after.version}"] if before.version != after.version else []
    names = {*before.images, *after.images}
    images = [_image_reason(name, before.images.get(name), after.images.get(name)) for name in names]
    others = (
        (before.schema != after.schema, "migrations of the database"),
        (before.migration != after.migration, "command of the migration: " + " ".join(after.migration)),
        (before.external != after.external, f"external services: {_places(before)} -> {_places(after)}"),
        (before.files != after.files, "files of the deployment"),
        (before.environment != after.environment, "environment"),
    )
    return [*version, *sorted(filter(None, images)), *(text for differs, text in others if differs)]


def _places(release: Release) -> str:
    return ", ".join(f"{name} ({', '.join(places)})" for name, places in sorted(release.external.items())) or "none"


def _image_reason(name: str, old: Mapping[str, str] | None, new: Mapping[str, str] | None) -> str | None:
    if old is None or new is None:
        return f"service {name}: {'new' if old is None else 'gone'}"
    if old["digest"] != new["digest"]:
        return f"image of {name}: {_short(old)} -> {_short(new)}"
    if old["wanted"] != new["wanted"]:
        return f"name of the image of {name}: {old['wanted']} -> {new['wanted']}"
    return None


def _short(image: Mapping[str, str]) -> str:
    return f"{image['wanted']}@{image['digest'][:19]}"
