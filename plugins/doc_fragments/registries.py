# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of ``_oci/spec.py``."""

    DOCUMENTATION = r"""
requirements:
  - The docker SDK for Python on the host, to read credentials that C(docker login) stored.
options:
  registries:
    description:
      - How registries are reached. One that is not listed is reached as Docker would reach it, over TLS or, on loopback,
        over HTTP, with the certificates in C(/etc/docker/certs.d) and those of the system.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Host and port as they stand in references, such as C(registry.example.com:5000).
        type: str
        required: true
      ca:
        description: CA certificate (PEM) on the host.
        type: path
      insecure:
        description: Do not check the registry's certificate.
        type: bool
        default: false
      http:
        description: Speak HTTP without TLS.
        type: bool
        default: false
      username:
        description: Who logs in. Without it, what C(docker login) stored counts.
        type: str
      password:
        description: Password or access token.
        type: str
      mirrors_of:
        description: Registries that this one mirrors. Modules do not use it; the engine and BuildKit are set up with it.
        type: list
        elements: str
        default: []
      create:
        description:
          - By whose interface is made what has to exist before an image is pushed. V(harbor) makes the project, the first part of
            the repository's name, seen by its members alone; the account of the login must be allowed to.
          - Without it a repository that is missing is named, and has to be made by hand.
        type: str
        choices: [harbor]
  docker_config:
    description: Folder of Docker's client configuration, where credentials are. By default E(DOCKER_CONFIG) or C(~/.docker).
    type: path
"""
