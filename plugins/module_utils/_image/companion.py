# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two repositories beside Dify's: dify-sandbox and dify-plugin-daemon. What their files tell. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._image.component import (
    Component,
    Sources,
    find_component,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.layout import Layout

SANDBOX = "dify-sandbox"
PLUGIN_DAEMON = "dify-plugin-daemon"

#: How dify-sandbox keeps its Dockerfiles: one for each architecture, or templates that a script fills in.
PER_ARCHITECTURE = "per_architecture"
TEMPLATES = "templates"

#: What starts the plugin daemon in its image: a script, a shell that migrates first, tini around that, or nothing else.
SCRIPT = "script"
MIGRATE = "migrate"
TINI = "tini"
DIRECT = "direct"

_MODULE = re.compile(r"^module\s+(?P<path>\S+)", re.MULTILINE)
_GO = re.compile(r"^go\s+(?P<version>[\d.]+)", re.MULTILINE)
_TOOLCHAIN = re.compile(r"^toolchain\s+go(?P<version>[\d.]+)", re.MULTILINE)
_ARCHITECTURE_FILE = re.compile(r"docker/(?P<name>[a-z0-9]+)/dockerfile$")
_TEMPLATE_FILE = re.compile(r"docker/templates/(?P<name>\w+)\.dockerfile$")
_FLAVOUR_FILE = re.compile(r"docker/(?P<name>\w+)\.dockerfile$")
_CONFIG = "conf/config.yaml"
_VERSIONS = "docker/versions.yaml"
_PYTHON_PATH = re.compile(r"^python_path:\s*['\"]?(?P<value>[^\s'\"#]+)", re.MULTILINE)
_NODE_RELEASE = re.compile(r"\bnode-v(?P<version>\d+\.\d+\.\d+)")
_PYTHON_IMAGE = re.compile(r"(?:^|/)python:(?P<version>\d+(?:\.\d+)*)")


@dataclass(frozen=True)
class SandboxLayout:
    """How dify-sandbox is built, which runs the code of workflows.

    Its Dockerfiles copy programs that something else has to compile first, so none of them builds an image alone.

    :param layout: ``per_architecture`` or ``templates``.
    :param flavours: by architecture, or by template.
    :param go_version: that its programs are compiled with: the toolchain of go.mod, or the language version there.
    :param python_version: of the base image, as far as its tag says.
    :param python_path: the interpreter that conf/config.yaml names. It has to be there in the image.
    """

    layout: str
    flavours: Mapping[str, Component]
    go_version: str | None
    python_version: str | None
    node_version: str | None
    python_path: str | None

    def result(self) -> dict[str, Any]:
        """The component as a module returns it."""
        flavours = {name: flavour.result() for name, flavour in self.flavours.items()}
        return {"context": ".", "dockerfile": None, **vars(self), "flavours": flavours}


@dataclass(frozen=True)
class PluginDaemonLayout:
    """How dify-plugin-daemon is built.

    :param flavours: ``local`` and ``serverless``.
    :param entrypoint_styles: by flavour: ``script``, ``migrate``, ``tini`` or ``direct``.
    """

    flavours: Mapping[str, Component]
    entrypoint_styles: Mapping[str, str]
    go_version: str | None

    def result(self) -> dict[str, Any]:
        """The component as a module returns it."""
        flavours = {
            name: {**flavour.result(), "entrypoint_style": self.entrypoint_styles[name]}
            for name, flavour in self.flavours.items()
        }
        local = self.flavours.get("local")
        return {
            "context": ".",
            "dockerfile": local.layout.dockerfile if local else None,
            "layout": None,
            "flavours": flavours,
            "go_version": self.go_version,
        }


def kind_of_go_module(sources: Sources) -> str | None:
    """Which of the two repositories a source is: by the name of its Go module, or by the files that only one has."""
    if "go.mod" not in sources.files:
        return None
    match = _MODULE.search(sources.text("go.mod"))
    name = match["path"].rpartition("/")[2] if match else ""
    if name in (SANDBOX, PLUGIN_DAEMON):
        return name
    if _CONFIG in sources.files and (_VERSIONS in sources.files or _named_files(sources, _ARCHITECTURE_FILE)):
        return SANDBOX
    return PLUGIN_DAEMON if "docker/local.dockerfile" in sources.files else None


def find_sandbox_layout(sources: Sources) -> SandboxLayout:
    """What the files of dify-sandbox tell."""
    is_template = _VERSIONS in sources.files
    files = _named_files(sources, _TEMPLATE_FILE if is_template else _ARCHITECTURE_FILE)
    versions = sources.text(_VERSIONS)
    texts = " ".join(sources.text(path) for path in files.values())
    bases = (base for path in files.values() for base in _component(path, sources).base_images or ())
    return SandboxLayout(
        TEMPLATES if is_template else PER_ARCHITECTURE,
        {name: _component(path, sources) for name, path in files.items()},
        _go_version(sources),
        _first(_PYTHON_IMAGE, _yaml_value(versions, "python") or " ".join(bases)),
        (_yaml_value(versions, "nodejs") or "").lstrip("v") or _first(_NODE_RELEASE, texts),
        _first(_PYTHON_PATH, sources.text(_CONFIG), "value"),
    )


def find_plugin_daemon_layout(sources: Sources) -> PluginDaemonLayout:
    """What the files of dify-plugin-daemon tell."""
    flavours = {name: _component(path, sources) for name, path in _named_files(sources, _FLAVOUR_FILE).items()}
    styles = {name: _entrypoint_style(flavour) for name, flavour in flavours.items()}
    return PluginDaemonLayout(flavours, styles, _go_version(sources))


def _component(path: str, sources: Sources) -> Component:
    return find_component(Layout(".", path), sources)


def _named_files(sources: Sources, pattern: re.Pattern[str]) -> dict[str, str]:
    matches = (pattern.match(path) for path in sorted(sources.files))
    return {match["name"]: match[0] for match in matches if match}


def _entrypoint_style(flavour: Component) -> str:
    words = " ".join((*flavour.configuration.entrypoint, *flavour.configuration.command))
    if "/tini" in words:
        return TINI
    if "migrate" in words:
        return MIGRATE
    return SCRIPT if "entrypoint.sh" in words else DIRECT


def _go_version(sources: Sources) -> str | None:
    text = sources.text("go.mod")
    return _first(_TOOLCHAIN, text) or _first(_GO, text)


def _first(pattern: re.Pattern[str], text: str, group: str = "version") -> str | None:
    match = pattern.search(text)
    return match[group] if match else None


def _yaml_value(text: str, key: str) -> str | None:
    """A plain value in a YAML text. (Hosts that run modules need not have a parser of YAML.)"""
    match = re.search(rf"^\s+{key}:\s*(['\"]?)(?P<value>[^'\"\s#]+)\1", text, re.MULTILINE)
    return match["value"] if match else None
