# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a customisation is compiled into an image: it is given to the component's own build. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: Options that this file honours. The others make a derived image.
OPTIONS = ("base_path", "brand", "default_locale", "patches")

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][A-Za-z]{1,3})?", re.ASCII)
_BASE_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)


def source_customisation(
    component: str, profile: Mapping[str, Any], customisation: Mapping[str, Any], version: str = "the source"
) -> dict[str, Any]:
    """Options of ``image_build`` for what a user wants of a component.

    :param profile: the component's, as ``source_profile`` returns it.
    :param customisation: the component's entry of ``images_customisation``; ``src`` of ``brand`` are files on the host.
    :param version: what a message calls the source.
    :returns: ``args``, ``replacements`` and ``context_files``; patches are put on the source before anything reads it.
    :raises CollectionError: the component, or its generation, cannot honour an option.
    """
    wanted = {name: customisation.get(name) for name in OPTIONS if customisation.get(name)}
    if component != "web":
        for name in ("base_path", "brand", "default_locale"):
            if name in wanted:
                raise CollectionError(
                    f"images_customisation.{component}.{name}: only web has that. Set it for web, or leave it out."
                )
    options: dict[str, Any] = {"args": {}, "replacements": [], "context_files": []}
    if "base_path" in wanted:
        options["args"].update(_base_path(profile, str(wanted["base_path"]), version))
    if "default_locale" in wanted:
        options["replacements"].append(_default_locale(profile, str(wanted["default_locale"]), version))
    for entry in wanted.get("brand") or ():
        options["context_files"].append(_brand(profile, entry))
    return options


def _base_path(profile: Mapping[str, Any], path: str, version: str) -> dict[str, str]:
    argument = profile.get("base_path_argument")
    if not argument:
        raise CollectionError(
            f"images_customisation.web.base_path: the Dockerfile of web in {version} has no argument for it. Dify has it "
            "since 1.11.3. Build such a version, or let nginx serve the console at the root of a host name of its own."
        )
    if not _BASE_PATH.fullmatch(path):
        raise CollectionError(
            f"images_customisation.web.base_path is {path!r}; write it as /ai, with a slash before and none after it."
        )
    return {argument: path}


def _default_locale(profile: Mapping[str, Any], locale: str, version: str) -> dict[str, str]:
    found = profile.get("default_locale")
    if not found:
        raise CollectionError(
            f"images_customisation.web.default_locale: in {version} no line was found that says the default language "
            "(web/i18n/index.ts up to 1.8, web/i18n-config/index.ts since). Set it by a patch."
        )
    if not _LOCALE.fullmatch(locale):
        raise CollectionError(f"images_customisation.web.default_locale is {locale!r}, not a language such as zh-Hans.")
    known = found.get("known") or []
    if known and locale not in known:
        raise CollectionError(
            f"images_customisation.web.default_locale is {locale}, and web in {version} has no texts in it. It has "
            f"{', '.join(known)}."
        )
    line = str(found["line"])
    return {
        "path": _in_context(profile, str(found["file"])),
        "before": line,
        "after": line.replace(str(found["value"]), locale),
    }


def _brand(profile: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, str]:
    path = posixpath.normpath(str(entry["path"]))
    if path.startswith(("/", "..")) or path == ".":
        raise CollectionError(
            f"images_customisation.web.brand has the path {entry['path']!r}; give it below web/public, such as "
            "logo/logo.svg."
        )
    return {"path": _in_context(profile, f"web/public/{path}"), "src": str(entry["src"])}


def _in_context(profile: Mapping[str, Any], path: str) -> str:
    """A path of the source as the build sees it, which may start from a folder of it."""
    context = profile["context"]
    return path if context == "." else posixpath.relpath(path, context)
