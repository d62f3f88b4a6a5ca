# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images of Dify's agent, which releases since 1.16 have: one built from the root, one from a folder of its own."""

from __future__ import annotations

import json
import secrets
import subprocess

import pytest

VERSION = "1.17.90"
COMPONENTS = ["agent_backend", "local_sandbox"]
DOCKERFILE = """\
FROM python:3.11-slim-bookworm
WORKDIR /work
RUN python -m venv --without-pip {environment}
COPY {packages}packages {environment}/lib/python3.11/site-packages
ENV VIRTUAL_ENV={environment}
COPY {packages}pyproject.toml {packages}uv.lock ./
EXPOSE {port}
CMD ["{environment}/bin/python", "-m", "http.server", "{port}"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, repository_root):
    """The sample's newer generation, with an agent beside it, as a release."""
    folder = tmp_path_factory.mktemp("agent")
    source = folder / "source"
    subprocess.run([repository_root / "tools/sample_source", source, "generation_2"], check=True, capture_output=True)
    for path in ("web/package.json", "api/pyproject.toml", "api/uv.lock"):
        text = (source / path).read_text()
        (source / path).write_text(text.replace("1.15.90", VERSION))
    files = {
        "Dockerfile": DOCKERFILE.format(environment="/app/api/.venv", packages="dify-agent/", port=5050),
        "docker/local-sandbox/Dockerfile": DOCKERFILE.format(environment="/opt/agent/.venv", packages="", port=5004),
        "pyproject.toml": '[project]\nname = "agent"\n',
        "uv.lock": "version = 1\n",
        "packages/agent-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: agent\nVersion: 1\n",
    }
    for path, text in files.items():
        target = source / "dify-agent" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["add", "--all"], ["commit", "--quiet", "--message", VERSION], ["tag", VERSION]):
        subprocess.run(["git", *identity, *command], cwd=source, check=True)
    return folder


@pytest.fixture
def build(build_in, folder):
    return build_in(
        folder,
        f"a{secrets.token_hex(4)}",
        images_version=VERSION,
        images_tags=[VERSION],
        images_components=COMPONENTS,
    )


def test_both_are_built_and_tested_for_both_platforms(build, folder):
    build()
    images = json.loads((folder / "report/report.json").read_text())["images"]
    assert [image["name"] for image in images] == COMPONENTS
    for image in images:
        assert [platform["platform"] for platform in image["platforms"]] == ["linux/amd64", "linux/arm64"]
        assert all(platform["passed"] for platform in image["smoke_test"]["platforms"])
        assert [tag["reference"].rpartition(":")[2] for tag in image["tags"]] == [VERSION]
    assert "changed=0" in build("--check", "--diff", images_builder="no-such-builder")


def test_a_release_without_them_says_so(build, repository_root, folder):
    subprocess.run(
        [repository_root / "tools/sample_source", folder / "older", "generation_2"], check=True, capture_output=True
    )
    source = {"repo": str(folder / "older")}
    with pytest.raises(pytest.fail.Exception) as failure:
        build(images_version="1.15.90", images_source=source, images_source_dest=str(folder / "older-checkout"))
    output = str(failure.value)
    assert "1.15.90 has no agent_backend, local_sandbox (it has " in output
