# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an image is made of: the inputs of one platform, their fingerprint, and why two of them differ."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping

#: Raised when the same inputs would build another image because this collection builds differently.
RECIPE_VERSION = 1

#: What is recorded as labels and arguments but does not count: it names a revision, not a content.
#: Where a source or a base is kept names no content either: who takes them from a mirror finds the same image.
UNCOUNTED_LABELS = frozenset(
    f"org.opencontainers.image.{name}" for name in ("revision", "created", "source", "base.name", "base.digest")
)
UNCOUNTED_ARGUMENTS = frozenset(("COMMIT_SHA", "SOURCE_DATE_EPOCH"))

#: Annotation keys of the record that goes with an image.
INPUTS_ANNOTATION = "dev.imagefleet.inputs"
FINGERPRINT_ANNOTATION = "dev.imagefleet.fingerprint"
REVISION_ANNOTATION = "org.opencontainers.image.revision"

#: Registries limit a manifest to 4 MiB; annotations of ours stay far below. Longer file lists go beside the image.
ANNOTATION_LIMIT = 64 * 1024

_NAMED_FILES = 3


@dataclass(frozen=True)
class ContextInput:
    """A context as an input: its digest, and its files (path -> kind, executable bit and id) to name what changed."""

    digest: str
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """Everything that decides the content of an image for one platform.

    :param dockerfile: SHA-256 of its bytes.
    :param contexts: the build context under ``""`` and named folder contexts by their name.
    :param images: bases and named image contexts, by the name that the Dockerfile uses, as digests.
    :param attestations: what attestations the image carries, as the options say it.
    :param secrets: ids of secrets, each with the version that the user gave it, or an empty text.
    :param period: the number of the age period, counted from 1970; None without a maximum age.
    :param period_name: that maximum age as the user wrote it.
    :param revision: only when the exact revision counts.
    """

    platform: str
    dockerfile: str
    contexts: Mapping[str, ContextInput]
    images: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    build_env: Mapping[str, str] = field(default_factory=dict)
    apt_snapshot: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    attestations: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    ssh: tuple[str, ...] = ()
    network: str | None = None
    period: int | None = None
    period_name: str | None = None
    revision: str | None = None
    recipe: int = RECIPE_VERSION

    def counted(self) -> dict[str, Any]:
        """What the fingerprint is taken over, as JSON types; what is empty is left out."""
        record = {
            "recipe": self.recipe,
            "platform": self.platform,
            "dockerfile": self.dockerfile,
            "target": self.target,
            "contexts": {name: context.digest for name, context in self.contexts.items()},
            "images": dict(self.images),
            "args": {name: value for name, value in self.args.items() if name not in UNCOUNTED_ARGUMENTS},
            "build_env": dict(self.build_env),
            "apt_snapshot": self.apt_snapshot,
            "labels": {name: value for name, value in self.labels.items() if name not in UNCOUNTED_LABELS},
            "annotations": dict(self.annotations),
            "attestations": dict(self.attestations),
            "secrets": dict(self.secrets),
            "ssh": list(self.ssh),
            "network": self.network,
            "period": self.period,
            "period_name": self.period_name,
            "revision": self.revision,
        }
        return {key: value for key, value in record.items() if value not in (None, {}, [])}

    def fingerprint(self) -> str:
        """64 hexadecimal digits: SHA-256 over the canonical JSON of what counts."""
        return hashlib.sha256(canonical_json(self.counted()).encode()).hexdigest()

    def files(self) -> dict[str, dict[str, str]]:
        """The files of each context, to be kept beside the record."""
        return {name: dict(context.files) for name, context in self.contexts.items()}


def index_fingerprint(fingerprints: Mapping[str, str]) -> str:
    """The fingerprint of an index: SHA-256 over the sorted lines ``platform fingerprint``."""
    lines = "".join(f"{platform} {fingerprint}\n" for platform, fingerprint in sorted(fingerprints.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def age_period(now: float, max_age: int) -> int:
    """The number of the period of ``max_age`` seconds that ``now`` (seconds since 1970) lies in."""
    return int(now // max_age)


def parse_age(text: str) -> int | None:
    """Seconds of an age such as ``7d``, ``12h`` or ``2w``; None when the text is none."""
    match = re.fullmatch(r"([1-9][0-9]*)([hdw])", text)
    return int(match[1]) * {"h": 3600, "d": 86400, "w": 604800}[match[2]] if match else None


def explain(
    wanted: Inputs,
    previous: Mapping[str, Any] | None,
    files: Mapping[str, Mapping[str, str]] | None,
    context_name: str = "",
) -> list[str]:
    """Why ``wanted`` is not what ``previous`` was: one sentence per input that differs.

    :param context_name: what a user calls the build context, such as ``api``.
    :param previous: a record made by :meth:`Inputs.counted`, of the same platform; None when there is nothing.
    :param files: the files kept beside that record, by context; None when they are not known.
    """
    if previous is None:
        return ["first build"]
    current = wanted.counted()
    reasons: list[str] = []
    if current.get("period") != previous.get("period") and wanted.period_name:
        reasons.append(f"older than {wanted.period_name}")
    elif current.get("period") != previous.get("period"):
        reasons.append("maximum age: none any more")
    for key, label in _SINGLE:
        if current.get(key) != previous.get(key):
            reasons.append(f"{label}: {_shown(previous.get(key))} -> {_shown(current.get(key))}")
    for key, label in _MAPPINGS:
        reasons.extend(_mapping_reasons(label, previous.get(key) or {}, current.get(key) or {}))
    for name, digest in sorted(current["contexts"].items()):
        before = (previous.get("contexts") or {}).get(name)
        if digest != before:
            reasons.append(
                _context_reason(name or context_name, wanted.contexts[name].files, before, (files or {}).get(name))
            )
    for name in sorted(set(previous.get("contexts") or {}) - set(current["contexts"])):
        reasons.append(f"context {name}: removed")
    return reasons


_SINGLE = (
    ("recipe", "recipe version"),
    ("dockerfile", "Dockerfile"),
    ("target", "target"),
    ("apt_snapshot", "packages of the archive at"),
    ("network", "network"),
    ("revision", "revision"),
    ("ssh", "ssh"),
)
_MAPPINGS = (
    ("images", "base"),
    ("args", "build arg"),
    ("build_env", "build_env"),
    ("labels", "label"),
    ("annotations", "annotation"),
    ("attestations", "attestation"),
    ("secrets", "secret"),
)


def _mapping_reasons(label: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterable[str]:
    for name in sorted(set(before) | set(after)):
        if before.get(name) != after.get(name):
            yield f"{label} {name}: {_shown(before.get(name))} -> {_shown(after.get(name))}"


def _context_reason(
    name: str, after: Mapping[str, str], before_digest: str | None, before: Mapping[str, str] | None
) -> str:
    title = f"context {name}" if name else "context"
    if before_digest is None:
        return f"{title}: added"
    if before is None:
        return f"{title}: changed"
    changed = sorted(path for path in set(before) | set(after) if before.get(path) != after.get(path))
    shown = ", ".join(_file_change(path, before, after) for path in changed[:_NAMED_FILES])
    more = f", and {len(changed) - _NAMED_FILES} more" if len(changed) > _NAMED_FILES else ""
    return f"{title}: {len(changed)} file{'' if len(changed) == 1 else 's'} changed: {shown}{more}"


def _file_change(path: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    if path not in before:
        return f"{path} (new)"
    return path if path in after else f"{path} (gone)"


def _shown(value: Any) -> str:
    return "unset" if value in (None, "", []) else str(value)
