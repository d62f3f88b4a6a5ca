# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a source is, what it has, and how that is built: found in its files, whatever version they say they are. Pure.

Only the source tells, since a fork may have changed it at another version. What is known of a release's number is held
against it afterwards, so that a wrong ref is not built for the right one.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Callable, Iterable, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._image.companion import (
    MIGRATE,
    PLUGIN_DAEMON,
    SANDBOX,
    SCRIPT,
    TEMPLATES,
    TINI,
    PluginDaemonLayout,
    SandboxLayout,
    find_plugin_daemon_layout,
    find_sandbox_layout,
    kind_of_go_module,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.component import (
    Component,
    PythonComponent,
    Sources,
    WebComponent,
    find_component,
    find_python_component,
    find_web_component,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.generation import (
    DIFY_RELEASES,
    PLUGIN_DAEMON_RELEASES,
    ROOT_CONTEXT,
    SANDBOX_RELEASES,
    Finding,
    check_release,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.layout import Layout, find_layouts

DIFY = "dify"

_COMPOSE_FILE = "docker/docker-compose.yaml"
_CONSTANT_FILE = "api/configs/packaging/__init__.py"
_PROJECT_FILE = "api/pyproject.toml"
_PAGES_FILE = "web/package.json"
#: Words of the table for what starts the plugin daemon.
_STARTS = {SCRIPT: "start by a script", MIGRATE: "migrate by itself", TINI: "start by tini"}
#: ``CURRENT_VERSION = "1.0.0"``, or the default of a field of that name.
_CONSTANT = re.compile(
    r"^\s*CURRENT_VERSION\b[^=\n]*=\s*(?:\w+\(.*?\bdefault\s*=\s*)?(?P<quote>['\"])(?P<version>[^'\"\n]+)(?P=quote)",
    re.MULTILINE | re.DOTALL,
)
_PROJECT = re.compile(
    r"^\[(?:project|tool\.poetry)\]\s*$(?:(?!^\[).)*?^version\s*=\s*(?P<quote>['\"])(?P<version>[^'\"\n]+)(?P=quote)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Profile:
    """What a source is and has.

    :param kind: ``dify``, ``dify-sandbox`` or ``dify-plugin-daemon``.
    :param components: by name. One that the source has no Dockerfile of is only a layout.
    :param version: that the source says it is, None when it does not; ``version_file`` says so.
    :param sandbox, plugin_daemon: tags of their images in the source's Compose file; None when it names none.
    :param tolerated: what deviates from the expected release and is let pass.
    """

    kind: str
    components: Mapping[str, Component | Layout | SandboxLayout | PluginDaemonLayout]
    version: str | None = None
    version_file: str | None = None
    sandbox: str | None = None
    plugin_daemon: str | None = None
    tolerated: tuple[str, ...] = ()

    def result(self) -> dict[str, Any]:
        """The profile as a module returns it."""
        components = {
            name: asdict(component) if isinstance(component, Layout) else component.result()
            for name, component in self.components.items()
        }
        result: dict[str, Any] = _readable({**vars(self), "components": components})
        return result


def find_profile(paths: Iterable[str], read: Callable[[str], str], version: str | None = None) -> Profile:
    """What a source is, which components it has, and how each is built.

    :param paths: all files of the source, relative to its root.
    :param read: gives the text of one of them.
    :param version: the release that is expected; checked when it is the number of a known one.
    :raises CollectionError: a Dockerfile can be built from nowhere, or the source is not what the release is known to be.
    """
    sources = Sources(frozenset(paths), read)
    kind = kind_of_go_module(sources)
    if kind == SANDBOX:
        return _profile_of_sandbox(sources, version)
    if kind == PLUGIN_DAEMON:
        return _profile_of_plugin_daemon(sources, version)
    return _profile_of_dify(sources, version)


def _readable(value: Any) -> Any:
    """The value with a sign in the place of each byte that is no UTF-8: a result can hold none."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_readable(key): _readable(part) for key, part in value.items()}
    return [_readable(part) for part in value] if isinstance(value, (list, tuple)) else value


def _profile_of_dify(sources: Sources, version: str | None) -> Profile:
    components = {
        name: _component(name, layout, sources) for name, layout in find_layouts(sources.files, sources.read).items()
    }
    compose = sources.text(_COMPOSE_FILE)
    sandbox, plugin_daemon = _image_tag(compose, SANDBOX), _image_tag(compose, PLUGIN_DAEMON)
    versions = _versions(sources)
    findings = {
        **_findings_of_api(components.get("api")),
        **_findings_of_web(components.get("web")),
        **_findings_of_source(sources, plugin_daemon, "agent_backend" in components),
    }
    version_file = next(iter(versions), None)
    return Profile(
        DIFY,
        components,
        versions[version_file] if version_file else None,
        version_file,
        sandbox,
        plugin_daemon,
        check_release(DIFY_RELEASES, version, findings, versions),
    )


def _profile_of_sandbox(sources: Sources, version: str | None) -> Profile:
    layout = find_sandbox_layout(sources)
    phrase = "keep templates" if layout.layout == TEMPLATES else "keep a dockerfile per architecture"
    evidence = ", ".join(flavour.layout.dockerfile or "" for flavour in layout.flavours.values()) or "no dockerfile"
    findings = {"sandbox layout": Finding(phrase, evidence)}
    tolerated = check_release(SANDBOX_RELEASES, version, findings, {})
    return Profile(SANDBOX, {"sandbox": layout}, tolerated=tolerated)


def _profile_of_plugin_daemon(sources: Sources, version: str | None) -> Profile:
    layout = find_plugin_daemon_layout(sources)
    local = layout.flavours.get("local")
    findings = {}
    if local:
        words = " ".join((*local.configuration.entrypoint, *local.configuration.command))
        style = layout.entrypoint_styles["local"]
        phrase = _STARTS.get(style, "start by itself")
        findings["plugin daemon entry point"] = Finding(phrase, words or "none")
    tolerated = check_release(PLUGIN_DAEMON_RELEASES, version, findings, {})
    return Profile(PLUGIN_DAEMON, {"plugin_daemon": layout}, tolerated=tolerated)


def _component(name: str, layout: Layout, sources: Sources) -> Component | Layout:
    if layout.dockerfile is None:
        return layout
    if name == "web":
        return find_web_component(layout, sources)
    if name == "ssrf_proxy":
        return find_component(layout, sources)
    return find_python_component(layout, "api" if name == "api" else "dify-agent", sources)


def _versions(sources: Sources) -> dict[str, str]:
    """By file, the version that it says the source is; the one to believe first.

    The constant of the api is first: where both were there, a release left the project's number behind.
    """
    versions = {}
    for file, pattern in ((_CONSTANT_FILE, _CONSTANT), (_PROJECT_FILE, _PROJECT)):
        match = pattern.search(sources.text(file))
        if match:
            versions[file] = match["version"]
            break
    pages = sources.json(_PAGES_FILE).get("version")
    return {**versions, _PAGES_FILE: pages} if isinstance(pages, str) else versions


def _image_tag(compose: str, name: str) -> str | None:
    match = re.search(rf"^\s*image:\s*\S*\b{name}:(?P<tag>[\w.+-]+)", compose, re.MULTILINE)
    return match["tag"] if match else None


def _findings_of_api(api: Component | Layout | None) -> dict[str, Finding]:
    if not isinstance(api, PythonComponent):
        return {}
    user = api.configuration.user
    is_root = user.partition(":")[0] in ("", "0", "root")
    return {
        "api package manager": _package_manager(api),
        "api context": _context(api, "api"),
        "api user": Finding(
            "run as root" if is_root else "run as another user than root", f"USER {user}" if user else "no USER line"
        ),
    }


def _findings_of_web(web: Component | Layout | None) -> dict[str, Finding]:
    if not isinstance(web, WebComponent):
        return {}
    corepack = (
        Finding("let corepack bring the package manager", "corepack in web/Dockerfile")
        if web.corepack
        else Finding("do without corepack", "no corepack in web/Dockerfile")
    )
    return {
        "web package manager": _package_manager(web),
        "web context": _context(web, "web"),
        "web corepack": corepack,
    }


def _findings_of_source(sources: Sources, plugin_daemon: str | None, has_agent: bool) -> dict[str, Finding]:
    findings = {
        "agent images": Finding("have them", "dify-agent/Dockerfile")
        if has_agent
        else Finding("have none", "no dify-agent/Dockerfile")
    }
    if _COMPOSE_FILE in sources.files:
        findings["plugin daemon"] = (
            Finding("name one", f"{PLUGIN_DAEMON}:{plugin_daemon} in {_COMPOSE_FILE}")
            if plugin_daemon
            else Finding("name none", f"none in {_COMPOSE_FILE}")
        )
    return findings


def _package_manager(component: PythonComponent | WebComponent) -> Finding:
    lock_file = component.lock_file
    return Finding(
        f"use {component.package_manager or 'none'}", lock_file.rpartition("/")[2] if lock_file else "no lock file"
    )


def _context(component: Component, folder: str) -> Finding:
    if component.layout.context == ".":
        return Finding(ROOT_CONTEXT, f"{component.layout.dockerfile} copies from the root")
    return Finding(f"start in {folder}", f"{folder}/Dockerfile copies from {folder}")
