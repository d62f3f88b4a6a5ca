# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only file that talks to a registry: manifests and small blobs, by the distribution API.

Protocol: https://github.com/opencontainers/distribution-spec and, for tokens,
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import json
import re
import secrets
import tempfile
from base64 import b64encode
from dataclasses import dataclass, field
from typing import IO, Any, Mapping, Sequence
from urllib.parse import urlencode, urljoin, urlsplit

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.credentials import Credentials, find_credentials
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.harbor import make_project
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    OCI_CONFIG,
    OCI_MANIFEST,
    Manifest,
    digest_of,
    json_manifest,
    read_manifest,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import DOCKER_HUB, Reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.transport import (
    Answer,
    RegistrySettings,
    is_loopback,
    send,
    sha256_of,
    uses_tls,
)

__all__ = ["RegistryClient", "RegistrySettings", "is_loopback"]

_ACCEPT = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_HUB_HOST = "registry-1.docker.io"
_REASONS = {
    401: "it wants another user or password. Correct username and password in registries, or log in",
    403: "the account may not do that there. Ask for the right to pull from or push to this repository",
    405: "it does not allow that. Allow it in the registry's configuration, if it is to delete or is no read-only mirror",
    429: "it limits requests. Log in, wait, or use a mirror",
}


@dataclass
class RegistryClient:
    """Registries, each by its settings or, without any, as Docker would reach it.

    :param timeout: seconds for one request.
    """

    settings: Sequence[RegistrySettings] = ()
    docker_config: str | None = None
    timeout: int = 30
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    _tls: set[str] = field(default_factory=set, repr=False)

    def find_manifest(self, reference: Reference) -> Manifest | None:
        """What a tag or digest points at; None when the registry has no such thing.

        :raises CollectionError: the registry cannot be asked, or answers with other bytes than the digest says.
        """
        answer = self._request("GET", reference, f"manifests/{reference.selector}", accept=_ACCEPT, missing=True)
        if answer.status == 404:
            return None
        manifest = read_manifest(answer.body, answer.headers.get("content-type"))
        if reference.digest and manifest.digest != reference.digest:
            raise CollectionError(
                f"{reference} came back as {manifest.digest}: the registry or a proxy before it changes content.",
                reference=str(reference),
            )
        return manifest

    def get_manifest(self, reference: Reference) -> Manifest:
        """:raises CollectionError: it is not there."""
        manifest = self.find_manifest(reference)
        if manifest is None:
            raise CollectionError(f"The registry has no {reference}.", reference=str(reference))
        return manifest

    def find_digest(self, reference: Reference) -> str | None:
        """The digest that a tag points at, without its content; None when there is nothing."""
        answer = self._request("HEAD", reference, f"manifests/{reference.selector}", accept=_ACCEPT, missing=True)
        if answer.status == 404:
            return None
        return answer.headers.get("docker-content-digest") or self.get_manifest(reference).digest

    def put_manifest(self, reference: Reference, manifest: Manifest) -> str:
        """Put a manifest under a tag or its digest, its blobs or children being there already; return the digest."""
        self._request(
            "PUT",
            reference,
            f"manifests/{reference.tag or manifest.digest}",
            data=manifest.raw,
            content_type=manifest.media_type,
        )
        return manifest.digest

    def delete_manifest(self, reference: Reference) -> None:
        """Delete by digest, which takes every tag on it. What is not there any more is fine."""
        self._request("DELETE", reference, f"manifests/{reference.digest}", missing=True)

    def remove_tag(self, reference: Reference) -> None:
        """Remove a tag, and leave what it points at with its other tags. One that is not there is fine.

        Registries delete by digest, which takes all tags on it, and not all of them take a tag. So the tag is moved to an empty
        manifest of its own, and that is deleted.

        :raises CollectionError: the registry does not delete; then the tag points at what it did.
        """
        before = self.find_manifest(reference)
        if before is None:
            return
        config = self.put_blob(reference, b"{}", OCI_CONFIG)
        empty = json_manifest(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": config,
                "layers": [],
                # Of its own: with another tag on it, that one would go too.
                "annotations": {"io.imagefleet.removed": f"{reference.tag} {secrets.token_hex(8)}"},
            }
        )
        digest = self.put_manifest(reference, empty)
        try:
            self.delete_manifest(reference.with_digest(digest))
        except CollectionError:
            self.put_manifest(reference, before)
            raise

    def list_tags(self, reference: Reference) -> list[str]:
        """All tags of a repository, sorted; none when there is no such repository."""
        tags: list[str] = []
        path: str | None = "tags/list"
        while path:
            answer = self._request("GET", reference, path, missing=True)
            if answer.status == 404:
                break
            tags.extend(_parsed(reference, answer.body).get("tags") or [])
            following = re.match(r"<([^>]+)>; *rel=\"?next", answer.headers.get("link", ""))
            path = f"tags/list?{urlsplit(following[1]).query}" if following else None
        return sorted(tags)

    def get_blob(self, reference: Reference, digest: str) -> bytes:
        """A blob's content, in memory: meant for configurations and records, not for layers.

        :raises CollectionError: it is not there, or its bytes are not those of the digest.
        """
        body = self._request("GET", reference, f"blobs/{digest}").body
        if digest_of(body) != digest:
            raise _damaged(reference, digest, digest_of(body))
        return body

    def put_blob(self, reference: Reference, data: bytes, media_type: str) -> dict[str, Any]:
        """Upload a blob, unless it is there, and return its descriptor."""
        digest = digest_of(data)
        if not self._has_blob(reference, digest):
            self._upload(reference, self._request("POST", reference, "blobs/uploads/"), digest, data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def make_repository(self, reference: Reference) -> None:
        """See that what has to exist before a push does, where :attr:`RegistrySettings.create` says how. Else do nothing.

        :raises CollectionError: it cannot be made.
        """
        settings = self.settings_of(reference.registry)
        if settings.create == "harbor":
            login = _basic(self.credentials(reference.registry))
            project = reference.repository.partition("/")[0]
            make_project(settings, project, {"Authorization": login} if login else {}, self.timeout)

    def check_push(self, reference: Reference) -> None:
        """See that an image may be pushed to a repository: an upload is begun, and given up.

        :raises CollectionError: it may not, or the registry cannot be asked.
        """
        started = self._request("POST", reference, "blobs/uploads/")
        # Registries that cannot forget an upload forget it after a while.
        self._send("DELETE", reference, started.headers.get("location", ""), {}, None, None)

    def check(self, registry: str) -> str:
        """See that a registry answers, is trusted and takes the login; whether it does so over ``https`` or ``http``.

        :param registry: its host, as in references.
        :raises CollectionError: it does not.
        """
        self._request("GET", Reference(registry, ""), "/v2/")
        return "https" if uses_tls(self.settings_of(registry)) or registry in self._tls else "http"

    def copy_blob(self, source: Reference, target: Reference, digest: str) -> None:
        """Bring a blob of any size from one repository to another, unless it is there.

        Within a registry it is mounted, when the registry does that; else it goes through a temporary file.

        :raises CollectionError: it is not there, or its bytes are not those of the digest.
        """
        if self._has_blob(target, digest):
            return
        query = {"mount": digest, "from": source.repository} if source.registry == target.registry else {}
        started = self._request("POST", target, f"blobs/uploads/?{urlencode(query)}")
        if started.status == 201:
            return
        with tempfile.TemporaryFile() as file:
            self._request("GET", source, f"blobs/{digest}", sink=file)
            found = sha256_of(file)
            if found != digest:
                raise _damaged(source, digest, found)
            self._upload(target, started, digest, file)

    def get_config(self, reference: Reference, manifest: Manifest) -> dict[str, Any]:
        """The configuration of an image, parsed."""
        return _parsed(reference, self.get_blob(reference, manifest.document["config"]["digest"]))

    def credentials(self, host: str) -> Credentials | None:
        """Who we are at ``host``: the settings first, then Docker's own configuration."""
        settings = self.settings_of(host)
        if settings.username:
            return Credentials(settings.username, settings.password)
        return find_credentials(host, self.docker_config)

    def settings_of(self, host: str) -> RegistrySettings:
        return next((settings for settings in self.settings if settings.host == host), RegistrySettings(host))

    def _has_blob(self, reference: Reference, digest: str) -> bool:
        return self._request("HEAD", reference, f"blobs/{digest}", missing=True).status != 404

    def _upload(self, reference: Reference, started: Answer, digest: str, data: bytes | IO[bytes]) -> None:
        location = started.headers.get("location", "")
        separator = "&" if "?" in location else "?"
        self._request(
            "PUT",
            reference,
            f"{location}{separator}{urlencode({'digest': digest})}",
            data=data,
            content_type="application/octet-stream",
        )

    def _request(
        self,
        method: str,
        reference: Reference,
        path: str,
        accept: str | None = None,
        data: bytes | IO[bytes] | None = None,
        content_type: str | None = None,
        missing: bool = False,
        sink: IO[bytes] | None = None,
    ) -> Answer:
        """One request to a repository, again when the registry asks who we are, or wants TLS on loopback.

        :param path: below the repository, or a whole address that the registry gave.
        :param missing: 404 is an answer and no error.
        """
        headers = {
            name: value for name, value in (("Accept", accept), ("Content-Type", content_type)) if value is not None
        }
        if data is not None:
            headers["Content-Length"] = str(len(data) if isinstance(data, bytes) else data.seek(0, 2))
        answer = self._send(method, reference, path, headers, data, sink)
        if answer.status == 400 and b"HTTPS" in answer.body and reference.registry not in self._tls:
            # Servers say so in words when HTTP reaches their TLS port.
            self._tls.add(reference.registry)
            answer = self._send(method, reference, path, headers, data, sink)
        if answer.status == 401:
            authorization = self._authorize(reference, answer.headers.get("www-authenticate", ""), method)
            if authorization:
                self._tokens[(reference.registry, reference.repository)] = authorization
                answer = self._send(method, reference, path, headers, data, sink)
        if answer.status < 300 or (missing and answer.status == 404):
            return answer
        asked = f"{reference.repository} {path.partition('?')[0]}".strip()
        raise CollectionError(
            f"The registry {reference.registry} refuses {method} of {asked}: {_reason(answer)}.",
            registry=reference.registry,
            status=answer.status,
        )

    def _send(
        self,
        method: str,
        reference: Reference,
        path: str,
        headers: Mapping[str, str],
        data: bytes | IO[bytes] | None,
        sink: IO[bytes] | None,
    ) -> Answer:
        settings = self.settings_of(reference.registry)
        host = _HUB_HOST if reference.registry == DOCKER_HUB else reference.registry
        scheme = "https" if uses_tls(settings) or reference.registry in self._tls else "http"
        address = urljoin(f"{scheme}://{host}/v2/{reference.repository}/", path)
        token = self._tokens.get((reference.registry, reference.repository))
        if data is not None and not isinstance(data, bytes):
            data.seek(0)
        return send(
            settings,
            method,
            address,
            {**headers, **({"Authorization": token} if token else {})},
            data,
            self.timeout,
            sink,
        )

    def _authorize(self, reference: Reference, challenge: str, method: str) -> str | None:
        """The Authorization header that answers a challenge; None when there is nobody to be."""
        credentials = self.credentials(reference.registry)
        scheme, _space, rest = challenge.partition(" ")
        if scheme.lower() != "bearer":
            return _basic(credentials)
        fields = dict(_CHALLENGE.findall(rest))
        actions = "pull" if method in ("GET", "HEAD") else "pull,push"
        # The challenge knows best: a mount also needs to pull from where the blob is.
        scope = fields.get("scope") or (f"repository:{reference.repository}:{actions}" if reference.repository else "")
        answer = self._ask_for_token(reference.registry, fields, scope, credentials)
        if answer.status in (400, 401, 403):
            return None
        if answer.status != 200:
            raise CollectionError(
                f"The registry {reference.registry} gives no token for {reference.repository}: {_reason(answer)}.",
                registry=reference.registry,
                status=answer.status,
            )
        document = _parsed(reference, answer.body)
        token = document.get("token") or document.get("access_token")
        return f"Bearer {token}" if token else None

    def _ask_for_token(
        self, host: str, challenge: Mapping[str, str], scope: str, credentials: Credentials | None
    ) -> Answer:
        settings = self.settings_of(host)
        realm, service = challenge.get("realm", ""), challenge.get("service", "")
        if credentials and credentials.identity_token:
            form = {
                "service": service,
                "scope": scope,
                "grant_type": "refresh_token",
                "refresh_token": credentials.identity_token,
                "client_id": "imagefleet.dify",
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return send(settings, "POST", realm, headers, urlencode(form).encode(), self.timeout)
        basic = _basic(credentials)
        separator = "&" if "?" in realm else "?"
        query = urlencode([("service", service), *(("scope", part) for part in scope.split())])
        return send(
            settings,
            "GET",
            f"{realm}{separator}{query}",
            {"Authorization": basic} if basic else {},
            None,
            self.timeout,
        )


def _basic(credentials: Credentials | None) -> str | None:
    if not credentials or not credentials.username:
        return None
    pair = f"{credentials.username}:{credentials.password or ''}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _reason(answer: Answer) -> str:
    if answer.status in _REASONS:
        return _REASONS[answer.status]
    if answer.status == 404 and b"NAME_UNKNOWN" in answer.body:
        return "it has no such repository, and makes none by itself. Create it there first"
    remedy = ". Try again later, and look at the registry's log" if answer.status >= 500 else ""
    return f"it answers {answer.status} {_error_text(answer.body)}".rstrip() + remedy


def _error_text(body: bytes) -> str:
    try:
        return "; ".join(f"{error.get('code')}: {error.get('message')}" for error in json.loads(body)["errors"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return body[:200].decode("utf-8", "replace").strip()


def _parsed(reference: Reference, body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise CollectionError(
            f"The registry {reference.registry} answers with something that is no JSON ({error}): "
            f"{_error_text(body)!r}. Is it a registry, or is a proxy before it?",
            registry=reference.registry,
        ) from error
    return document if isinstance(document, dict) else {}


def _damaged(reference: Reference, digest: str, found: str) -> CollectionError:
    return CollectionError(
        f"The blob {digest} of {reference.name} is damaged: its bytes are {found}. Push the image again.",
        reference=str(reference),
    )
