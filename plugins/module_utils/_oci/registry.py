# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only file that talks to a registry: manifests and small blobs, by the distribution API.

Protocol: https://github.com/opencontainers/distribution-spec and, for tokens,
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import json
import os
import re
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin, urlsplit

from ansible.module_utils.urls import open_url

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.credentials import Credentials, find_credentials
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    Manifest,
    digest_of,
    read_manifest,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import DOCKER_HUB, Reference

_ACCEPT = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_HUB_HOST = "registry-1.docker.io"
_REASONS = {
    401: "it wants another user or password. Correct username and password in registries, or log in",
    403: "the account may not do that there. Ask for the right to pull from or push to this repository",
    429: "it limits requests. Log in, wait, or use a mirror",
}


@dataclass(frozen=True)
class RegistrySettings:
    """How one registry is reached: an entry of ``registries``.

    :param host: with its port, as in references.
    :param ca: path of a CA certificate (PEM).
    :param insecure: TLS without looking at the certificate.
    :param http: no TLS.
    """

    host: str
    ca: str | None = None
    insecure: bool = False
    http: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    mirrors_of: tuple[str, ...] = ()


@dataclass
class RegistryClient:
    """Registries, each by its settings or, without any, as Docker would reach it.

    :param timeout: seconds for one request.
    """

    settings: Sequence[RegistrySettings] = ()
    docker_config: str | None = None
    timeout: int = 30
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    def find_manifest(self, reference: Reference) -> Manifest | None:
        """What a tag or digest points at; None when the registry has no such thing.

        :raises CollectionError: the registry cannot be asked, or answers with other bytes than the digest says.
        """
        status, headers, body = self._request(
            "GET", reference, f"manifests/{reference.selector}", accept=_ACCEPT, missing=True
        )
        if status == 404:
            return None
        manifest = read_manifest(body, headers.get("content-type"))
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
        status, headers, _body = self._request(
            "HEAD", reference, f"manifests/{reference.selector}", accept=_ACCEPT, missing=True
        )
        if status == 404:
            return None
        if "docker-content-digest" in headers:
            return headers["docker-content-digest"]
        return self.get_manifest(reference).digest

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
        """Delete by digest, which takes every tag on it."""
        self._request("DELETE", reference, f"manifests/{reference.digest}")

    def list_tags(self, reference: Reference) -> list[str]:
        """All tags of a repository, sorted; none when there is no such repository."""
        tags: list[str] = []
        path: str | None = "tags/list"
        while path:
            status, headers, body = self._request("GET", reference, path, missing=True)
            if status == 404:
                break
            tags.extend(json.loads(body).get("tags") or [])
            following = re.match(r"<([^>]+)>; *rel=\"?next", headers.get("link", ""))
            path = f"tags/list?{urlsplit(following[1]).query}" if following else None
        return sorted(tags)

    def get_blob(self, reference: Reference, digest: str) -> bytes:
        """A blob's content, in memory: meant for configurations and records, not for layers.

        :raises CollectionError: it is not there, or its bytes are not those of the digest.
        """
        _status, _headers, body = self._request("GET", reference, f"blobs/{digest}")
        if digest_of(body) != digest:
            raise CollectionError(
                f"The blob {digest} of {reference.name} is damaged: its bytes are {digest_of(body)}. Push the image again.",
                reference=str(reference),
            )
        return body

    def put_blob(self, reference: Reference, data: bytes, media_type: str) -> dict[str, Any]:
        """Upload a blob, unless it is there, and return its descriptor."""
        digest = digest_of(data)
        status, _headers, _body = self._request("HEAD", reference, f"blobs/{digest}", missing=True)
        if status == 404:
            _status, headers, _body = self._request("POST", reference, "blobs/uploads/")
            location = headers["location"]
            separator = "&" if "?" in location else "?"
            self._request(
                "PUT",
                reference,
                f"{location}{separator}{urlencode({'digest': digest})}",
                data=data,
                content_type="application/octet-stream",
            )
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def get_config(self, reference: Reference, manifest: Manifest) -> dict[str, Any]:
        """The configuration of an image, parsed."""
        config: dict[str, Any] = json.loads(self.get_blob(reference, manifest.document["config"]["digest"]))
        return config

    def credentials(self, host: str) -> Credentials | None:
        """Who we are at ``host``: the settings first, then Docker's own configuration."""
        settings = self.settings_of(host)
        if settings.username:
            return Credentials(settings.username, settings.password)
        return find_credentials(host, self.docker_config)

    def settings_of(self, host: str) -> RegistrySettings:
        return next((settings for settings in self.settings if settings.host == host), RegistrySettings(host))

    def _request(
        self,
        method: str,
        reference: Reference,
        path: str,
        accept: str | None = None,
        data: bytes | None = None,
        content_type: str | None = None,
        missing: bool = False,
    ) -> tuple[int, dict[str, str], bytes]:
        """One request to a repository, with a second try when the registry asks who we are.

        :param path: below the repository, or a whole address that the registry gave.
        :param missing: 404 is an answer and no error.
        """
        headers = {"Accept": accept} if accept else {}
        if content_type:
            headers["Content-Type"] = content_type
        address = self._address(reference, path)
        token = self._tokens.get((reference.registry, reference.repository))
        if token:
            headers["Authorization"] = token
        status, answer, body = self._send(method, reference.registry, address, headers, data)
        if status == 401:
            authorization = self._authorize(reference, answer.get("www-authenticate", ""), method)
            if authorization:
                self._tokens[(reference.registry, reference.repository)] = authorization
                headers["Authorization"] = authorization
                status, answer, body = self._send(method, reference.registry, address, headers, data)
        if status < 300 or (missing and status == 404):
            return status, answer, body
        reason = _REASONS.get(status, f"it answers {status} {_error_text(body)}")
        raise CollectionError(
            f"The registry {reference.registry} refuses {method} of {reference.repository} {path.partition('?')[0]}: {reason}.",
            registry=reference.registry,
            status=status,
        )

    def _address(self, reference: Reference, path: str) -> str:
        host = _HUB_HOST if reference.registry == DOCKER_HUB else reference.registry
        scheme = "http" if self.settings_of(reference.registry).http or is_loopback(reference.registry) else "https"
        if is_loopback(reference.registry) and (
            self.settings_of(reference.registry).ca or _certs_d(reference.registry)
        ):
            scheme = "https"
        return urljoin(f"{scheme}://{host}/v2/{reference.repository}/", path)

    def _authorize(self, reference: Reference, challenge: str, method: str) -> str | None:
        """The Authorization header that answers a challenge; None when there is nobody to be."""
        credentials = self.credentials(reference.registry)
        scheme, _space, rest = challenge.partition(" ")
        basic = None
        if credentials and credentials.username:
            pair = f"{credentials.username}:{credentials.password or ''}"
            basic = f"Basic {b64encode(pair.encode()).decode()}"
        if scheme.lower() != "bearer":
            return basic
        fields = dict(_CHALLENGE.findall(rest))
        actions = "pull" if method in ("GET", "HEAD") else "pull,push"
        query = {"service": fields.get("service", ""), "scope": f"repository:{reference.repository}:{actions}"}
        status, _headers, body = self._send(
            "GET",
            reference.registry,
            f"{fields.get('realm', '')}?{urlencode(query)}",
            {"Authorization": basic} if basic else {},
            None,
        )
        if status != 200:
            return None
        answer = json.loads(body)
        return f"Bearer {answer.get('token') or answer.get('access_token')}"

    def _send(
        self, method: str, host: str, address: str, headers: Mapping[str, str], data: bytes | None
    ) -> tuple[int, dict[str, str], bytes]:
        settings = self.settings_of(host)
        try:
            response = open_url(
                address,
                method=method,
                headers=dict(headers),
                data=data,
                timeout=self.timeout,
                validate_certs=not settings.insecure,
                ca_path=settings.ca or _certs_d(host),
                follow_redirects="all" if method in ("GET", "HEAD") else "none",
                http_agent="imagefleet.dify",
                use_proxy=not is_loopback(host),
            )
            return response.status, _lower(response.headers), response.read()
        except HTTPError as error:
            return error.code, _lower(error.headers), error.read()
        except (URLError, OSError, ValueError) as error:
            raise _unreachable(host, error) from error


def is_loopback(registry: str) -> bool:
    """Whether a registry's host is this machine itself, which Docker speaks HTTP to."""
    host = urlsplit(f"//{registry}").hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _certs_d(host: str) -> str | None:
    path = f"/etc/docker/certs.d/{host}/ca.crt"
    return path if os.path.isfile(path) else None


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _error_text(body: bytes) -> str:
    try:
        return "; ".join(f"{error.get('code')}: {error.get('message')}" for error in json.loads(body)["errors"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return body[:200].decode("utf-8", "replace")


def _unreachable(host: str, error: Exception) -> CollectionError:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLError) or "CERTIFICATE" in str(error).upper():
        return CollectionError(
            f"The registry {host} is not trusted: {reason}. Give its CA in registries (ca), or say insecure or http.",
            registry=host,
        )
    message = f"The registry {host} cannot be reached: {reason}."
    if is_loopback(host):
        return MissingPrerequisite(
            f"{message} Start it; the registry playbook sets one up.", task="the registry playbook", registry=host
        )
    return CollectionError(f"{message} Check its name, network and proxy.", registry=host)
