#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: A certificate signed by an authority of one's own
version_added: 0.1.0
description:
  - Makes a certificate and its key on the host, signed by an authority that is made there as well when there is none.
  - It is made again before it ends, when it is to be for other names, or when the authority is another one. Its key stays.
  - The authority is renewed before it ends, with the same key, so that what it signed stays valid.
  - Keys are elliptic (P-256), readable by their owner alone, and never leave the host. For the key of another host O(request) is
    signed, which M(imagefleet.dify.certificate_request) makes there.
author:
  - The imagefleet.dify maintainers (@imagefleet)
requirements:
  - OpenSSL 1.1.1 or newer on the host
attributes:
  check_mode:
    support: full
    description: Says why a certificate would be made, and makes none.
  diff_mode:
    support: full
    description: Shows names and ends. Keys are not in it.
options:
  path:
    description: File for the certificate.
    type: path
    required: true
  key:
    description: File for its private key. Either this or O(request) is needed.
    type: path
  request:
    description:
      - Text of a request, in PEM, for a certificate whose key is elsewhere. O(names) and O(usage) count, not what it asks for.
    type: str
  ca_path:
    description: File of the authority's certificate, which whoever is to trust it needs.
    type: path
    required: true
  ca_key:
    description: File of the authority's private key. Authority and key are both there, or neither.
    type: path
    required: true
  ca_name:
    description: Name of an authority that is made.
    type: str
    default: imagefleet.dify
  names:
    description: Host names and addresses that the certificate is for.
    type: list
    elements: str
    required: true
  usage:
    description: Which side of a connection shows it.
    type: str
    choices: [server, client]
    default: server
  days:
    description: How many days it is valid.
    type: int
    default: 365
  ca_days:
    description: How many days an authority that is made is valid.
    type: int
    default: 3650
  renew_before:
    description: How many days before its end it is made again.
    type: int
    default: 30
seealso:
  - module: imagefleet.dify.certificate_request
  - module: imagefleet.dify.deployment_release
"""

EXAMPLES = r"""
- name: Make a certificate
  imagefleet.dify.certificate:
    path: "{{ folder }}/dify.crt"
    key: "{{ folder }}/dify.key"
    ca_path: "{{ folder }}/ca.crt"
    ca_key: "{{ folder }}/ca.key"
    names: [dify.example.com, 192.0.2.10]

- name: Make a key, and ask for a certificate
  imagefleet.dify.certificate_request:
    key: "{{ folder }}/node.key"
  register: node

- name: Sign it, on the host that the authority is on
  imagefleet.dify.certificate:
    request: "{{ node.request }}"
    path: "{{ folder }}/issued/node.crt"
    ca_path: "{{ folder }}/ca.crt"
    ca_key: "{{ folder }}/ca.key"
    names: [node1.example.com]
  register: signed

- name: Put it beside its key
  ansible.builtin.copy:
    content: "{{ signed.certificate }}"
    dest: "{{ folder }}/node.crt"
    mode: "0644"
"""

RETURN = r"""
reasons:
  description: Why a certificate is made.
  type: list
  elements: str
  returned: success
ends:
  description: When the certificate ends, in UTC. In check mode, that of the one that is there, or null.
  type: str
  returned: success
  sample: "2027-11-27T06:39:35Z"
ca_ends:
  description: The same for the authority.
  type: str
  returned: success
certificate:
  description: The certificate, in PEM. In check mode, the one that is there, or null.
  type: str
  returned: success
