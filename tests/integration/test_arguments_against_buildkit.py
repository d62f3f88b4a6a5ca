# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which arguments a Dockerfile really declares: our reading against BuildKit's outline, which decides."""

from __future__ import annotations

import json
import subprocess

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import parse_dockerfile

MADE = {
    "stages": "FROM scratch AS one\nARG B\nFROM scratch AS unused\nARG C\nFROM scratch\nARG D E=2\nCOPY --from=one / /\n",
    "names": "FROM scratch AS Base\nARG lower=x\nARG UPPER\nFROM base\nARG lower\n",
    "continued": "FROM scratch\nARG A \\\n  # between\n  B=\"x y\" \\\n  C='#'\n",
    "heredoc": "FROM busybox\nRUN <<END\nARG NOT=1\nEND\nARG YES\n",
    "mount": "FROM scratch AS tools\nARG T\nFROM busybox\nRUN --mount=from=tools,target=/t true\n",
    "global-unused": "ARG UNUSED=1\nFROM scratch\n",
    "global-in-the-base": "ARG A=busy\nARG B=${A}box\nFROM $B\n",
    "global-in-the-platform": "ARG A=amd64\nFROM --platform=linux/$A busybox\n",
    "global-in-an-unused-stage": "ARG A=busybox\nFROM $A AS unused\nFROM scratch\n",
    "global-again": "ARG A=1\nFROM scratch\nARG A\n",
}


@pytest.fixture
def outline(registry, tmp_path):
    """What BuildKit says of a Dockerfile's arguments."""
    bases = [
        f"{name}=docker-image://{registry}/bases/{name}"
        for name in ("python:3.11-slim-bookworm", "node:20-bookworm-slim")
    ]
    bases.append(f"busybox=docker-image://{registry}/bases/busybox:latest")
    bases.append(f"ubuntu/squid=docker-image://{registry}/bases/ubuntu/squid:latest")

    def ask(dockerfile):
        done = subprocess.run(
            ["docker", "buildx", "build", "--builder", "default", "--call", "outline,format=json", "--file", "-",
             *[part for base in bases for part in ("--build-context", base)], str(tmp_path)],
            input=dockerfile, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return {argument["name"] for argument in json.loads(done.stdout).get("args", [])}

    return ask


@pytest.mark.parametrize("name", MADE)
def test_made_dockerfiles(outline, name):
    assert parse_dockerfile(MADE[name]).declared_arguments({}) == outline(MADE[name])


@pytest.mark.parametrize(
    "path",
    [
        *(
            f"examples/sample_dify/generation_{number}/{part}/Dockerfile"
            for number in (1, 2)
            for part in ("api", "web")
        ),
        "roles/images/files/ssrf_proxy.Dockerfile",
    ],
)
def test_dockerfiles_of_the_sample_and_ours(outline, repository_root, path):
    text = (repository_root / path).read_text()
    assert parse_dockerfile(text).declared_arguments({}) == outline(text)
