# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""More of the recipe optimised: the older generation, and pages with a library of their own. By `make customised`."""

from __future__ import annotations

import json
import secrets
import subprocess

import pytest

OLD = "0.15.90"
#: A page that loads the library when it is asked for, so that the bundler follows it.
ROUTE = """\
import sharp from 'sharp'

export const dynamic = 'force-dynamic'

export async function GET() {
  const picture = await sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } }).png().toBuffer()
  return new Response(picture, { headers: { 'Content-Type': 'image/png' } })
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, repository_root):
    folder = tmp_path_factory.mktemp("optimised")
    subprocess.run([repository_root / "tools/sample_source", folder / "source"], check=True, capture_output=True)
    return folder


@pytest.fixture
def build(build_in, folder):
    return build_in(folder, f"o{secrets.token_hex(4)}", images_components=["api", "web"], images_recipe="optimised")


def emulated(folder) -> set[int | None]:
    """Numbers of emulated steps of all platforms of all images."""
    images = json.loads((folder / "report/report.json").read_text())["images"]
    return {platform["emulated_steps"] for image in images for platform in image["platforms"]}


def test_the_older_generation(build, folder):
    """By pip, without a lock that tells of wheels, and npm."""
    build(images_version=OLD)
    assert emulated(folder) == {0}


def test_pages_with_a_library_of_their_own_platform(build, folder, registry, repository_root):
    """The build's platform makes the bundle, with its own library in it; each image starts with that of its platform."""
    source = folder / "with_sharp"
    subprocess.run([repository_root / "tools/sample_source", source], check=True, capture_output=True)
    package = json.loads((source / "web/package.json").read_text())
    package["dependencies"]["sharp"] = "0.33.5"
    (source / "web/package.json").write_text(json.dumps(package))
    (source / "web/app/picture").mkdir()
    (source / "web/app/picture/route.js").write_text(ROUTE)
    lock = "npm install --silent --global pnpm@9.15.9 && pnpm install --lockfile-only --silent"
    subprocess.run(
        ["docker", "run", "--rm", "--network", "host", "--volume", f"{source}:/source", "--workdir", "/source",
         f"{registry}/bases/node:20-bookworm-slim", "sh", "-c", lock],
        check=True, capture_output=True,
    )  # fmt: skip
    git = ["git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "sharp"], check=True)
    build(
        images_source={"repo": str(source), "ref": "main"},
        images_source_dest=str(folder / "checkout_with_sharp"),
        images_components=["web"],
        images_smoke_tests={
            "web": [{"name": "it makes a picture", "http": {"path": "/picture", "port": 3000}, "timeout": 300}]
        },
    )
    assert emulated(folder) == {0}


def test_customised_on_top(build, folder, registry):
    """Packages of both kinds are added to it as to any image; what was added is tested on both platforms."""
    output = build(
        images_customisation={"api": {"pip_packages": ["humanize==4.11.0"], "apt_packages": ["media-types"]}},
        images_components=["api"],
        images_namespace=(namespace := f"o{secrets.token_hex(4)}"),
    )
    assert "customised" in output
    found = subprocess.run(
        ["docker", "run", "--rm", "--pull", "always", "--quiet", "--platform", "linux/arm64", "--entrypoint", "sh",
         f"{registry}/{namespace}/dify-api:latest", "-c", "python -c 'import humanize; print(humanize.__version__)'; id -u"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert found.split() == ["4.11.0", "1001"]
