# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what the user asked for to what it is made of: contexts read, bases pinned, inputs of every platform."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Callable, Mapping, NamedTuple, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.apt_pins import (
    KEEP,
    RELAX,
    find_pins,
    without_pins,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_args import check_declared
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_spec import OPTIMISED
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
from ansible_collections.imagefleet.dify.plugins.module_utils._image.overlay import overlaid
from ansible_collections.imagefleet.dify.plugins.module_utils._image.request import ImageRequest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import (
    DOCKER_HUB,
    Reference,
    is_digest,
    parse_reference,
)

if TYPE_CHECKING:
    from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.optimised import Recipe

_EPOCH = "SOURCE_DATE_EPOCH"
DOCKER_IMAGE = "docker-image://"
OCI_LAYOUT = "oci-layout://"
#: In ``base_images``, for the frontend that is in BuildKit in the place of one of a ``# syntax=`` line.
BUILTIN = "builtin"
_REMOTE = re.compile(r"(?:https?|ssh|git)://|git@")
_GIT_COMMIT = re.compile(r"#([0-9a-f]{40})(?::.*)?$")


class Pin(NamedTuple):
    """An image or Git context that a build names, and what exactly it is then.

    :param context: as bake takes it.
    :param digest: what counts.
    :param reference: where an image is, with its tag; None for what is no image.
    """

    context: str
    digest: str
    reference: Reference | None = None


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
    :param frontend: reference with digest of what reads the Dockerfile, in the place of its ``# syntax=`` line; None for the
        one that is in BuildKit.
    :param apt_pins: versions that the Dockerfile asks of apt, which were relaxed or taken from a snapshot.
    :param base_labels: by platform, what the result says of the image that it is built on.
    :param bases: each image that is built on: its name in the Dockerfile, reference and digest.
    :param inherited: the base image whose environment the recipe takes over; None where the Dockerfile does that itself.
    :param compiled: by architecture, packages that the recipe compiles where the image runs.
    """

    request: ImageRequest
    dockerfile: bytes
    folders: Mapping[str, ContextSource]
    pinned: Mapping[str, Mapping[str, str]]
    inputs: Mapping[str, Inputs]
    frontend: str | None = None
    apt_pins: tuple[str, ...] = ()
    base_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    bases: tuple[Mapping[str, str], ...] = ()
    inherited: Reference | None = None
    compiled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
    reader = overlaid(open_folder(request.context, request.commit), request.context_files, request.replacements)
    everything = reader.entries()
    text = _read_dockerfile(request, reader).decode("utf-8", "surrogateescape")
    pins = () if request.apt_pins == KEEP else find_pins(text)
    if request.apt_pins == RELAX:
        text = without_pins(text)
    source_dockerfile = _parse(request, text)
    recipe = _recipe(request, text, reader)
    if recipe:
        text, request = recipe.text, replace(request, target=None)
    dockerfile_bytes = text.encode("utf-8", "surrogateescape")
    dockerfile = parse_dockerfile(text) if recipe else source_dockerfile
    check_declared(request.name, request.args, dockerfile, request.target)
    request = _with_epoch(request, dockerfile)
    entries = visible_entries(
        everything,
        _ignore_rules(request, reader),
        dockerfile.copied_paths(request.args, request.target),
        reader.at_root,
    )
    folders = {"": ContextSource(reader, entries)}
    fixed: dict[str, Pin] = {}
    for name, value in request.contexts.items():
        if value.startswith("/"):
            folder = open_folder(value, None)
            folders[name] = ContextSource(folder, folder.entries())
        else:
            fixed[name] = _pin_context(name, value, digest_of)
    locked = _with_locked(digest_of, request.locked_bases)
    bases = {str(p): _pin_bases(dockerfile, request, p, locked) for p in request.platforms}
    frontend = _pin_frontend(dockerfile, request, locked)
    images = {platform: {**pinned, **fixed} for platform, pinned in bases.items()}
    frontends = {str(dockerfile.syntax): frontend} if frontend else {}
    return ResolvedImage(
        request=request,
        dockerfile=dockerfile_bytes,
        folders=folders,
        pinned={p: {context_key(name): pin.context for name, pin in found.items()} for p, found in images.items()},
        inputs={
            str(platform): _inputs(
                request, platform, dockerfile_bytes, folders, {**frontends, **images[str(platform)]}, now
            )
            for platform in request.platforms
        },
        frontend=frontend.context[len(DOCKER_IMAGE) :] if frontend else None,
        apt_pins=pins,
        base_labels={str(p): _base_labels(source_dockerfile, request, p, images[str(p)]) for p in request.platforms},
        bases=_described_bases([frontends, *bases.values()]),
        inherited=_inherited(source_dockerfile, request, images) if recipe else None,
        compiled=recipe.compiled if recipe else {},
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
    images: Mapping[str, Pin],
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
        images={name: pin.digest for name, pin in images.items()},
        target=request.target,
        args=request.args,
        build_env=request.run_environment.variables,
        apt_snapshot=request.run_environment.apt_snapshot,
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
    if request.dockerfile_inline is not None:
        return request.dockerfile_inline.encode("utf-8", "surrogateescape")
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


def _with_epoch(request: ImageRequest, dockerfile: Dockerfile) -> ImageRequest:
    """The time as a build arg for a Dockerfile that asks for it; others get it from the exporter, and keep their cache."""
    if request.source_date_epoch is None or _EPOCH not in dockerfile.declared_arguments(request.args, request.target):
        return request
    return replace(request, args={_EPOCH: str(request.source_date_epoch), **request.args})


def _parse(request: ImageRequest, text: str) -> Dockerfile:
    try:
        return parse_dockerfile(text)
    except CollectionError as error:
        if request.dockerfile_inline is None:
            raise
        raise CollectionError(f"dockerfile_inline: {error.msg}", **error.facts) from error


def _ignore_rules(request: ImageRequest, reader: ContextReader) -> IgnoreRules:
    names = ignore_file_names(os.path.normpath(request.dockerfile))
    elsewhere = request.dockerfile_inline is not None or os.path.isabs(request.dockerfile)
    for name in names[1:] if elsewhere else names:
        content = reader.read(name)
        if content is not None:
            return parse_ignore(content.decode("utf-8", "surrogateescape"))
    return IgnoreRules()


def _automatic(platform: Platform) -> dict[str, str]:
    return {
        "TARGETPLATFORM": str(platform),
        "TARGETOS": platform.os,
        "TARGETARCH": platform.architecture,
        "TARGETVARIANT": platform.variant or "",
    }


def _pin_bases(
    dockerfile: Dockerfile, request: ImageRequest, platform: Platform, digest_of: Callable[[Reference], str | None]
) -> dict[str, Pin]:
    pins = {}
    for name in dockerfile.base_names({**_automatic(platform), **request.args}, request.target):
        if name not in request.contexts:
            reference = parse_reference(request.base_images.get(name, name).replace(DOCKER_IMAGE, "", 1))
            pins[name] = _pin_image(f"base {name}", reference, digest_of)
    return pins


def _base_labels(
    dockerfile: Dockerfile, request: ImageRequest, platform: Platform, pins: Mapping[str, Pin]
) -> dict[str, str]:
    """As https://github.com/opencontainers/image-spec/blob/main/annotations.md has them: what it is really built on."""
    name = dockerfile.base_name({**_automatic(platform), **request.args}, request.target)
    if name is None or name not in pins:
        return {}
    used = request.base_images.get(name) or request.contexts.get(name) or name
    reference = parse_reference(used.replace(DOCKER_IMAGE, "", 1))
    return {
        # The digest has a label of its own.
        "org.opencontainers.image.base.name": str(replace(reference, digest=None)),
        "org.opencontainers.image.base.digest": pins[name].digest,
    }


