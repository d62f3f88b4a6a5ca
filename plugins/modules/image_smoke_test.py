#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_smoke_test
short_description: Each platform's image does what it is told to
version_added: 0.1.0
description:
  - Starts the image of each platform, by digest, on the Docker Engine of the host, natively or under emulation, and checks
    what it does.
  - When all tests of a platform passed, that is put on record with the image, as the tag
    C(ok-<digest>-<hash of the tests>). An image with that record is not tested again. M(imagefleet.dify.image_promote) asks
    for it.
  - A test that fails leaves no record, so the next run tests again.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.registries
  - imagefleet.dify.smoke_tests
  - imagefleet.dify.smoke_tests.tested_images
attributes:
  check_mode:
    support: full
    description: Returns which platforms would be tested. It predicts no result.
  diff_mode:
    support: full
    description: Shows the records that are written.
options:
  reference:
    description: The image, C(registry/repository@digest) or with a tag. It or O(images) is required.
    type: str
  platforms:
    description: Platforms to test. By default all that the image has.
    type: list
    elements: str
    default: []
  keep_image:
    description: Leave an image in the engine that was not there before.
    type: bool
    default: false
  rerun:
    description: Test even when there is a record.
    type: bool
    default: false
  docker_host:
    description: Address of the engine. By default E(DOCKER_HOST) or the local socket.
    type: str
notes:
  - An HTTP test asks the container through a port published on the loopback address of the host.
  - A platform that the engine can neither run natively nor under emulation counts as untested, and that fails.
seealso:
  - module: imagefleet.dify.image_build
  - module: imagefleet.dify.image_promote
"""

EXAMPLES = r"""
- name: Test an image on all its platforms
  imagefleet.dify.image_smoke_test:
    reference: "{{ build.images[0].reference }}"
    tests:
      - name: the program is of the platform
        elf: auto
      - name: it starts without a network
        command: [sh, -c, "echo started"]
        output: started
        network: none
      - name: it answers
        http:
          path: /index.html
          port: 8080
          body: hello
        timeout: 120

- name: Test several in one call
  imagefleet.dify.image_smoke_test:
    images:
      - reference: "{{ build.images[0].reference }}"
      - reference: localhost:5000/dify/dify-api:1.0.0
        tests:
          - name: its program is for the platform
            elf: auto
    tests:
      - name: it starts without a network
        command: [sh, -c, "echo started"]
        network: none
"""

RETURN = r"""
images:
  description: For each image RV(record) and RV(platforms), and its C(reference).
  type: list
  elements: dict
  returned: with O(images)
record:
  description: Hash of the tests' definition, the last part of the record's tag.
  type: str
  returned: with O(reference)
platforms:
  description: The platforms, native ones first.
  type: list
  elements: dict
  returned: with O(reference)
  contains:
    platform:
      description: The platform.
      type: str
    digest:
      description: Digest of its manifest.
      type: str
    record:
      description: Tag of the record.
      type: str
    tested:
      description: Whether tests ran now, or would.
      type: bool
    passed:
      description: Whether it has passed, now or before. Missing in check mode when it would be tested.
      type: bool
    emulated:
      description: Whether it ran under emulation.
      type: bool
    duration:
      description: Seconds.
      type: float
    failures:
      description: What went wrong, by test.
      type: list
      elements: str
    log:
      description: The logs of containers whose tests failed.
      type: str
