#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_release
short_description: A release of a Compose deployment of Dify is prepared on the host
version_added: 0.1.0
description:
  - Makes a release of a deployment from a source's C(docker) folder, without changing what runs. The source's own Compose file
    stays as it is; a file on top pins every image to a digest.
  - The environment is the source's example with the user's values in it. Passwords and keys that the source publishes are
    replaced by ones that are made once and kept in C(secrets.env), which only root reads.
  - A release's name follows its content, so that the same content is found again and nothing is changed.
  - M(imagefleet.dify.deployment_state) makes it the active one.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.deployments
  - imagefleet.dify.registries
attributes:
  check_mode:
    support: full
    description:
      - Prepares the release in a folder that goes with the task, so what is returned is exact but for secrets not made yet.
  diff_mode:
    support: full
    description: Shows the environment and the images. Values of secrets are not in it.
options:
  source:
    description: Folder of the source, as M(imagefleet.dify.source_checkout) makes it.
    type: path
    required: true
  version:
    description: The source's version, the start of the release's name.
    type: str
    required: true
  commit:
    description: The source's commit, for the record.
    type: str
  project:
    description: Name of the Compose project.
    type: str
    required: true
  data_dir:
    description: Folder of what the services keep, which upstream has as C(docker/volumes). By default C(volumes) below O(dir).
    type: path
  environment:
    description:
      - Values by variable, on top of the source's examples. One that the release does not know is refused.
    type: dict
    default: {}
  secrets:
    description:
      - The same for variables that hold a secret, such as C(DB_PASSWORD). None of the values is ever shown.
      - What the bundled services need and is not given is made once and kept.
    type: dict
    default: {}
  allow_defaults:
    description: Variables whose published value may be used, such as C(DB_PASSWORD) of a deployment that has it already.
    type: list
    elements: str
    default: []
  profiles:
    description: Profiles of Compose. By default those of the source's example.
    type: list
    elements: str
  images:
    description:
      - References by component, such as C(api) and C(web). Every service of upstream's image for a component runs it. What
        the tag points at is looked at in each run.
    type: dict
    default: {}
  image_map:
    description:
      - References by the name of an image in the Compose file, with or without its tag, such as C(postgres). They are resolved
        once and kept from release to release, like those of images that are not named here.
    type: dict
    default: {}
  refresh:
    description: Look again at what others' tags point at.
    type: bool
    default: false
  adopt:
    description:
      - The C(docker) folder of a deployment that is to be taken over. The values of its environment files are kept from then on.
    type: path
  tls:
    description:
      - Has nginx answer over TLS, with a certificate that is there. Upstream's variables for it are set.
      - M(imagefleet.dify.certificate) makes one.
    type: dict
    suboptions:
      certificate:
        description: File on the host with the certificate, and with those that lead to its authority.
        type: path
        required: true
      key:
        description: File with its private key.
        type: path
        required: true
  logging:
    description: A C(logging) section of Compose for every service. Empty leaves the engine's.
    type: dict
    default: {}
  resources:
    description: Limits by service, with C(cpus), C(memory) and C(pids).
    type: dict
    default: {}
  acknowledge:
    description:
      - Names of what an upgrade needs besides being started, and what was seen to. One that is needed and not named here is told
        with what is to be done, and nothing is changed.
      - C(plugins), when 1.0 is passed. C(renamed-database), when the service C(db) gets another name. C(weaviate), when its data
        have to be migrated in stages. C(skipped-versions), when minor versions are skipped.
      - C(external-database), when a database of your own is migrated, or another one is taken. C(moved-data), when a service that
        holds data becomes external, or bundled again.
    type: list
    elements: str
    default: []
  external:
    description:
      - Services of the Compose file that are your own instead, such as C(db_postgres) and C(redis). They are neither started nor
        backed up, and nobody waits for them. Needs Compose 2.24.4.
      - O(environment) says where they are, such as C(DB_HOST), and O(secrets) has their secrets, of which none is made. The host
        must be able to connect to them.
    type: list
    elements: str
    default: []
  migration_command:
    description: How the database is migrated. By default as the source's entrypoint does it.
    type: list
    elements: str
seealso:
  - module: imagefleet.dify.deployment_state
  - module: community.docker.docker_compose_v2
"""

EXAMPLES = r"""
- name: Prepare the release
  imagefleet.dify.deployment_release:
    dir: "{{ deployment }}"
    project: dify
    source: "{{ source }}"
    version: "1.15.90"
    images:
      api: localhost:5000/dify/dify-api:1.15.90
      web: localhost:5000/dify/dify-web:1.15.90
    image_map:
      postgres: localhost:5000/bases/postgres:15-alpine
      redis: localhost:5000/bases/redis:6-alpine
      nginx: localhost:5000/bases/nginx:latest
      ubuntu/squid: localhost:5000/bases/ubuntu/squid:latest
    environment:
      EXPOSE_NGINX_PORT: "8080"
  register: prepared
