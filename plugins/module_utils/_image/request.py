# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One image as the user asked for it: options merged with their defaults and checked before anything is read."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import Any, Mapping, Sequence
from urllib.parse import urlsplit

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.apt_pins import SNAPSHOT, snapshot_time
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_spec import (
    IMAGE_DEFAULTS,
    IMAGE_OPTIONS,
    OPTIMISED,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import parse_age
from ansible_collections.imagefleet.dify.plugins.module_utils._image.mirrors import without_user_info
from ansible_collections.imagefleet.dify.plugins.module_utils._image.run_environment import (
    RunEnvironment,
    parse_run_environment,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform, parse_platforms
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import (
    Reference,
    is_digest,
    parse_reference,
    parse_repository,
)

_DOCKERFILES = ("dockerfile", "dockerfile_inline")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SECRET_?KEY|CREDENTIALS?)$",
    re.IGNORECASE,
)


_KEPT = {
    "build arg": "build args stay in the image's history",
    "build_env": "values of build_env are inputs, which go with the image",
}


@dataclass(frozen=True)
class Secret:
    """A build secret: an id, and where its value comes from. The value itself never counts, only ``version`` does."""

    id: str
    src: str | None = None
    env: str | None = None
    value: str | None = None
    version: str = ""


@dataclass(frozen=True)
class ContextFile:
    """A file put into the context, or in the place of one that is there.

    :param path: in the context.
    """

    path: str
    src: str | None = None
    content: str | None = None


@dataclass(frozen=True)
class Replacement:
    """A text in a file of the context that stands there once, and what stands there in its place."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class ImageRequest:
    """One entry of ``images`` with every default filled in."""

    name: str
    repository: Reference
    context: str
    commit: str | None
    dockerfile: str
    dockerfile_inline: str | None
    recipe: str
    build_on_target: tuple[str, ...]
    target: str | None
    platforms: tuple[Platform, ...]
    args: Mapping[str, str]
    contexts: Mapping[str, str]
    base_images: Mapping[str, str]
    locked_bases: Mapping[str, str]
    context_files: tuple[ContextFile, ...]
    replacements: tuple[Replacement, ...]
    apt_pins: str
    run_environment: RunEnvironment
    secrets: tuple[Secret, ...]
    ssh: tuple[str, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    revision: str | None
    cache_from: tuple[str, ...]
    cache_to: tuple[str, ...]
    registry_cache: bool
    provenance: str
    sbom: str | None
    network: str
    source_date_epoch: int | None
    reproducible: bool
    output: str
    output_path: str | None
    rebuild: str
    max_age: str | None
    exact_revision: bool
    compare_to: Reference | None

    @property
    def context_name(self) -> str:
        """What a reason calls the context: the name of the image."""
        return self.name


def image_requests(params: Mapping[str, Any]) -> tuple[ImageRequest, ...]:
    """All images of a task.

    :param params: the module's parameters.
    :raises CollectionError: an option is missing, malformed, or contradicts another; the message names the image.
    """
    requests = []
    for image in params["images"]:
        try:
            given = _own_and_general(image, params)
            merged = {key: _first_given(value, IMAGE_DEFAULTS.get(key)) for key, value in given.items()}
            requests.append(_image_request(image["name"], merged))
        except CollectionError as error:
            raise CollectionError(
                f"Image {image['name']!r}: {error.msg}", image=image["name"], **error.facts
            ) from error
    names = [request.name for request in requests]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise CollectionError(f"Two images have the same name: {', '.join(repeated)}. Give each its own.")
    return tuple(requests)


def _own_and_general(image: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """What is set for an image or for all. Of the two ways to give a Dockerfile, an image's own leaves out the other."""
    for level in (image, params):
        if level.get("dockerfile") is not None and level.get("dockerfile_inline") is not None:
            raise CollectionError("dockerfile and dockerfile_inline are both set. Give one of them.")
    own = any(image.get(key) is not None for key in _DOCKERFILES)
    return {
        key: _first_given(image.get(key), None if own and key in _DOCKERFILES else params.get(key))
        for key in IMAGE_OPTIONS
    }


