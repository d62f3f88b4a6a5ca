# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Image references: ``[registry/]repository[:tag][@digest]``, parsed and normalised as Docker does.

Grammar: https://pkg.go.dev/github.com/distribution/reference
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Iterable

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

DOCKER_HUB = "docker.io"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:(?P<registry>{_HOST})/)?(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]{32,}))?",
    re.ASCII,
)
#: As the reference implementation of registries has it for a whole name.
_LONGEST_REPOSITORY = 255
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


@dataclass(frozen=True)
class Reference:
    """Where an image is: registry host, repository, and a tag, a digest, both or neither."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """``registry/repository``, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def selector(self) -> str:
        """What a registry is asked for: the digest if there is one, else the tag, else ``latest``."""
        return self.digest or self.tag or "latest"

    def with_tag(self, tag: str) -> Reference:
        """The same repository at ``tag``."""
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: str) -> Reference:
        """The same repository at ``digest``."""
        return replace(self, tag=None, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """Parse ``text``; ``python:3.12`` becomes ``docker.io/library/python:3.12``.

    :raises CollectionError: the text is no reference.
    """
    match = _REFERENCE.fullmatch(text)
    if not match:
        raise CollectionError(
            f"{text!r} is not an image reference. Write registry/repository:tag or registry/repository@sha256:…, "
            "with the repository in lower case.",
            reference=text,
        )
    registry, repository = match["registry"], match["repository"]
    if len(repository) > _LONGEST_REPOSITORY:
        raise CollectionError(
            f"The repository of the image reference {text[:40]}… has {len(repository)} characters, and registries take at most "
            f"{_LONGEST_REPOSITORY}.",
            reference=text,
        )
    if registry and "." not in registry and ":" not in registry and registry != "localhost":
        registry, repository = None, f"{registry}/{repository}"
        if not re.fullmatch(rf"{_COMPONENT}(?:/{_COMPONENT})*", repository, re.ASCII):
            raise CollectionError(
                f"{text!r} is not an image reference: the repository {repository!r} must be in lower case.",
                reference=text,
            )
    if registry in (None, "index.docker.io"):
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return Reference(registry, repository, match["tag"], match["digest"])


def parse_pinned(texts: Iterable[str], why: str) -> dict[str, Reference]:
    """References with a digest by what was given as ``images``, each once.

    :param why: a sentence for the error: what a digest is needed for.
    :raises CollectionError: one has none, or is no reference.
    """
    found = {text: parse_reference(text) for text in texts}
    for text, reference in found.items():
        if not reference.digest:
            raise CollectionError(f"images has {text}, which has no digest. {why}")
    return found


def parse_repository(text: str) -> Reference:
    """Parse a reference that must have neither tag nor digest.

    :raises CollectionError: it is none, or it has one.
    """
    reference = parse_reference(text)
    if reference.tag or reference.digest:
        raise CollectionError(
            f"{text!r} must be a repository without tag and digest, such as {reference.name}.", reference=text
        )
    return reference


def is_digest(text: str) -> bool:
    """Whether ``text`` is ``sha256:`` and 64 hexadecimal digits."""
    return bool(_DIGEST.fullmatch(text))


def is_tag(text: str) -> bool:
    """Whether a registry accepts ``text`` as a tag."""
    return bool(_TAG.fullmatch(text))