"""

RETURN = r"""
release:
  description: The release.
  type: dict
  returned: success
  contains:
    id:
      description: Its name.
      type: str
    version:
      description: The source's version.
      type: str
    commit:
      description: The source's commit.
      type: str
    images:
      description: By service C(wanted), C(digest) and, for one of ours, C(component).
      type: dict
    schema:
      description: A name for the state of the database that it needs.
      type: str
    migration:
      description: The command that leads there.
      type: list
      elements: str
    owners:
      description: Folders below the data folder that an image of ours writes, with the number of its user.
      type: dict
    files:
      description: Hash of its files.
      type: str
    environment:
      description: Hash of its environment.
      type: str
    external:
      description: By external service where it is, as C(HOST:PORT).
      type: dict
path:
  description: The folder of the release's Compose project.
  type: str
  returned: success
active:
  description: The name of the release that is active.
  type: str
  returned: success
writers:
  description: The services that write to the data, or serve people, of the active release; without one, of this.
  type: list
  elements: str
  returned: success
pending:
  description: C(release) and C(phase) of a change of release that has not ended; null when there is none.
  type: dict
  returned: success
needed_by_api:
  description: The services that the api waits for, which a migration needs as well.
  type: list
  elements: str
  returned: success
reasons:
  description: What is otherwise than in the active release.
  type: list
  elements: str
  returned: success
schema_change:
  description: Whether the database has to be migrated. True for a first release.
  type: bool
  returned: success
environment:
  description: Variables that are C(new), C(gone), C(renamed) and C(changed) since the active release. Secrets are masked.
  type: dict
  returned: success
secrets_made:
  description: Names of the secrets that were made now.
  type: list
  elements: str
  returned: success
hazards:
  description: Names of what the upgrade needs besides being started, all of them acknowledged.
  type: list
  elements: str
  returned: success
ports:
  description: The host's ports that its services answer on.
  type: list
  elements: int
  returned: success
services:
  description: The services that the release starts.
  type: list
  elements: str
  returned: success