"""

import time
from dataclasses import dataclass
from typing import Any, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.entries import plan_each
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._image.container_test import (
    pulled_image,
    remove_leftovers,
    run_tests,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.smoke_test import (
    OWN_TESTS_OPTION,
    TESTS_OPTION,
    PlatformTest,
    SmokeTest,
    TestResult,
    definition_hash,
    parse_tests,
    plan_platform_tests,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.engine import EngineClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    Manifest,
    config_platform,
    platform_descriptors,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform, parse_platforms
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference, parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client

SPEC = ArgumentSpec(
    options={
        "reference": {"type": "str"},
        "platforms": {"type": "list", "elements": "str", "default": []},
        "tests": TESTS_OPTION,
        "images": {
            "type": "list",
            "elements": "dict",
            "options": {
                "reference": {"type": "str", "required": True},
                "platforms": {"type": "list", "elements": "str"},
                "tests": OWN_TESTS_OPTION,
            },
        },
        "keep_image": {"type": "bool", "default": False},
        "rerun": {"type": "bool", "default": False},
        "docker_host": {"type": "str"},
    },
    mutually_exclusive=(("reference", "images"),),
    required_one_of=(("reference", "images"),),
)


@dataclass(frozen=True)
class TestedImage:
    """An image, what it has to do, and on which of its platforms that is not on record yet."""

    reference: Reference
    tests: tuple[SmokeTest, ...]
    recorded: list[PlatformTest]
    due: list[PlatformTest]

    def result(self, ended: list[dict[str, Any]]) -> dict[str, Any]:
        """:param ended: results of the platforms that were due."""
        return {
            "reference": str(self.reference),
            "record": definition_hash(self.tests),
            "platforms": [test.skipped() for test in self.recorded] + ended,
        }

    def predicted(self) -> dict[str, Any]:
        return self.result([test.due() for test in self.due])


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    client = registry_client(params)
    images = plan_each(
        params,
        "images",
        ("reference", "platforms", "tests"),
        lambda asked: _look_up(client, asked, params["rerun"]),
        TestedImage.predicted,
    )
    if module.check_mode or not any(image.due for image in images):
        results = [image.predicted() for image in images]
    else:
        engine = EngineClient(params["docker_host"])
        remove_leftovers(engine, time.time())
        results = [image.result(_test(engine, client, image, params["keep_image"])) for image in images]
    return _result(results, params["images"] is not None)


def _look_up(client: RegistryClient, entry: Mapping[str, Any], rerun: bool) -> TestedImage:
    reference = parse_reference(entry["reference"])
    tests = parse_tests(entry["tests"])
    wanted = plan_platform_tests(
        reference, parse_platforms(entry["platforms"]), _manifests(client, reference), definition_hash(tests)
    )
    recorded = [
        test for test in wanted if not rerun and client.find_digest(reference.with_tag(test.record)) is not None
    ]
    return TestedImage(reference, tests, recorded, [test for test in wanted if test not in recorded])


def _manifests(client: RegistryClient, reference: Reference) -> dict[Platform, Manifest]:
    """The manifest of each platform that the reference holds."""
    manifest = client.find_manifest(reference)
    if manifest is None:
        raise MissingPrerequisite(
            f"The registry has no {reference}. Build it with image_build, or correct reference.",
            task="image_build",
            reference=str(reference),
        )
    if not manifest.is_index:
        platform = config_platform(client.get_config(reference, manifest))
        if platform is None:
            raise CollectionError(
                f"{reference} is an artifact and no image that could be run.", reference=str(reference)
            )
        return {platform: manifest}
    return {
        platform: client.get_manifest(reference.with_digest(descriptor["digest"]))
        for platform, descriptor in platform_descriptors(manifest).items()
    }


def _test(engine: EngineClient, client: RegistryClient, image: TestedImage, keep_image: bool) -> list[dict[str, Any]]:
    native = engine.platform()
    reference = image.reference
    credentials = client.credentials(reference.registry)
    results = []
    for platform_test in sorted(image.due, key=lambda test: test.platform != native):
        started = time.monotonic()
        image_reference = reference.with_digest(platform_test.manifest.digest)
        try:
            with pulled_image(engine, image_reference, platform_test.platform, credentials, keep_image) as pulled:
                ended = run_tests(pulled, image.tests)
        except KeyboardInterrupt as error:
            raise CollectionError(
                f"The tests of {reference} on {platform_test.platform} were stopped by a signal. Their containers are gone, and "
                "there is no record of them. Run them again.",
                reference=str(reference),
            ) from error
        except CollectionError as error:
            # Another platform may still pass, and its record counts.
            ended = [TestResult("its image", error.msg)]
        result = platform_test.ended(ended, platform_test.platform != native, time.monotonic() - started)
        if result["passed"]:
            client.put_manifest(reference.with_tag(platform_test.record), platform_test.manifest)
        results.append(result)
    return results


def _result(images: list[dict[str, Any]], many: bool) -> dict[str, Any]:
    failed = [(image, entry) for image in images for entry in image["platforms"] if entry.get("passed") is False]
    written = [
        f"{parse_reference(image['reference']).name}:{entry['record']}\n"
        for image in images
        for entry in image["platforms"]
        if entry["tested"] and entry.get("passed") is not False
    ]
    result = {
        "changed": bool(written),
        **({"images": images} if many else {key: images[0][key] for key in ("record", "platforms")}),
        "diff": {"before": "", "after": "".join(written)},
    }
    if failed:
        raise CollectionError(
            "\n".join(
                f"{image['reference']} failed on {entry['platform']}: {'; '.join(entry['failures'])}\n{entry['log']}".rstrip()
                for image, entry in failed
            ),
            **result,
        )
    return result


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(REGISTRIES_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
