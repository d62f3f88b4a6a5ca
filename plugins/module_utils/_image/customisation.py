# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user wants to have otherwise in a component's image: options, checked, as values. Pure."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._image.installed_file import OWN_FOLDER, InstalledFile
from ansible_collections.imagefleet.dify.plugins.module_utils._image.pip_requirements import (
    Requirement,
    parse_packages,
    parse_requirements_file,
    require_hashes,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.request import looks_like_secret
from ansible_collections.imagefleet.dify.plugins.module_utils._image.runtime_trust import parse_certificates
from ansible_collections.imagefleet.dify.plugins.module_utils._image.start_hooks import HOOKS_FOLDER

_SQUID = "ssrf_proxy"
_SQUID_TEMPLATE = "/etc/squid/squid.conf.template"
_SCRIPTS_FOLDER = "/usr/local/bin"
_APT_PACKAGE = re.compile(
    r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9-]+)?(?:=[A-Za-z0-9.+:~-]+|/[A-Za-z0-9._-]+)?", re.ASCII
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PROGRAM = (b"#!", b"\x7fELF")

_SOURCE = {"src": {"type": "path"}, "content": {"type": "str"}}
_ONE_SOURCE = {"mutually_exclusive": [("src", "content")], "required_one_of": [("src", "content")]}

#: The options, paths being on the host.
CUSTOMISATION_SPEC = ArgumentSpec(
    options={
        "pip_packages": {"type": "list", "elements": "str", "default": []},
        "pip_requirements": {"type": "path"},
        "pip_require_hashes": {"type": "bool", "default": False},
        "apt_packages": {"type": "list", "elements": "str", "default": []},
        "files": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                **_SOURCE,
                "dest": {"type": "str", "required": True},
                "owner": {"type": "str", "default": "0"},
                "group": {"type": "str", "default": "0"},
                "mode": {"type": "str", "default": "0644"},
            },
            **_ONE_SOURCE,
        },
        "scripts": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {**_SOURCE, "dest": {"type": "str"}, "hook": {"type": "bool", "default": False}},
            **_ONE_SOURCE,
        },
        "env": {"type": "dict", "default": {}},
        "runtime_ca": {"type": "path"},
        "squid_config_template": {"type": "path"},
    }
)