"""

import os
from contextlib import AbstractContextManager
from typing import Any, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.openssl import Openssl, openssl_cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.moment import utc_now
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import locked_folder, task_workspace
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.adoption import (
    adopted_release,
    adopted_values,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_client import ComposeClient
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import (
    needed_by,
    parse_config,
    writers_in,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.environment import as_texts, changes, masked
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.host_facts import find_unreachable
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.phases import check_restored
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.pins import Found
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.preparation import (
    Prepared,
    Request,
    effective_values,
    prepare,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import Release, reasons
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import (
    ADOPTED,
    SECRETS,
    ReleaseStore,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.spec import DEPLOYMENT_SPEC
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.tls import Tls
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.upgrade_gate import check_upgrade
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import config_platform, platform_descriptors
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client

SPEC = ArgumentSpec(
    options={
        "source": {"type": "path", "required": True},
        "version": {"type": "str", "required": True},
        "commit": {"type": "str"},
        "project": {"type": "str", "required": True},
        "data_dir": {"type": "path"},
        "environment": {"type": "dict", "default": {}},
        "secrets": {"type": "dict", "default": {}, "no_log": True},
        "allow_defaults": {"type": "list", "elements": "str", "default": []},
        "profiles": {"type": "list", "elements": "str"},
        "images": {"type": "dict", "default": {}},
        "image_map": {"type": "dict", "default": {}},
        "refresh": {"type": "bool", "default": False},
        "adopt": {"type": "path"},
        "tls": {
            "type": "dict",
            "options": {
                "certificate": {"type": "path", "required": True},
                "key": {"type": "path", "required": True, "no_log": False},
            },
        },
        "logging": {"type": "dict", "default": {}},
        "resources": {"type": "dict", "default": {}},
        "acknowledge": {"type": "list", "elements": "str", "default": []},
        "external": {"type": "list", "elements": "str", "default": []},
        "migration_command": {"type": "list", "elements": "str"},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    store = ReleaseStore(params["dir"])
    state = store.state()
    check_restored(state)
    before = store.find_release(state.active)
    kept, adopted = store.kept(SECRETS), store.kept(ADOPTED)
    if params["adopt"] and not adopted:
        adopted = adopted_values(params["adopt"])
    tls = Tls(**params["tls"]) if params["tls"] else None
    if tls:
        _check_certificate(tls, module)
    compose = ComposeClient(Cli(module.run_command, "docker"), params["project"])
    taken_over = _taken_over(compose, params["adopt"]) if before is None else None
    registry = registry_client(params)
    with _workspace(module, store) as folder:
        prepared = prepare(
            folder, _request(params, tls), kept, adopted, before, compose, lambda text: _find(registry, text)
        )  # fmt: skip
        hazards = check_upgrade(before or taken_over, prepared.release, params["acknowledge"])
        _check_reachable(prepared.release)
        to_keep = {
            name: values
            for name, values in ((SECRETS, prepared.secrets.kept), (ADOPTED, adopted))
            if values != store.kept(name)
        }
        is_new = store.find_release(prepared.release.id) is None
        if not module.check_mode:
            # What was made is kept before anything uses it: a run that is killed in between finds it again.
            for name, values in to_keep.items():
                store.write_kept(name, values)
            if is_new:
                store.add_release(prepared.release, folder)
    found = _result(prepared, before, store, state.pending)
    if taken_over:
        values = effective_values(params["adopt"])
        found["environment"] = changes(values, prepared.values)
        found["diff"]["before"] = _shown(taken_over, values)
    return {"changed": is_new or bool(to_keep), "hazards": hazards, **found}


def _taken_over(compose: ComposeClient, folder: str | None) -> Release | None:
    """What the deployment in a folder is, as long as it is there."""
    return adopted_release(parse_config(compose.config(folder))) if folder and os.path.isdir(folder) else None


def _check_reachable(release: Release) -> None:
    problems = find_unreachable(release.external)
    if problems:
        raise CollectionError(
            f"This host cannot connect to what is external: {'; '.join(problems)}. Nothing was changed. Check the address, that "
            "it runs, and that no firewall is in between.",
            problems=problems,
        )


def _workspace(module: AnsibleModule, store: ReleaseStore) -> AbstractContextManager[str]:
    if module.check_mode:
        return task_workspace(module.tmpdir, "deployment-release")
    os.makedirs(store.releases, mode=0o755, exist_ok=True)
    return locked_folder(store.releases, ".preparing-")


def _check_certificate(tls: Tls, module: AnsibleModule) -> None:
    for path in (tls.certificate, tls.key):
        if not os.path.isfile(path):
            raise MissingPrerequisite(
                f"tls names {path}, and there is no such file on the host.", task="the certificate"
            )
    with task_workspace(module.tmpdir, "certificate") as folder:
        openssl = Openssl(openssl_cli(module.run_command), folder)
        if not openssl.fits(tls.certificate, tls.key):
            raise CollectionError(
                f"{tls.key} is not the key of {tls.certificate}. Give tls the files that belong together."
            )
        ends = openssl.end_of(tls.certificate)
    if ends <= utc_now():
        raise CollectionError(f"{tls.certificate} ended on {ends:%Y-%m-%d}. Give tls a certificate that is valid.")


def _request(params: dict[str, Any], tls: Tls | None) -> Request:
    return Request(
        source=params["source"],
        version=params["version"],
        commit=params["commit"],
        data_dir=params["data_dir"] or os.path.join(params["dir"], "volumes"),
        environment=as_texts(params["environment"], "environment"),
        secrets=as_texts(params["secrets"], "secrets"),
        allowed=params["allow_defaults"],
        profiles=params["profiles"],
        images=as_texts(params["images"], "images"),
        image_map=as_texts(params["image_map"], "image_map"),
        refresh=params["refresh"],
        migration=params["migration_command"],
        tls=tls,
        external=sorted(set(params["external"])),
        logging=params["logging"],
        resources=params["resources"],
    )


def _find(registry: RegistryClient, text: str) -> Found | None:
    reference = parse_reference(text)
    manifest = registry.find_manifest(reference)
    if manifest is None:
        return None
    if not manifest.is_index:
        config = registry.get_config(reference, manifest)
        platform = config_platform(config)
        return Found(manifest.digest, (str(platform),) if platform else (), _user(config))
    descriptors = platform_descriptors(manifest)
    # All platforms of an image run as the same user.
    first = next(iter(descriptors.values()), None)
    user = None
    if first:
        image = reference.with_digest(first["digest"])
        user = _user(registry.get_config(image, registry.get_manifest(image)))
    return Found(manifest.digest, tuple(str(platform) for platform in descriptors), user)


def _user(config: Mapping[str, Any]) -> int | None:
    user = str((config.get("config") or {}).get("User") or "").partition(":")[0]
    return int(user) or None if user.isdigit() else None


def _result(
    prepared: Prepared, before: Release | None, store: ReleaseStore, pending: Mapping[str, str] | None
) -> dict[str, Any]:
    release = prepared.release
    old = effective_values(os.path.join(store.releases, before.id, "docker")) if before else {}
    return {
        "release": release.as_json(),
        "path": os.path.join(store.releases, release.id, "docker"),
        "active": before.id if before else None,
        "writers": writers_in(before.images if before else prepared.services),
        "pending": dict(pending) if pending else None,
        "needed_by_api": needed_by(prepared.services, "api"),
        "reasons": [] if before and before.id == release.id else reasons(before, release),
        "schema_change": before is None or before.schema != release.schema,
        "environment": changes(old, prepared.values),
        "secrets_made": list(prepared.secrets.made),
        "ports": sorted({port for service in prepared.services.values() for port in service.ports}),
        "services": sorted(prepared.services),
        "diff": {"before": _shown(before, old), "after": _shown(release, prepared.values)},
    }


def _shown(release: Release | None, values: Mapping[str, str]) -> dict[str, Any]:
    if release is None:
        return {}
    images = {
        name: f"{image['wanted']}@{image['digest']}" if image["digest"] else image["wanted"]
        for name, image in release.images.items()
    }
    return {"images": images, "environment": {key: masked(key, value) for key, value in sorted(values.items())}}


def main() -> None:
    with readable_arguments():
        spec = SPEC.merge(DEPLOYMENT_SPEC, REGISTRIES_SPEC)
        module = AnsibleModule(supports_check_mode=True, **spec.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
