# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A component's image as what a customised one is built on: what of its profile that needs. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: What the derived Dockerfile calls it; base_images of image_build says which image that is.
NAME = "upstream"

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?", re.ASCII)
_FOLDER = re.compile(r"(?:/[A-Za-z0-9._-]+)+", re.ASCII)
_ROOT = ("", "root", "0", "root:root", "0:0")


@dataclass(frozen=True)
class Upstream:
    """The image of a component, built from its source.

    :param user: as ``USER`` has it; empty for root.
    :param command: what the entrypoint is called with.
    :param virtual_env: the folder of its Python environment; None when it has none.
    :param uses_uv: whether its packages come by uv.
    :param environment: its variables, as far as they are known.
    """

    component: str
    user: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    virtual_env: str | None = None
    uses_uv: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_root(self) -> bool:
        """Whether what is built on it runs as root anyway."""
        return self.user in _ROOT

    @property
    def python(self) -> str:
        """The interpreter whose environment packages go into.

        :raises CollectionError: there is none.
        """
        if self.virtual_env is None:
            raise CollectionError(
                f"The image of {self.component} has no virtual environment (virtual_env in its profile), so pip_packages and "
                "pip_requirements have no place in it. The component that has one is api.",
                component=self.component,
            )
        return f"{self.virtual_env}/bin/python"


def parse_upstream(component: str, profile: Mapping[str, Any]) -> Upstream:
    """What source_profile returns of a component, or the configuration of its image says.

    :raises CollectionError: it does not tell the user or what is started. Guessed, an image that ran as nobody would run as
        root, or start nothing.
    """
    for key in ("user", "entrypoint", "command"):
        if profile.get(key) is None:
            raise CollectionError(
                f"profile does not tell the {key} of {component}. Give what source_profile returns of the component, or "
                "image_info of its image.",
                component=component,
            )
    user, virtual_env = str(profile["user"]), profile.get("virtual_env") or None
    if user and not _USER.fullmatch(user):
        raise CollectionError(f"profile has the user {user!r}, which is none that a Dockerfile could name.")
    if virtual_env is not None and (not isinstance(virtual_env, str) or not _FOLDER.fullmatch(virtual_env)):
        raise CollectionError(f"profile has the virtual_env {virtual_env!r}, which is no absolute path of a folder.")
    return Upstream(
        component=component,
        user=user,
        entrypoint=_words(profile, "entrypoint"),
        command=_words(profile, "command"),
        virtual_env=virtual_env,
        uses_uv=profile.get("package_manager") == "uv",
        environment=_environment(profile.get("environment") or {}),
    )


def _environment(values: Any) -> dict[str, str]:
    if not isinstance(values, dict):
        raise CollectionError(f"profile has the environment {values!r}, which is no dictionary of variables.")
    return {str(name): str(value) for name, value in values.items() if value is not None}


def _words(profile: Mapping[str, Any], key: str) -> tuple[str, ...]:
    words = profile[key]
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise CollectionError(f"profile has the {key} {words!r}, which is no list of texts.")
    return tuple(words)