ca_certificate:
  description: The same for the authority.
  type: str
  returned: success
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.certificate import (
    USAGES,
    Certificate,
    Wanted,
    authority_reasons,
    check_wanted,
    reasons,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.openssl import Openssl, openssl_cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.lock import lock_on
from ansible_collections.imagefleet.dify.plugins.module_utils._core.moment import rfc3339, utc_now
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import task_workspace
from ansible_collections.imagefleet.dify.plugins.module_utils._core.written import write_whole

SPEC = ArgumentSpec(
    options={
        "path": {"type": "path", "required": True},
        "key": {"type": "path", "no_log": False},
        "request": {"type": "str"},
        "ca_path": {"type": "path", "required": True},
        "ca_key": {"type": "path", "required": True, "no_log": False},
        "ca_name": {"type": "str", "default": "imagefleet.dify"},
        "names": {"type": "list", "elements": "str", "required": True},
        "usage": {"type": "str", "choices": list(USAGES), "default": "server"},
        "days": {"type": "int", "default": 365},
        "ca_days": {"type": "int", "default": 3650},
        "renew_before": {"type": "int", "default": 30},
    },
    mutually_exclusive=[("key", "request")],
    required_one_of=[("key", "request")],
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    names = ("names", "usage", "ca_name", "days", "ca_days", "renew_before")
    wanted = Wanted(**{name: params[name] for name in names})
    check_wanted(wanted)
    path, key, request, ca_path, ca_key = (params[name] for name in ("path", "key", "request", "ca_path", "ca_key"))
    now = utc_now()
    with lock_on(ca_key, not module.check_mode), task_workspace(module.tmpdir, "certificate") as folder:
        _check_authority(ca_path, ca_key)
        openssl = Openssl(openssl_cli(module.run_command), folder)
        authority = openssl.find(ca_path, openssl.public_of_key(ca_key), None)
        if authority and not authority.fits_key:
            raise CollectionError(
                f"{ca_key} is not the key of {ca_path}. Put the right one in its place, or remove both."
            )
        public = openssl.public_of_key(key) if key else openssl.public_of_request(_there(request))
        found = openssl.find(path, public, ca_path) if authority else None
        why_authority = authority_reasons(authority, wanted, now)
        why = reasons(found, wanted, now)
        before = _shown(found)
        if not module.check_mode:
            if why_authority:
                _keep_key(ca_key, openssl)
                write_whole(ca_path, openssl.make_authority(ca_key, wanted), 0o644)
            if why:
                if key:
                    _keep_key(key, openssl)
                request = request or openssl.make_request(key, wanted.names[0])
                write_whole(path, openssl.make_certificate(request, ca_path, ca_key, wanted), 0o644)
                public = openssl.public_of_key(key) if key else public
            authority = openssl.find(ca_path, openssl.public_of_key(ca_key), None)
            found = openssl.find(path, public, ca_path)
    return {
        "changed": bool(why_authority or why),
        "reasons": why_authority + why,
        "ends": _moment(found),
        "ca_ends": _moment(authority),
        "certificate": _text(path) if found else None,
        "ca_certificate": _text(ca_path) if authority else None,
        "diff": {"before": before, "after": {"names": sorted(wanted.names), "reasons": why} if why else before},
    }


def _there(request: str) -> str:
    """The request, which in check mode is not there before its key is."""
    if not request.strip():
        raise MissingPrerequisite(
            "request is empty: there is no key yet that it is for.", task="the task with the request"
        )
    return request


def _check_authority(path: str, key: str) -> None:
    there = [name for name in (path, key) if os.path.exists(name)]
    if len(there) == 1 and there[0] == path:
        raise CollectionError(
            f"{path} is there and its key {key} is not, so nothing can be signed. Restore the key, or remove {path}: then a new "
            "authority is made, which everybody has to trust anew."
        )


def _keep_key(path: str, openssl: Openssl) -> None:
    """A key that is there stays: a run that is killed never leaves a certificate beside another's key."""
    if not os.path.exists(path):
        write_whole(path, openssl.make_key(), 0o600)


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _shown(certificate: Certificate | None) -> dict[str, Any]:
    return {"names": list(certificate.names), "ends": _moment(certificate)} if certificate else {}


def _moment(certificate: Certificate | None) -> str | None:
    return rfc3339(certificate.ends) if certificate else None


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