def _first_given(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _image_request(name: str, options: Mapping[str, Any]) -> ImageRequest:
    if not _NAME.fullmatch(name):
        raise CollectionError("a name has lower-case letters, digits, - and _, and 64 characters at most.")
    for required in ("repository", "context", "platforms"):
        if not options[required]:
            raise CollectionError(f"{required} is missing: set it for the image or at top level.")
    _check_combination(options)
    args = _texts("args", options["args"])
    for key, value in args.items():
        _refuse_secret("build arg", key, value)
    labels = _texts("labels", options["labels"])
    for label in ("version", "revision", "created"):
        if options[label]:
            labels.setdefault(f"org.opencontainers.image.{label}", options[label])
    if options["source"]:
        labels.setdefault("org.opencontainers.image.source", without_user_info(options["source"]))
    return ImageRequest(
        name=name,
        repository=parse_repository(options["repository"]),
        context=options["context"],
        commit=options["commit"],
        dockerfile=options["dockerfile"],
        dockerfile_inline=options["dockerfile_inline"],
        recipe=options["recipe"],
        build_on_target=tuple(options["build_on_target"] or ()),
        target=options["target"],
        platforms=parse_platforms(options["platforms"]),
        args=args,
        contexts=_texts("contexts", options["contexts"]),
        base_images=_texts("base_images", options["base_images"]),
        locked_bases=_locked_bases(options["locked_bases"]),
        context_files=tuple(
            ContextFile(_inside("context_files", entry["path"]), entry.get("src"), entry.get("content"))
            for entry in options["context_files"] or ()
        ),
        replacements=tuple(
            Replacement(_inside("replacements", entry["path"]), entry["before"], entry["after"])
            for entry in options["replacements"] or ()
        ),
        apt_pins=options["apt_pins"],
        run_environment=_run_environment(options),
        secrets=_secrets(options["secrets"] or []),
        ssh=tuple(options["ssh"] or ()),
        labels=labels,
        annotations=_texts("annotations", options["annotations"]),
        revision=options["revision"],
        cache_from=tuple(options["cache_from"] or ()),
        cache_to=tuple(options["cache_to"] or ()),
        registry_cache=options["registry_cache"],
        provenance=options["provenance"],
        sbom=options["sbom"] or None,
        network=options["network"],
        source_date_epoch=options["source_date_epoch"],
        reproducible=options["reproducible"],
        output=options["output"],
        output_path=options["output_path"],
        rebuild=options["rebuild"],
        max_age=options["max_age"],
        exact_revision=options["exact_revision"],
        compare_to=_compared(options["compare_to"]) if options["compare_to"] else None,
    )


def _check_combination(options: Mapping[str, Any]) -> None:
    _check_age_and_time(options)
    if options["commit"] and not _COMMIT.fullmatch(options["commit"]):
        raise CollectionError(
            f"commit is {options['commit']!r}, not 40 hexadecimal digits. source_checkout returns such a commit for a ref."
        )
    if options["output"] == "oci_layout" and not options["output_path"]:
        raise CollectionError("output oci_layout needs output_path, the folder of the layout.")
    if options["output"] != "oci_layout" and options["output_path"]:
        raise CollectionError(f"output_path is only for output oci_layout, but output is {options['output']}.")
    if options["registry_cache"] and options["output"] != "registry":
        raise CollectionError(
            f"registry_cache needs output registry, and output is {options['output']}. Use cache_from and cache_to."
        )
    if options["exact_revision"] and not options["revision"]:
        raise CollectionError("exact_revision counts the revision, but revision is not set.")
    for option in ("sbom", "annotations"):
        if options[option] and options["output"] == "engine":
            raise CollectionError(f"{option} needs output registry or oci_layout: the engine keeps images without it.")
    if options["build_on_target"] and options["recipe"] != OPTIMISED:
        raise CollectionError(
            "build_on_target is for recipe optimised: the source's own Dockerfile builds everything there."
        )
    _check_lists(options)


def _compared(text: str) -> Reference:
    try:
        return parse_reference(text)
    except CollectionError as error:
        raise CollectionError(f"compare_to: {error.msg}", **error.facts) from error


def _run_environment(options: Mapping[str, Any]) -> RunEnvironment:
    variables = _texts("build_env", options["build_env"])
    for name, value in variables.items():
        _refuse_secret("build_env", name, value)
    environment = parse_run_environment(options, variables)
    if options["apt_pins"] == SNAPSHOT:
        return replace(environment, apt_snapshot=snapshot_time(options["source_date_epoch"]))
    return environment


def _locked_bases(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Digests by full reference, so that a short name and its long form are one."""
    found = {}
    for name, digest in _texts("locked_bases", values).items():
        if not is_digest(digest):
            raise CollectionError(f"locked_bases.{name} is {digest!r}, not sha256: and 64 hexadecimal digits.")
        found[str(parse_reference(name))] = digest
    return found


def _inside(option: str, path: str) -> str:
    normal = posixpath.normpath(path)
    if path.startswith("/") or normal == "." or normal.startswith("..") or "\0" in path:
        raise CollectionError(f"{option} has the path {path!r}, which is no file in the context.")
    return normal


def _check_age_and_time(options: Mapping[str, Any]) -> None:
    if options["apt_pins"] == SNAPSHOT and options["source_date_epoch"] is None:
        raise CollectionError("apt_pins snapshot needs source_date_epoch, the time whose packages are taken.")
    if options["max_age"] and parse_age(options["max_age"]) is None:
        raise CollectionError(f"max_age is {options['max_age']!r}; write a number and h, d or w, such as 7d.")
    if options["reproducible"] and options["source_date_epoch"] is None:
        raise CollectionError("reproducible needs source_date_epoch, the time that files and layers get.")
    if (options["source_date_epoch"] or 0) < 0:
        raise CollectionError("source_date_epoch is a number of seconds since 1970, not negative.")


def _check_lists(options: Mapping[str, Any]) -> None:
    for option in ("ssh", "cache_from", "cache_to"):
        for value in options[option] or []:
            if not value.strip() or "\n" in value or value.startswith("-"):
                raise CollectionError(f"{option} has the value {value!r}, which buildx would not take.")


def _texts(option: str, values: Mapping[str, Any] | None) -> dict[str, str]:
    """Values as text: YAML turns 1 and true into numbers and booleans, and BuildKit knows only text."""
    texts = {}
    for key, value in (values or {}).items():
        if isinstance(value, (dict, list)) or value is None:
            raise CollectionError(f"{option}.{key} must be a text, not {type(value).__name__}.")
        if not str(key).strip() or "=" in str(key) or "\n" in str(key):
            raise CollectionError(
                f"{option} has the key {key!r}; a key is not empty and has neither = nor a line break."
            )
        texts[str(key)] = str(value).lower() if isinstance(value, bool) else str(value)
    return texts


def looks_like_secret(name: str, value: str) -> bool:
    """Whether a variable is named like a secret, or its value is an address with a password."""
    return bool(_SECRET_NAME.search(name) or ("://" in value and urlsplit(value).password))


def _refuse_secret(what: str, name: str, value: str) -> None:
    if looks_like_secret(name, value):
        raise CollectionError(
            f"the {what} {name} looks like a secret, and {_KEPT[what]}. "
            f"Use secrets: [{{id: {name.lower()}, env: …}}] and RUN --mount=type=secret,id={name.lower()} in the Dockerfile.",
            argument=name,
        )


def _secrets(entries: Sequence[Mapping[str, Any]]) -> tuple[Secret, ...]:
    for entry in entries:
        if not _ID.fullmatch(entry["id"]):
            raise CollectionError(
                f"the secret id {entry['id']!r} has characters other than letters, digits, _, - and dots."
            )
    ids = [entry["id"] for entry in entries]
    if len(set(ids)) != len(ids):
        raise CollectionError("two secrets have the same id.")
    return tuple(
        Secret(entry["id"], entry.get("src"), entry.get("env"), entry.get("value"), entry.get("version") or "")
        for entry in entries
    )