def _recipe(request: ImageRequest, text: str, reader: ContextReader) -> Recipe | None:
    if request.recipe != OPTIMISED:
        return None
    # Most calls of the module have no use for it, and importing takes a tenth of a call that finds everything built.
    from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.optimised import (
        Wanted,
        optimised_dockerfile,
    )

    def read(path: str) -> str | None:
        content = reader.read(path)
        return None if content is None else content.decode("utf-8", "replace")

    architectures = tuple(dict.fromkeys(platform.architecture for platform in request.platforms))
    wanted = Wanted(architectures, frozenset(request.build_on_target))
    return optimised_dockerfile(text, request.args, request.target, read, wanted)


def _inherited(
    dockerfile: Dockerfile, request: ImageRequest, images: Mapping[str, Mapping[str, Pin]]
) -> Reference | None:
    pin = images[str(request.platforms[0])].get(dockerfile.base_name(request.args, request.target) or "")
    return pin.reference.with_digest(pin.digest) if pin and pin.reference else None


def _pin_frontend(
    dockerfile: Dockerfile, request: ImageRequest, digest_of: Callable[[Reference], str | None]
) -> Pin | None:
    """What reads the Dockerfile is an image too, and decides what is built. None when it is BuildKit's own."""
    if dockerfile.syntax is None:
        return None
    name = request.base_images.get(dockerfile.syntax, dockerfile.syntax)
    if name == BUILTIN:
        return None
    return _pin_image(f"frontend {dockerfile.syntax}", parse_reference(name.replace(DOCKER_IMAGE, "", 1)), digest_of)


def _with_locked(
    digest_of: Callable[[Reference], str | None], locked: Mapping[str, str]
) -> Callable[[Reference], str | None]:
    return lambda reference: locked.get(str(reference)) or digest_of(reference)


def _described_bases(pins: Sequence[Mapping[str, Pin]]) -> tuple[dict[str, str], ...]:
    """Each base once, though several platforms build on it."""
    found = {name: pin for of_platform in pins for name, pin in of_platform.items()}
    return tuple(
        {"name": name, "reference": str(pin.reference), "digest": pin.digest} for name, pin in sorted(found.items())
    )


def _pin_image(what: str, reference: Reference, digest_of: Callable[[Reference], str | None]) -> Pin:
    digest = reference.digest or digest_of(reference)
    if digest is None:
        raise CollectionError(
            f"The {what} is {reference}, and its registry has no such image. Correct it, or replace it with base_images.",
            reference=str(reference),
        )
    return Pin(f"{DOCKER_IMAGE}{reference.with_digest(digest)}", digest, reference)


def _pin_context(name: str, value: str, digest_of: Callable[[Reference], str | None]) -> Pin:
    if value.startswith(DOCKER_IMAGE):
        return _pin_image(f"named context {name}", parse_reference(value[len(DOCKER_IMAGE) :]), digest_of)
    if value.startswith(OCI_LAYOUT):
        digest = value.rpartition("@")[2]
        if is_digest(digest):
            return Pin(value, digest)
    elif _REMOTE.match(value):
        commit = _GIT_COMMIT.search(value)
        if commit:
            return Pin(value, commit[1])
    raise CollectionError(
        f"The named context {name} is {value!r}, which can't be pinned. Use an absolute folder, docker-image://reference, "
        "oci-layout://folder@sha256:… or a Git URL that ends in #<commit of 40 hexadecimal digits>.",
        context=value,
    )
