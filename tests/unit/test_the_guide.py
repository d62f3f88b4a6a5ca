# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hand-written guide says wrongly, one test for each of its errors (G1 to G14) that pure code decides.

G4 is in test_source_customisation.py, G5 in test_customisation.py and the target ssrf_proxy, G6 in test_derived_dockerfile.py;
G4 and G6 are also seen from outside, by tests/end_to_end/test_customised.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import ARCHITECTURES
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.emulator import plan_present as plan_emulators
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.registration import Registration
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.state import Candidate, Found, Host, Proof, Wanted
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.bake import BYTES_PER_BUILD, batch_size
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import Builder, Node
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_plan import Circumstances
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_plan import plan_present as plan_builder
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.declaration import (
    BuilderDeclaration,
    NodeDeclaration,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._git.ref import near_names, parse_refs
from ansible_collections.imagefleet.dify.plugins.module_utils._image.customisation import Customisation
from ansible_collections.imagefleet.dify.plugins.module_utils._image.derived_dockerfile import context_files
from ansible_collections.imagefleet.dify.plugins.module_utils._image.profile import find_profile
from ansible_collections.imagefleet.dify.plugins.module_utils._image.promotion import check_platforms
from ansible_collections.imagefleet.dify.plugins.module_utils._image.upstream import Upstream
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import OCI_INDEX, json_manifest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platforms
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference

SOURCES = Path(__file__).parent / "plugins/module_utils/_image/fixtures/sources"


def profile(name):
    source = yaml.safe_load((SOURCES / f"{name}.yml").read_text())
    return find_profile(source["paths"].split(), lambda path: source["texts"].get(path, "")).result()


def test_g1_the_sandbox_is_no_folder_of_dify_and_its_dockerfile_copies_compiled_programs():
    """`cd sandbox && docker build .` finds no such folder."""
    dify, sandbox = profile("dify-0.15.3"), profile("dify-sandbox-0.2.12")
    assert "sandbox" not in dify["components"]
    # What the release starts is another repository's, of this version.
    assert dify["sandbox"] == "0.2.10"
    assert sandbox["kind"] == "dify-sandbox"
    assert sandbox["components"]["sandbox"]["flavours"]["amd64"]["dockerfile"] == "docker/amd64/dockerfile"


def test_g2_the_api_has_no_requirements_and_needs_another_python():
    """`COPY requirements.txt` on python:3.10 would have failed at its first step."""
    api = profile("dify-0.15.3")["components"]["api"]
    assert (api["package_manager"], api["lock_file"]) == ("poetry", "api/poetry.lock")
    assert api["base_images"] == ["python:3.12-slim-bookworm"]


def test_g3_the_pages_are_installed_with_yarn_and_started_by_their_entrypoint():
    """`npm ci` on Node 18 finds no package-lock.json, and `npm start` no environment of the deployment."""
    web = profile("dify-0.15.3")["components"]["web"]
    assert (web["package_manager"], web["lock_file"]) == ("yarn", "web/yarn.lock")
    assert web["base_images"] == ["node:20-alpine3.20"]
    assert web["entrypoint"] == ["/bin/sh", "./entrypoint.sh"]


@pytest.mark.parametrize("user", ["", "1001", "dify"])
def test_g7_users_are_the_images_own(user):
    """`addgroup -S` and `adduser -S` are Alpine's, and the api is Debian."""
    upstream = Upstream("api", user, ("/bin/bash", "/entrypoint.sh"), (), "/app/api/.venv")
    text = context_files(upstream, Customisation(apt_packages=("tini",)))["Dockerfile"].decode()
    assert "adduser" not in text
    assert "addgroup" not in text
    assert [line.split()[1] for line in text.splitlines() if line.startswith("USER")][-1:] == ([user] if user else [])


def test_g8_the_api_stays_on_glibc():
    """On python:3.10-alpine most of its 400 packages have no wheel. What is put on top asks the image what it is."""
    for name in ("dify-0.15.3", "dify-1.12.1"):
        assert all("alpine" not in base for base in profile(name)["components"]["api"]["base_images"])
    upstream = Upstream("api", "", ("/entrypoint.sh",), (), "/app/api/.venv")
    text = context_files(upstream, Customisation(apt_packages=("tini",)))["Dockerfile"].decode()
    assert "apt-get" in text
    assert "apk" in text, "an image without apt must be told apart, with what to do"


def test_g9_releases_have_no_v():
    """A workflow on tags `v*` never runs. Who asks for v0.15.3 is told what there is."""
    refs = parse_refs("".join(f"{number * 40}\trefs/tags/{tag}\n" for number, tag in (("1", "0.15.3"), ("2", "1.0.0"))))
    tags = [name.rpartition("/")[2] for name in refs.objects]
    assert near_names("v0.15.3", tags)[0] == "0.15.3"


ARM64 = ARCHITECTURES["arm64"]
REGISTRATION = Registration("qemu-aarch64", ARM64.magic, ARM64.mask, "/usr/bin/qemu-aarch64-static", "POF")
FRESH = Host(
    "6.1.0-13-amd64",
    mount_point=True,
    mounted=True,
    enabled=True,
    systemd=True,
    found={
        ARM64: Found(None, Proof(False, problem="Exec format error"), candidate=Candidate(REGISTRATION, "10.0.13")),
        ARCHITECTURES["amd64"]: Found(None, Proof(True, native=True)),
    },
)


def test_g10_emulators_are_there_before_a_build():
    """A workflow without them fails at the first RUN for arm64: exec format error."""
    plan = plan_emulators(Wanted(parse_platforms(["linux/amd64", "linux/arm64"])), FRESH)
    assert [command[0] for command in plan.commands if command[0] == "register"] == ["register"]
    assert any("is not registered" in reason for reason in plan.reasons)


def test_g13_only_what_is_needed_is_registered_and_comes_back_after_a_restart():
    """`--install all` registers dozens, and none of them survives a restart."""
    plan = plan_emulators(Wanted(parse_platforms(["linux/amd64", "linux/arm64"])), FRESH)
    registered = [command[1] for command in plan.commands if command[0] == "register"]
    assert [line.split(":")[1] for line in registered] == ["qemu-aarch64"]
    assert "F" in registered[0].rpartition(":")[2]
    assert [command[0] for command in plan.commands].count("write") == 1


def test_g11_a_tag_of_two_platforms_does_not_become_one_of_one():
    """A later `docker push` of the same tag replaces the index by one platform's manifest. Promotion refuses that."""
    one = {"digest": "sha256:" + "1" * 64, "platform": {"os": "linux", "architecture": "amd64"}}
    index = json_manifest({"mediaType": OCI_INDEX, "manifests": [one]})
    with pytest.raises(CollectionError, match="linux/arm64"):
        check_platforms(
            parse_reference("localhost:5000/dify/dify-api"), index, parse_platforms(["linux/amd64", "linux/arm64"])
        )


def test_g12_a_builder_that_is_there_is_no_error():
    """`docker buildx create --name dify-builder` fails when it is run again."""
    platforms = parse_platforms(["linux/amd64"])
    wanted = BuilderDeclaration("dify-builder", "remote", (NodeDeclaration("a", "tcp://a:1", platforms),))
    current = Builder("dify-builder", "remote", (Node("a", "tcp://a:1", platforms),))
    assert plan_builder(wanted, current, Circumstances(version=(0, 29, 1), folder="/f")).commands == ()


@pytest.mark.parametrize("memory, builds", [(4, 1), (8, 2), (2, 1), (64, 16)])
def test_g14_two_platforms_are_not_built_at_once_in_memory_for_one(memory, builds):
    """With 4 GB, web's bundler alone takes it all since 1.0: the second platform's build would be killed."""
    assert BYTES_PER_BUILD == 4 * 1024**3
    assert batch_size(memory * 1024**3) == builds
