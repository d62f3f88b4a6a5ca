# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures of images by cosign: whose count, how cosign is asked, and what its answer means. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference, parse_pinned
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistrySettings

_IDENTITY = ("identity", "identity_regexp", "issuer", "issuer_regexp")
_FLAGS = {
    "identity": "--certificate-identity",
    "identity_regexp": "--certificate-identity-regexp",
    "issuer": "--certificate-oidc-issuer",
    "issuer_regexp": "--certificate-oidc-issuer-regexp",
    "trusted_root": "--trusted-root",
}
_PEM = "-----BEGIN "
_UNSIGNED = ("no signatures found", "no matching attestations: no", "no signatures exist")
_ANOTHER = (
    "invalid signature",
    "accepted signatures do not match threshold",
    "none of the expected identities matched",
    "no matching certificateidentity",
    "crypto/rsa: verification error",
)
_UNREACHABLE = ("tuf", "rekor", "trusted root")


@dataclass(frozen=True)
class Trust:
    """Whose signatures count.

    :param key: the public key: a path, an address of a key management service, or the text of the key in PEM.
    :param identity: by flag's name, who signed without a key, and who says so.
    :param transparency_log: whether the signature must be in the log.
    """

    key: str | None
    identity: Mapping[str, str]
    transparency_log: bool
    trusted_root: str | None = None

    @property
    def key_text(self) -> str | None:
        """The key, where it is given as text, which is written to a file for cosign."""
        return self.key if self.key and self.key.lstrip().startswith(_PEM) else None


def parse_trust(params: Mapping[str, Any]) -> Trust:
    """Whose signatures count, by the options of a task.

    :raises CollectionError: neither key nor identity is given, or half of an identity.
    """
    identity = {name: params[name] for name in _IDENTITY if params.get(name)}
    key, log = params.get("key"), params.get("transparency_log")
    who, says = {"identity", "identity_regexp"} & identity.keys(), {"issuer", "issuer_regexp"} & identity.keys()
    if bool(key) == bool(identity):
        raise CollectionError(
            "Give either key, the public key that images are signed with, or identity and issuer, who signed without a key. "
            f"Given are {', '.join([*(['key'] if key else []), *identity]) or 'none of them'}."
        )
    if not key and (len(who) != 1 or len(says) != 1):
        raise CollectionError(
            "An identity needs one of identity and identity_regexp, and one of issuer and issuer_regexp: who signed, and who "
            f"says that it was them. Given are {', '.join(identity)}."
        )
    if not key and log is False:
        raise CollectionError(
            "transparency_log is false with an identity: its certificate lived for minutes, and only the log tells that the "
            "signature was made then. Leave transparency_log out, or use a key."
        )
    return Trust(key, identity, bool(identity) if log is None else log, params.get("trusted_root"))


def parse_images(texts: list[str]) -> dict[str, Reference]:
    """References by what was given, each once.

    :raises CollectionError: there is none, or one without a digest, whose tag could move after the look.
    """
    if not texts:
        raise CollectionError("images is empty. Name the images that have to be signed.")
    return parse_pinned(texts, "A tag may point at another image after the look: add @sha256:…")


def verify_args(
    trust: Trust, key_file: str | None, settings: RegistrySettings, reference: Reference
) -> tuple[str, ...]:
    """Arguments of cosign.

    :param key_file: in the place of a key that is given as text.
    :param settings: how the image's registry is reached. Its login is no argument.
    """
    arguments = ["verify", "--output", "json"]
    if trust.key:
        arguments += ["--key", key_file or trust.key]
    for name in _IDENTITY:
        if name in trust.identity:
            arguments += [_FLAGS[name], trust.identity[name]]
    if trust.trusted_root:
        arguments += [_FLAGS["trusted_root"], trust.trusted_root]
    if not trust.transparency_log:
        arguments.append("--insecure-ignore-tlog=true")
    if settings.ca:
        arguments += ["--registry-cacert", settings.ca]
    if settings.http:
        arguments.append("--allow-http-registry=true")
    if settings.insecure:
        arguments.append("--allow-insecure-registry=true")
    # Without a tag beside it, which cosign does not take.
    return (*arguments, str(reference.with_digest(str(reference.digest))))


def explain(reference: Reference, trust: Trust, said: str) -> str:
    """Why an image does not pass, in a sentence, from what cosign printed."""
    reason = _error_line(said)
    lowered = said.lower()
    if any(text in lowered for text in _UNSIGNED):
        return f"{reference} is not signed"
    if any(text in lowered for text in _ANOTHER):
        return f"{reference} is signed by somebody else than {_who(trust)} ({reason})"
    if trust.transparency_log and any(text in lowered for text in _UNREACHABLE):
        return (
            f"{reference} cannot be verified: the transparency log or its root of trust does not answer ({reason}). Signatures "
            "by a key of your own need none: transparency_log: false"
        )
    return f"{reference} cannot be verified: {reason}"


def _who(trust: Trust) -> str:
    if trust.key:
        return "the owner of the key" if trust.key_text else f"the owner of {trust.key}"
    return " of ".join(trust.identity.values())


def _error_line(said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line.strip()]
    errors = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    text = errors[-1] if errors else (lines[-1] if lines else "cosign said nothing")
    return re.sub(r"\s+", " ", text).rstrip(".")
