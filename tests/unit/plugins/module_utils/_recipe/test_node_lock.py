# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.node_lock import locked_integrity

ARM, MUSL = "@img/sharp-linux-arm64@0.33.5", "@img/sharp-linuxmusl-x64@0.33.5"
NPM = json.dumps(
    {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "web"},
            "node_modules/react": {"version": "19.0.0", "integrity": "sha512-react"},
            "node_modules/@img/sharp-linux-arm64": {"version": "0.33.5", "integrity": "sha512-arm=="},
            "node_modules/a/node_modules/@img/sharp-linuxmusl-x64": {"version": "0.33.5", "integrity": "sha512-musl=="},
            "node_modules/@img/sharp-darwin-arm64": {"version": "0.33.5", "integrity": "sha512-darwin=="},
            "node_modules/alias": {"name": "@x/y-linux-x64", "version": "1.0.0"},
        },
    }
)
YARN = """\
# yarn lockfile v1


"@img/sharp-darwin-arm64@0.33.5":
  version "0.33.5"
  resolved "https://example.com/-/sharp-darwin-arm64-0.33.5.tgz#abc"
  integrity sha512-darwin==

"@img/sharp-linux-arm64@0.33.5":
  version "0.33.5"
  resolved "https://example.com/-/sharp-linux-arm64-0.33.5.tgz#abc"
  integrity sha512-arm==
  optionalDependencies:
    "@img/sharp-libvips-linux-arm64" "1.0.4"

"@img/sharp-linuxmusl-x64@0.33.5", "@img/sharp-linuxmusl-x64@^0.33.0":
  version "0.33.5"
  integrity sha512-musl==

react@19.0.0:
  version "19.0.0"
  integrity sha512-react

without-linux-x64@1.0.0:
  version "1.0.0"
"""
PNPM = """\
lockfileVersion: '9.0'

packages:

  '@img/sharp-darwin-arm64@0.33.5':
    resolution: {integrity: sha512-darwin==}
    cpu: [arm64]

  '@img/sharp-linux-arm64@0.33.5':
    resolution: {integrity: sha512-arm==}
    engines: {node: ^18.17.0}
    cpu: [arm64]

  '@img/sharp-linuxmusl-x64@0.33.5':
    resolution: {integrity: sha512-musl==}

  react@19.0.0:
    resolution: {integrity: sha512-react}

snapshots:

  '@img/sharp-linux-arm64@0.33.5':
    optionalDependencies:
      '@img/sharp-libvips-linux-arm64': 1.0.4
"""
OLD_PNPM = """\
lockfileVersion: '6.0'

packages:

  /@img/sharp-linux-arm64@0.33.5:
    resolution: {integrity: sha512-arm==}
    cpu: [arm64]

  /@img/sharp-linuxmusl-x64/0.33.5:
    resolution: {integrity: sha512-musl==}
"""


@pytest.mark.parametrize(
    "name, text, expected",
    [
        pytest.param("package-lock.json", NPM, {ARM: "sha512-arm==", MUSL: "sha512-musl=="}, id="npm"),
        pytest.param("yarn.lock", YARN, {ARM: "sha512-arm==", MUSL: "sha512-musl=="}, id="yarn"),
        pytest.param("pnpm-lock.yaml", PNPM, {ARM: "sha512-arm==", MUSL: "sha512-musl=="}, id="pnpm"),
        pytest.param("pnpm-lock.yaml", OLD_PNPM, {ARM: "sha512-arm==", MUSL: "sha512-musl=="}, id="pnpm-of-old"),
        pytest.param("package-lock.json", "{", {}, id="broken"),
        pytest.param("package-lock.json", "[]", {}, id="no-object"),
        pytest.param("package-lock.json", '{"packages": []}', {}, id="no-packages"),
        pytest.param(
            "yarn.lock", '"@img/x-linux-arm64@npm:1.0.0":\n  version: 1.0.0\n  checksum: 10c0/a\n', {}, id="newer-yarn"
        ),
        pytest.param("yarn.lock", "", {}, id="empty"),
    ],
)
def test_locked_integrity(name, text, expected):
    assert locked_integrity(name, text) == expected
