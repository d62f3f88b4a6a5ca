# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what the user asked for to what it is made of: contexts read, bases pinned, inputs of every platform."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import Callable, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context import (
    Entry,
    context_digest,
    ignore_file_names,
    visible_entries,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context_reader import ContextReader
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import Dockerfile, parse_dockerfile
from ansible_collections.imagefleet.dify.plugins.module_utils._image.ignore import IgnoreRules, parse_ignore
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import (
    ContextInput,
    Inputs,
    age_period,
    index_fingerprint,
    parse_age,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.request import ImageRequest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import (
    DOCKER_HUB,
    Reference,
    is_digest,
    parse_reference,
)

DOCKER_IMAGE = "docker-image://"
OCI_LAYOUT = "oci-layout://"
_REMOTE = re.compile(r"(?:https?|ssh|git)://|git@")
_GIT_COMMIT = re.compile(r"#([0-9a-f]{40})(?::.*)?$")


@dataclass(frozen=True)
class ContextSource:
    """A context ready to be written out: where it is read from, and which of its files a build sees."""

    reader: ContextReader
    entries: tuple[Entry, ...]

    def as_input(self) -> ContextInput:
        files = {entry.path: f"{entry.kind}{'+x' if entry.executable else ''} {entry.id}" for entry in self.entries}
        return ContextInput(context_digest(self.entries), files)


@dataclass(frozen=True)
class ResolvedImage:
    """An image whose inputs are all known.

    :param dockerfile: its bytes.
    :param folders: the build context under ``""`` and named folder contexts.
    :param pinned: values of bake's ``contexts`` for bases and named contexts that are images, by platform.
    :param inputs: of each platform, in the order asked for.
    """

    request: ImageRequest
    dockerfile: bytes
    folders: Mapping[str, ContextSource]
    pinned: Mapping[str, Mapping[str, str]]
    inputs: Mapping[str, Inputs]

    @property
    def fingerprints(self) -> dict[str, str]:
        """By platform."""
        return {platform: inputs.fingerprint() for platform, inputs in self.inputs.items()}

    @property
    def fingerprint(self) -> str:
        """Of the index of all platforms."""
        return index_fingerprint(self.fingerprints)


def resolve_image(
    request: ImageRequest,
    open_folder: Callable[[str, str | None], ContextReader],
    digest_of: Callable[[Reference], str | None],
    now: float,
) -> ResolvedImage:
    """Read everything that decides the image.

    :param open_folder: opens a context by path and commit.
    :param digest_of: asks a registry what a reference points at; None when there is nothing.
    :param now: seconds since 1970, for the age period.
    :raises CollectionError: Dockerfile missing, a base not found, a context that cannot be pinned.
    """
    reader = open_folder(request.context, request.commit)
    everything = reader.entries()
    dockerfile_bytes = _read_dockerfile(request, reader)
    dockerfile = parse_dockerfile(dockerfile_bytes.decode("utf-8", "surrogateescape"))
    entries = visible_entries(
        everything,
        _ignore_rules(request, reader),
        dockerfile.copied_paths(request.args, request.target),
        reader.at_root,
    )
    folders = {"": ContextSource(reader, entries)}
    fixed: dict[str, tuple[str, str]] = {}
    for name, value in request.contexts.items():
        if value.startswith("/"):
            folder = open_folder(value, None)
            folders[name] = ContextSource(folder, folder.entries())
        else:
            fixed[name] = _pin_context(name, value, digest_of)
    bases = {str(p): _pin_bases(dockerfile, request, p, digest_of) for p in request.platforms}
    images = {platform: {**pins, **fixed} for platform, pins in bases.items()}
    return ResolvedImage(
        request=request,
        dockerfile=dockerfile_bytes,
        folders=folders,
        pinned={p: {context_key(name): pin[0] for name, pin in pins.items()} for p, pins in images.items()},
        inputs={
            str(platform): _inputs(request, platform, dockerfile_bytes, folders, images[str(platform)], now)
            for platform in request.platforms
        },
    )


def context_key(name: str) -> str:
    """The name under which BuildKit looks a context up that takes an image's place: short, without ``:latest``.

    Mirrors ``NamedContext`` of github.com/moby/buildkit/frontend/dockerui. The buildx command line does it, bake does not.
    """
    try:
        reference = parse_reference(name)
    except CollectionError:
        return name
    full = str(reference)
    for prefix in (f"{DOCKER_HUB}/library/", f"{DOCKER_HUB}/"):
        if full.startswith(prefix):
            full = full[len(prefix) :]
            break
    return full[: -len(":latest")] if full.endswith(":latest") else full


def _inputs(
    request: ImageRequest,
    platform: Platform,
    dockerfile: bytes,
    folders: Mapping[str, ContextSource],
    images: Mapping[str, tuple[str, str]],
    now: float,
) -> Inputs:
    max_age = parse_age(request.max_age) if request.max_age else None
    attestations = {"provenance": request.provenance}
    if request.sbom:
        attestations["sbom"] = request.sbom
    return Inputs(
        platform=str(platform),
        dockerfile=f"sha256:{hashlib.sha256(dockerfile).hexdigest()}",
        contexts={name: source.as_input() for name, source in folders.items()},
        images={name: digest for name, (_pin, digest) in images.items()},
        target=request.target,
        args=request.args,
        labels=request.labels,
        annotations=request.annotations,
        attestations=attestations,
        secrets={secret.id: secret.version for secret in request.secrets},
        ssh=tuple(sorted(value.partition("=")[0] for value in request.ssh)),
        network=None if request.network == "default" else request.network,
        period=age_period(now, max_age) if max_age else None,
        period_name=request.max_age,
        revision=request.revision if request.exact_revision else None,
    )


def _read_dockerfile(request: ImageRequest, reader: ContextReader) -> bytes:
    path = request.dockerfile
    if os.path.isabs(path):
        if not os.path.isfile(path):
            raise CollectionError(f"The Dockerfile {path} is not on this host. Correct dockerfile.", dockerfile=path)
        with open(path, "rb") as file:
            return file.read()
    if os.path.normpath(path).startswith(".."):
        raise CollectionError(
            f"dockerfile is {path!r}, which leads out of the context {request.context}. Give a path in the context or an "
            "absolute path.",
            dockerfile=path,
        )
    content = reader.read(os.path.normpath(path))
    if content is None:
        where = f"{request.context} at commit {request.commit}" if request.commit else request.context
        raise CollectionError(
            f"The Dockerfile {path} is not in the context {where}. Correct dockerfile or context.", dockerfile=path
        )
    return content


def _ignore_rules(request: ImageRequest, reader: ContextReader) -> IgnoreRules:
    names = ignore_file_names(os.path.normpath(request.dockerfile))
    for name in names[1:] if os.path.isabs(request.dockerfile) else names:
        content = reader.read(name)
        if content is not None:
            return parse_ignore(content.decode("utf-8", "surrogateescape"))
    return IgnoreRules()


def _pin_bases(
    dockerfile: Dockerfile, request: ImageRequest, platform: Platform, digest_of: Callable[[Reference], str | None]
) -> dict[str, tuple[str, str]]:
    automatic = {
        "TARGETPLATFORM": str(platform),
        "TARGETOS": platform.os,
        "TARGETARCH": platform.architecture,
        "TARGETVARIANT": platform.variant or "",
    }
    pins = {}
    for name in dockerfile.base_names({**automatic, **request.args}, request.target):
        if name not in request.contexts:
            reference = parse_reference(request.base_images.get(name, name).replace(DOCKER_IMAGE, "", 1))
            pins[name] = _pin_image(f"base {name}", reference, digest_of)
    return pins


def _pin_image(what: str, reference: Reference, digest_of: Callable[[Reference], str | None]) -> tuple[str, str]:
    digest = reference.digest or digest_of(reference)
    if digest is None:
        raise CollectionError(
            f"The {what} is {reference}, and its registry has no such image. Correct it, or replace it with base_images.",
            reference=str(reference),
        )
    return f"{DOCKER_IMAGE}{reference.with_digest(digest)}", digest


def _pin_context(name: str, value: str, digest_of: Callable[[Reference], str | None]) -> tuple[str, str]:
    if value.startswith(DOCKER_IMAGE):
        return _pin_image(f"named context {name}", parse_reference(value[len(DOCKER_IMAGE) :]), digest_of)
    if value.startswith(OCI_LAYOUT):
        digest = value.rpartition("@")[2]
        if is_digest(digest):
            return value, digest
    elif _REMOTE.match(value):
        commit = _GIT_COMMIT.search(value)
        if commit:
            return value, commit[1]
    raise CollectionError(
        f"The named context {name} is {value!r}, which can't be pinned. Use an absolute folder, docker-image://reference, "
        "oci-layout://folder@sha256:… or a Git URL that ends in #<commit of 40 hexadecimal digits>.",
        context=value,
    )
