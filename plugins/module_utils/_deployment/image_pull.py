# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing images to the host's engine: why, and what to say when it may not, or does not trust the registry. Pure."""

from __future__ import annotations

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference

_OTHER_PLATFORM = "Build it for that platform too (platforms of image_build), and deploy again."
#: What engines say, in lower case, and what is to be done. The first that is found counts.
_REMEDIES = (
    (
        ("no basic auth credentials", "unauthorized", "authentication required", "authorization failed", "denied"),
        "The registry wants a login, or another one: give username and password in registries.",
    ),
    (
        ("x509", "certificate"),
        "The engine does not trust the registry: give its CA in registries (ca), which the role names to the engine.",
    ),
    (
        ("server gave http response",),
        "The engine speaks TLS to a registry that does not. The provision playbook, with http in registries, makes that known.",
    ),
    (
        ("no matching manifest", "no match for platform"),
        f"The image is for other platforms than the engine's. {_OTHER_PLATFORM}",
    ),
    (
        ("not found", "manifest unknown"),
        "The registry has it no more. Was it pruned? Deploy again, so that a release is prepared of what is there.",
    ),
    (("no space left",), "Make room on the host."),
)


def pull_reason(reference: str, found: str | None, engine: str) -> str | None:
    """Why an image has to be brought; None when the engine has it for its own platform.

    :param found: the platform that the engine has it for; None when it does not have it.
    :param engine: the platform that it runs, such as ``linux/arm64``.
    """
    if found is None:
        return f"{reference} is not in the engine"
    if is_for(found, engine):
        return None
    return f"{reference} is in the engine for {found} alone, and the engine runs {engine}"


def is_for(found: str, engine: str) -> bool:
    """Whether two platforms are the same, each as an engine tells it. It tells no variant of its own, so that none counts."""
    return _without_variant(found) == _without_variant(engine)


def _without_variant(text: str) -> str:
    try:
        platform = parse_platform(text)
    except CollectionError:
        # There are images for more platforms than are built here, and artifacts that are for none.
        return text
    return f"{platform.os}/{platform.architecture}"


def foreign(reference: Reference, found: str, engine: str) -> CollectionError:
    """The error for an image that was brought, and is for another platform: engines take one that is for no other."""
    return CollectionError(
        f"{reference} is for {found} alone, and the engine runs {engine}. {_OTHER_PLATFORM}",
        reference=str(reference),
        registry=reference.registry,
    )


def refused(reference: Reference, said: str) -> CollectionError:
    """The error for an image that the engine could not bring.

    :param said: the end of what it printed.
    """
    remedy = next((text for words, text in _REMEDIES if any(word in said.lower() for word in words)), "")
    end = f" {remedy}" if remedy else f" Look at the registry {reference.registry} and at the engine's log."
    return CollectionError(
        f"The engine cannot pull {reference}: {said.rstrip('. ')}.{end}",
        reference=str(reference),
        registry=reference.registry,
    )