@dataclass(frozen=True)
class Customisation:
    """What is to be put on top of a component's image.

    :param requirements: the packages of a requirements file, whose bytes are ``requirements_file``.
    :param files: with scripts and hooks, in the order in which they are copied.
    :param hooks: paths in the image of what runs before the entrypoint, in order.
    :param certificates: what is trusted at run time besides, in DER.
    """

    packages: tuple[Requirement, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    requirements_file: bytes | None = None
    require_hashes: bool = False
    apt_packages: tuple[str, ...] = ()
    files: tuple[InstalledFile, ...] = ()
    hooks: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    certificates: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return self != Customisation()

    @property
    def added_packages(self) -> tuple[Requirement, ...]:
        """All Python packages that are asked for."""
        return (*self.packages, *self.requirements)


def parse_customisation(component: str, options: Mapping[str, Any], read: Callable[[str, str], bytes]) -> Customisation:
    """Check the options of a component.

    :param options: as ``CUSTOMISATION_SPEC`` gives them.
    :param read: gives the content of a file on the host, by the option that names it and its path.
    :raises CollectionError: an option is malformed, or not for this component.
    """
    requirements_file = None
    if options["pip_requirements"]:
        requirements_file = read("pip_requirements", options["pip_requirements"])
    packages = parse_packages(options["pip_packages"])
    requirements = () if requirements_file is None else parse_requirements_file(requirements_file)
    if options["pip_require_hashes"]:
        require_hashes((*packages, *requirements))
    scripts = _scripts(options["scripts"], read)
    return Customisation(
        packages=packages,
        requirements=requirements,
        requirements_file=requirements_file,
        require_hashes=options["pip_require_hashes"],
        apt_packages=_apt_packages(options["apt_packages"]),
        files=(
            *_files(options["files"], read),
            *scripts,
            *_squid_template(component, options["squid_config_template"], read),
        ),
        hooks=tuple(script.dest for script, entry in zip(scripts, options["scripts"]) if entry["hook"]),
        env=_environment(options["env"]),
        certificates=_certificates(options["runtime_ca"], read),
    )


def _apt_packages(names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if not _APT_PACKAGE.fullmatch(name):
            raise CollectionError(
                f"apt_packages has {name!r}, which is no name of a Debian package. Write name, name=version or name/suite."
            )
    return tuple(names)


def _files(entries: Sequence[Mapping[str, Any]], read: Callable[[str, str], bytes]) -> tuple[InstalledFile, ...]:
    found = []
    for number, entry in enumerate(entries):
        option = f"files[{number}]"
        _refuse_our_folder(option, entry["dest"])
        found.append(
            InstalledFile(
                option, entry["dest"], _content(option, entry, read), entry["owner"], entry["group"], entry["mode"]
            )
        )
    return tuple(found)


def _scripts(entries: Sequence[Mapping[str, Any]], read: Callable[[str, str], bytes]) -> tuple[InstalledFile, ...]:
    found = []
    for number, entry in enumerate(entries):
        option = f"scripts[{number}]"
        if entry.get("dest"):
            dest = entry["dest"]
            _refuse_our_folder(option, dest)
        else:
            dest = _default_dest(option, number, entry)
        content = _content(option, entry, read)
        _check_program(option, content)
        found.append(InstalledFile(option, dest, content, mode="0755"))
    return tuple(found)


def _default_dest(option: str, number: int, entry: Mapping[str, Any]) -> str:
    name = posixpath.basename(entry.get("src") or "")
    if entry["hook"]:
        return f"{HOOKS_FOLDER}/{number:02}-{name or 'hook'}"
    if not name:
        raise CollectionError(f"{option} has content and no dest. Say where in the image it goes, with its name.")
    return f"{_SCRIPTS_FOLDER}/{name}"


def _refuse_our_folder(option: str, dest: str) -> None:
    if dest == OWN_FOLDER or dest.startswith(f"{OWN_FOLDER}/"):
        raise CollectionError(
            f"{option} has the dest {dest!r}, and {OWN_FOLDER} is where this collection puts its own. Give another place."
        )


def _check_program(option: str, content: bytes) -> None:
    if not content.startswith(_PROGRAM):
        raise CollectionError(
            f"{option} is no program: it begins with neither #! and an interpreter (#!/bin/sh) nor what Linux programs do."
        )
    if content.startswith(b"#!") and content.partition(b"\n")[0].endswith(b"\r"):
        raise CollectionError(
            f"{option} has Windows line ends, so that no interpreter would be found for it. Convert it (dos2unix)."
        )


def _squid_template(component: str, path: str | None, read: Callable[[str, str], bytes]) -> tuple[InstalledFile, ...]:
    """The template, in the place of the one in the image: squid.conf itself is made of it at each start."""
    if path is None:
        return ()
    if component != _SQUID:
        raise CollectionError(
            f"squid_config_template is for {_SQUID} alone, and {component} has no Squid. Move it to {_SQUID}."
        )
    option = "squid_config_template"
    return (InstalledFile(option, _SQUID_TEMPLATE, read(option, path)),)


def _certificates(path: str | None, read: Callable[[str, str], bytes]) -> tuple[bytes, ...]:
    return () if path is None else parse_certificates(f"runtime_ca {path}", read("runtime_ca", path))


def _content(option: str, entry: Mapping[str, Any], read: Callable[[str, str], bytes]) -> bytes:
    if entry.get("content") is not None:
        return str(entry["content"]).encode("utf-8", "surrogateescape")
    return read(option, entry["src"])


def _environment(values: Mapping[Any, Any]) -> dict[str, str]:
    found = {}
    for key, value in values.items():
        name = str(key)
        if not _VARIABLE.fullmatch(name):
            raise CollectionError(
                f"env has the name {name!r}; a variable has letters, digits and _, and no digit first."
            )
        if value is None or isinstance(value, (dict, list)):
            raise CollectionError(f"env.{name} must be a text, not {type(value).__name__}.")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if any(ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 for character in text):
            raise CollectionError(
                f"env.{name} is {text!r}, and a line break or such cannot be in an image's environment."
            )
        _refuse_secret(name, text)
        found[name] = text
    return found


def _refuse_secret(name: str, value: str) -> None:
    if looks_like_secret(name, value):
        raise CollectionError(
            f"env.{name} looks like a secret, and everybody who pulls the image can read its environment. Give it to the "
            "container when it starts.",
            variable=name,
        )
