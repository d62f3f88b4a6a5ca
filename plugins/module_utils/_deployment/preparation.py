# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release's folder, made from a source: its Compose file untouched, environment, pins and what it mounts."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import stat
import string
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_client import (
    COMPOSE_FILE,
    OVERRIDE_FILE,
    ComposeClient,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import Service, parse_config
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_override import (
    Wishes,
    override,
    render,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployment_secrets import (
    OF_DATA,
    SecretsPlan,
    is_secret,
    plan_secrets,
    without_published,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.environment import (
    Variables,
    check_names,
    render_files,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.environment_file import (
    references,
    resolve_environment,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.external import (
    DATABASES,
    Address,
    check_external,
    find_addresses,
    follow,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.migrations import (
    ENTRYPOINT,
    FOLDER,
    migration_command,
    schema_of,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.nginx import OURS, THEIRS, with_upstreams
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.pins import (
    Found,
    Pin,
    pin_images,
    wanted_images,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import Release, named
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.tls import (
    CERTIFICATES,
    Tls,
    certificate_files,
    check_tls,
    tls_values,
)

_LETTERS = string.ascii_letters + string.digits
_SECRET_LENGTH = 40


@dataclass(frozen=True)
class Request:
    """What a release is to be.

    :param source: the checkout, a folder.
    :param data_dir: where the services keep their data.
    :param environment: values by variable; ``secrets`` the same for those that are secret.
    :param allowed: published values that may be used, by variable.
    :param profiles: of Compose; None for what the examples say.
    :param images: references by component of ours.
    :param image_map: references by an image's name in the Compose file.
    :param refresh: look at others' tags again.
    :param migration: in the place of the command that the source's entrypoint has.
    :param tls: what nginx answers with over TLS; None for the source's own way.
    :param external: services that are the user's own.
    :param logging, resources: as :class:`Wishes` has them.
    """

    source: str
    version: str
    commit: str | None
    data_dir: str
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    allowed: Sequence[str]
    profiles: Sequence[str] | None
    images: Mapping[str, str]
    image_map: Mapping[str, str]
    refresh: bool
    migration: Sequence[str] | None
    tls: Tls | None = None
    external: Sequence[str] = ()
    logging: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """A release as it lies in a folder.

    :param values: every variable that it takes, with what it comes to.
    """

    release: Release
    secrets: SecretsPlan
    values: Mapping[str, str]
    services: Mapping[str, Service]


def prepare(
    folder: str,
    request: Request,
    kept: Mapping[str, str],
    adopted: Mapping[str, str],
    before: Release | None,
    compose: ComposeClient,
    find_image: Callable[[str], Found | None],
) -> Prepared:
    """Make the release's folder in ``folder``, which is empty.

    :param kept: the secrets that the host keeps.
    :param adopted: values of a deployment that was taken over.
    :param before: the active release.
    :raises CollectionError: what is asked for cannot be.
    """
    _check_kinds(request)
    project = os.path.join(folder, "docker")
    _copy_source(request.source, project, os.path.join(folder, "seed"))
    os.symlink(request.data_dir, os.path.join(project, "volumes"))

    variables = read_variables(project)
    defaults = variables.defaults()
    adopted = without_published(adopted, defaults, request.allowed)
    given = {**adopted, **request.environment, **request.secrets}
    check_names(variables, {**request.environment, **request.secrets}, "The deployment's environment")
    plan = plan_secrets(
        defaults, given, kept, request.allowed,
        data=find_data(request.data_dir), make=make_secret, external=request.external,
    )  # fmt: skip
    values = {**given, **plan.values, **tls_values(request.tls, variables.names())}
    values.update(follow(request.external, defaults, values, given))
    check_tls(request.tls, {**defaults, **values})
    if request.profiles is not None:
        values["COMPOSE_PROFILES"] = ",".join(request.profiles)
    files = render_files(variables, values)
    for path, text in files.items():
        _write_secret(os.path.join(project, path), text)

    started = parse_config(compose.config(project))
    _check_profiles(request.profiles, compose, project)
    check_external(started, request.external)
    services = {name: service for name, service in started.items() if name not in request.external}
    effective = effective_values(project)
    addresses = find_addresses(request.external, defaults, effective, given)
    _check_resources(services, request.resources)
    if request.tls:
        _place_tls(request.tls, {**defaults, **values}, services, project)
    wanted = wanted_images(services, request.images, request.image_map)
    ours = {name for name, service in services.items() if service.component in request.images}
    known = before.images if before and not request.refresh else {}
    pins = pin_images(wanted, ours, known, find_image, compose.host_platform())
    nginx = _nginx_conf(services, project)
    mounted = {name: _mounted(service, project) for name, service in services.items()}
    document = override(
        started, {name: pin.reference for name, pin in pins.items()}, {name: hash_ for name, hash_ in mounted.items() if hash_},
        Wishes(request.logging, request.resources, _api_port(request.source), nginx, request.external),
    )  # fmt: skip
    with open(os.path.join(project, OVERRIDE_FILE), "w", encoding="utf-8") as file:
        file.write(render(document))
    compose.config(project, with_override=True)

    release = named(
        request.version,
        commit=request.commit,
        images={name: _as_record(pin, services[name], name in ours) for name, pin in pins.items()},
        schema=_schema(request.source, _database(addresses, effective)),
        migration=tuple(request.migration or _migration(request.source)),
        owners=_owners(services, pins, project),
        files=tree_hash(project, skip=("volumes", *files)),
        environment=hashlib.sha256("\0".join(f"{path}\0{text}" for path, text in files.items()).encode()).hexdigest(),
        external={name: [str(address) for address in found] for name, found in addresses.items()},
    )
    return Prepared(release, plan, effective, services)


def read_variables(project: str) -> Variables:
    """What a release in a folder takes from its environment.

    :raises CollectionError: the folder has no Compose file.
    """
    examples = {}
    for folder, folders, files in os.walk(project):
        folders[:] = [name for name in folders if name != "volumes"]
        for file in files:
            if file.endswith(".env.example") and "middleware" not in file:
                path = os.path.join(folder, file)
                examples[os.path.relpath(path, project)] = _read(path)
    return Variables(examples, _read(os.path.join(project, COMPOSE_FILE)))


def effective_values(project: str) -> dict[str, str]:
    """What every variable of a release in a folder comes to: its examples' values, then those of its environment files."""
    variables = read_variables(project)
    _names, defaults = references(variables.compose)
    return {**defaults, **resolve_environment(*variables.texts(), *environment_files(project).values())}


def environment_files(project: str) -> dict[str, str]:
    """The environment files of a project, by path below it. The one beside the Compose file is the last."""
    found = {}
    for folder, folders, files in os.walk(project):
        folders[:] = [name for name in folders if name != "volumes"]
        for file in files:
            if file == ".env" or file.endswith(".env"):
                path = os.path.join(folder, file)
                found[os.path.relpath(path, project)] = _read(path)
    return dict(sorted(found.items(), key=lambda item: item[0] == ".env"))


def find_data(data_dir: str) -> dict[str, str]:
    """By secret the first folder below the data folder that holds data which need it."""
    found = {}
    for secret, names in OF_DATA.items():
        paths = [os.path.join(data_dir, name) for name in names]
        full = [path for path in paths if any(files for _folder, _folders, files in os.walk(path))]
        if full:
            found[secret] = full[0]
    return found


def make_secret() -> str:
    """A secret that needs no quoting anywhere."""
    return "".join(secrets.choice(_LETTERS) for _position in range(_SECRET_LENGTH))


def tree_hash(folder: str, skip: Sequence[str] = ()) -> str:
    """A hash over what is in a folder, or over a file: paths, executable bits, contents and links.

    :param skip: paths below the folder that do not count.
    """
    found = hashlib.sha256()
    for path in sorted(_paths(folder)):
        relative = os.path.relpath(path, folder)
        if relative in skip:
            continue
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            content = f"link {os.readlink(path)}".encode()
        else:
            with open(path, "rb") as file:
                content = hashlib.sha256(file.read()).digest()
        found.update(b"%s\0%d\0%s\0" % (os.fsencode(relative), bool(mode & stat.S_IXUSR), content))
    return found.hexdigest()


def _paths(folder: str) -> list[str]:
    if os.path.islink(folder) or os.path.isfile(folder):
        return [folder]
    found = []
    for parent, folders, files in os.walk(folder):
        found += [os.path.join(parent, name) for name in files]
        found += [os.path.join(parent, name) for name in folders if os.path.islink(os.path.join(parent, name))]
    return found


def _check_kinds(request: Request) -> None:
    wrong = sorted(key for key in request.environment if is_secret(key) and request.environment[key])
    if wrong:
        raise CollectionError(
            f"{', '.join(wrong)} in the deployment's environment {'is' if len(wrong) == 1 else 'are'} secret. Give it in the "
            "deployment's secrets, where no value is ever shown."
        )


def _copy_source(source: str, project: str, seed: str) -> None:
    folder = os.path.join(source, "docker")
    if not os.path.isdir(folder):
        raise MissingPrerequisite(
            f"{source} has no folder docker with a Compose file. Check the source out first, or correct the path.",
            task="the checkout of the source",
        )
    shutil.copytree(
        folder, project, symlinks=True, ignore=lambda parent, _names: {"volumes"} if parent == folder else set()
    )
    if os.path.isdir(os.path.join(folder, "volumes")):
        shutil.copytree(os.path.join(folder, "volumes"), seed, symlinks=True)


def _nginx_conf(services: Mapping[str, Service], project: str) -> str:
    """Write nginx's configuration with our names in it. Where nginx has it; empty when nothing in it can be replaced."""
    theirs = os.path.join(project, THEIRS)
    target = services["nginx"].mounts.get(theirs) if "nginx" in services else None
    if not target or not os.path.isdir(theirs):
        return ""
    files, _ports = with_upstreams({name: _read(os.path.join(theirs, name)) for name in sorted(os.listdir(theirs))})
    ours = os.path.join(project, OURS)
    for name, text in files.items():
        os.makedirs(ours, exist_ok=True)
        with open(os.path.join(ours, name), "w", encoding="utf-8") as file:
            file.write(text)
    return target if files else ""


def _place_tls(tls: Tls, values: Mapping[str, str], services: Mapping[str, Service], project: str) -> None:
    """Copy certificate and key to where nginx has them."""
    folder = os.path.join(project, CERTIFICATES)
    if "nginx" not in services or folder not in services["nginx"].mounts:
        raise CollectionError(
            f"This version's Compose file has no nginx that mounts {CERTIFICATES}, so a certificate cannot be given to it. Leave "
            "tls out, and put a proxy of your own in front."
        )
    for name, source in certificate_files(tls, values).items():
        _write_secret(os.path.join(folder, name), _read(source))


def _mounted(service: Service, project: str) -> str | None:
    """A hash over what a service mounts of the release, without data, and without certificates: these need a reload only."""
    parts = []
    for path in service.mounts:
        relative = os.path.relpath(path, project)
        if not relative.startswith(("..", "volumes", CERTIFICATES)) and os.path.lexists(path):
            parts.append(f"{relative} {tree_hash(path)}")
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:16] if parts else None


def _as_record(pin: Pin, service: Service, ours: bool) -> dict[str, str]:
    return {**pin.as_json(), **({"component": service.component} if ours and service.component else {})}


def _owners(services: Mapping[str, Service], pins: Mapping[str, Pin], project: str) -> dict[str, int]:
    """Folders of data that a service of ours writes, with the user that its image runs as."""
    data = os.path.join(project, "volumes")
    return {
        os.path.relpath(path, data): user
        for name, pin in sorted(pins.items())
        for user in [pin.user]
        if user
        for path in services[name].mounts
        if path.startswith(f"{data}{os.sep}")
    }


def _schema(source: str, database: str) -> str:
    folder = os.path.join(source, FOLDER)
    return schema_of(os.listdir(folder) if os.path.isdir(folder) else (), database)


def _database(addresses: Mapping[str, Sequence[Address]], values: Mapping[str, str]) -> str:
    """Which database of the user's own it is; empty for the bundled one."""
    places = [str(place) for name, found in sorted(addresses.items()) if name in DATABASES for place in found]
    return f"{','.join(places)}/{values.get('DB_DATABASE', '')}" if places else ""


def _check_profiles(profiles: Sequence[str] | None, compose: ComposeClient, project: str) -> None:
    """:raises CollectionError: one is none of the release's, and would start nothing."""
    if not profiles:
        return
    known = compose.profiles(project)
    unknown = sorted(set(profiles) - set(known))
    if unknown:
        raise CollectionError(
            f"The release has no profile {', '.join(unknown)} (it has {', '.join(known) or 'none'}). Correct the name, or leave "
            "it out."
        )


def _check_resources(services: Mapping[str, Service], resources: Mapping[str, Any]) -> None:
    """:raises CollectionError: limits are for a service that the release does not start."""
    unknown = sorted(set(resources) - set(services))
    if unknown:
        raise CollectionError(
            f"The deployment's resources have {', '.join(unknown)}, which the release does not start with its profiles (it "
            f"starts {', '.join(sorted(services))}). Correct the name, or leave it out."
        )


def _migration(source: str) -> tuple[str, ...]:
    return migration_command(_read(os.path.join(source, ENTRYPOINT)))


def _api_port(source: str) -> int:
    """Where the api listens, as its Dockerfile says."""
    match = re.search(r"^EXPOSE\s+(\d+)", _read(os.path.join(source, "api", "Dockerfile")), re.MULTILINE)
    return int(match[1]) if match else 5001


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError(f"{path} of the source cannot be read: {error}.") from error


def _write_secret(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
