# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from textwrap import indent

_TEST = r"""
suboptions:
  name:
    description: What the test is called.
    type: str
    required: true
  entrypoint:
    description: Entrypoint in place of the image's.
    type: list
    elements: str
  command:
    description: Command in place of the image's.
    type: list
    elements: str
  http:
    description: Start the container and ask it over HTTP until it answers as wanted.
    type: dict
    suboptions:
      path:
        description: Path of the request.
        type: str
        default: /
      port:
        description: Port of the container.
        type: int
        required: true
      status:
        description: Status of the answer. Redirects are not followed; they have a status themselves.
        type: int
        default: 200
      body:
        description: Regular expression that the answer's body must hold.
        type: str
  elf:
    description:
      - Path in the image of a program that must be of the platform's architecture, or its name, looked up in the image's
        C(PATH). V(auto) takes what the image starts. Nothing is started.
    type: str
  network:
    description: Network of the container, V(none), V(bridge) or the name of one that exists.
    type: str
    default: bridge
  user:
    description: User in place of the image's.
    type: str
  env:
    description: Environment variables.
    type: dict
    default: {}
  timeout:
    description: Seconds that the test may take.
    type: int
    default: 60
  exit_code:
    description: Exit status that the container must end with. Not for O(tests[].http).
    type: int
    default: 0
  output:
    description: Regular expression that the container's output must hold.
    type: str
"""

# The list entries of a test stand two levels deeper where each image has tests of its own.
_TEST_OF_ALL = indent(_TEST, " " * 4)
_TEST_OF_ONE = indent(_TEST, " " * 8)

_IMAGE = r"""
      reference:
        description: The image, C(registry/repository@digest) or with a tag.
        type: str
        required: true
      platforms:
        description: In place of O(platforms).
        type: list
        elements: str
      tests:
        description: In place of O(tests).
        type: list
        elements: dict
"""


class ModuleDocFragment:
    """The options of ``_image/smoke_test.py``, and the lists of images that can have tests of their own.

    With annotations, ansible-test's yamllint leaves them alone, which reads nothing but one text.
    """

    DOCUMENTATION: str = (
        r"""
options:
  tests:
    description:
      - Smoke tests. M(imagefleet.dify.image_smoke_test) runs them on every platform and puts on record what passed;
        M(imagefleet.dify.image_promote) asks for the record of these tests.
      - An image without tests is only pulled, and its record says no more than that. Promotion without tests asks for no record.
    type: list
    elements: dict
    default: []
"""
        + _TEST_OF_ALL
    )

    TESTED_IMAGES: str = (
        r"""
options:
  images:
    description:
      - Images that are tested in one call, each with what it does not take from O(platforms) and O(tests).
      - All are looked up before one is tested, and all are tested when one fails.
    type: list
    elements: dict
    suboptions:
"""
        + _IMAGE
        + _TEST_OF_ONE
    )

    PROMOTED_IMAGES: str = (
        r"""
options:
  images:
    description:
      - Images that are promoted in one call, each with what it does not take from the options of the same names.
      - No tag of any of them is moved before everything was checked for all.
    type: list
    elements: dict
    suboptions:
      tags:
        description: In place of O(tags).
        type: list
        elements: str
      target_repository:
        description: In place of O(target_repository).
        type: str
"""
        + _IMAGE
        + _TEST_OF_ONE
    )
