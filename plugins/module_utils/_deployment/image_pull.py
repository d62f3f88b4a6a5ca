# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing images to the host's engine: what to say when it may not, or does not trust the registry. Pure."""

from __future__ import annotations

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference

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
        ("not found", "manifest unknown"),
        "The registry has it no more. Was it pruned? Deploy again, so that a release is prepared of what is there.",
    ),
    (("no space left",), "Make room on the host."),
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
