# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The embedded sample from source to tags, as a user would run it: first, again, changed, broken, installed."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.image_labels import image_labels

ACCEPT = "application/vnd.oci.image.index.v1+json"
COMPONENTS = ("api", "web", "ssrf_proxy")
OLD, NEW = "0.15.90", "1.15.90"


@dataclass
class Site:
    """A source, a namespace and a report of their own, and how the build playbook is run on them."""

    root: Path
    folder: Path
    registry: str
    run_playbook: Any
    namespace: str = field(default_factory=lambda: f"e{secrets.token_hex(4)}")

    def build(self, *options: str, playbook: str = "playbooks/build.yml", **variables: Any) -> str:
        return self.run_playbook(
            playbook if playbook.startswith("imagefleet.") else self.root / playbook,
            "-i", str(self.root / "examples/inventory.yml"),
            "--extra-vars", f"@{self.root}/examples/sample_dify/variables.yml",
            *options,
            **{
                "images_source": {"repo": str(self.folder / "source"), "ref": "main"},
                "images_source_dest": str(self.folder / "checkout"),
                "images_namespace": self.namespace,
                "images_report_dir": str(self.folder / "report"),
                **variables,
            },
        )  # fmt: skip

    def report(self) -> dict[str, Any]:
        return json.loads((self.folder / "report/report.json").read_text())

    def images(self) -> dict[str, dict[str, Any]]:
        return {image["name"]: image for image in self.report()["images"]}

    def index(self, component: str, tag: str) -> dict[str, Any] | None:
        address = f"http://{self.registry}/v2/{self.namespace}/dify-{component}/manifests/{tag}"
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept": ACCEPT})) as answer:
                return {**json.load(answer), "digest": answer.headers["Docker-Content-Digest"]}
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def tags(self, component: str) -> list[str]:
        with urllib.request.urlopen(f"http://{self.registry}/v2/{self.namespace}/dify-{component}/tags/list") as answer:
            return json.load(answer)["tags"]

    def change(self, path: str, text: str, source: str = "source") -> None:
        with (self.folder / source / path).open("a") as file:
            file.write(text)

    def git(self, *command: str, source: str = "source") -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *identity, *command], cwd=self.folder / source, check=True)

    def commit(self, path: str, text: str, source: str = "source") -> None:
        self.change(path, text, source)
        self.git("add", "--all", source=source)
        self.git("commit", "--quiet", "--message", path, source=source)

    def digests(self) -> dict[str, str]:
        return {name: image["digest"] for name, image in self.images().items()}


def changed(output: str) -> int:
    """The number of changed tasks in a playbook's last lines."""
    return sum(int(number) for number in re.findall(r"^\S+ +: ok=\d+ +changed=(\d+)", output, re.MULTILINE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def sites():
    return {}


@pytest.fixture
def site(sites, folder, repository_root, registry, run_playbook) -> Site:
    """One site for all tests of this file, which follow each other as a user's days do."""
    if "site" not in sites:
        subprocess.run([repository_root / "tools/sample_source", folder / "source"], check=True)
        sites["site"] = Site(repository_root, folder, registry, run_playbook)
    sites["site"].run_playbook = run_playbook
    return sites["site"]


def test_check_mode_before_anything(site):
    output = site.build("--check", "--diff")
    assert "unknown until" in output
    assert site.index("api", "latest") is None
    assert not (site.folder / "checkout").exists()
    assert not (site.folder / "report").exists()


def test_the_first_run(site):
    output = site.build()
    assert changed(output) > 0
    for component in COMPONENTS:
        image = site.images()[component]
        assert image["reasons"] == ["first build"]
        index = site.index(component, NEW)
        assert index["digest"] == image["digest"] == site.index(component, "latest")["digest"]
        platforms = [entry["platform"]["architecture"] for entry in index["manifests"]]
        assert sorted(platforms) == ["amd64", "arm64", "unknown", "unknown"]
        passed = [platform["record"] for platform in image["smoke_test"]["platforms"]]
        assert set(passed) <= set(site.tags(component))
        assert len(passed) == 2
    assert site.images()["api"]["platforms"][0]["emulated_steps"] == 0
    assert f"Report: {site.folder}/report/report.json" in output


def test_the_program_for_arm64_answers(site):
    image = site.images()["api"]
    arm64 = next(platform["digest"] for platform in image["platforms"] if platform["platform"] == "linux/arm64")
    name = f"{site.namespace}-arm64"
    reference = f"{site.registry}/{site.namespace}/dify-api@{arm64}"
    command = ["docker", "run", "--detach", "--name", name, "--platform", "linux/arm64", "--publish", "127.0.0.1::5002"]
    try:
        subprocess.run([*command, reference], check=True, capture_output=True)
        port = subprocess.run(["docker", "port", name, "5002"], check=True, capture_output=True, text=True).stdout
        machine = subprocess.run(
            ["docker", "exec", name, "uname", "-m"], check=True, capture_output=True, text=True
        ).stdout
        assert machine.strip() == "aarch64"
        assert health(port.strip()) == {"status": "ok", "version": NEW}
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)


def health(address: str) -> dict[str, str]:
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/health", timeout=10) as answer:
                return json.load(answer)
        except OSError:
            assert time.monotonic() < deadline, "the api did not answer within two minutes"
            time.sleep(1)


def test_the_second_run_changes_nothing_and_asks_no_builder(site):
    before = site.report()
    assert changed(site.build(images_builder="no-such-builder")) == 0
    after = site.report()
    assert [image["digest"] for image in after["images"]] == [image["digest"] for image in before["images"]]
    assert not any(image["built"] for image in after["images"])
    assert not any(p["tested"] for image in after["images"] for p in image["smoke_test"]["platforms"])


def test_check_mode_of_a_run_that_would_change_nothing(site):
    assert changed(site.build("--check", "--diff", images_builder="no-such-builder")) == 0


def test_the_same_from_the_installed_collection(site, playbook_environment):
    target = site.folder / "installed"
    environment = {**playbook_environment, "ANSIBLE_COLLECTIONS_PATH": str(target)}
    run = {"cwd": site.folder, "env": environment, "check": True, "capture_output": True}
    subprocess.run(["ansible-galaxy", "collection", "build", str(site.root), "--output-path", str(site.folder)], **run)
    (archive,) = site.folder.glob("imagefleet-dify-*.tar.gz")
    subprocess.run(
        ["ansible-galaxy", "collection", "install", str(archive), "-p", str(target), "--no-deps", "--offline"], **run
    )
    installed = target / "ansible_collections/imagefleet/dify"
    assert (installed / "plugins/modules/image_build.py").is_file()
    assert not (installed / "tests").exists()
    community = site.root / ".collections/ansible_collections/community"
    (target / "ansible_collections/community").symlink_to(community)
    output = subprocess.run(
        ["ansible-playbook", "imagefleet.dify.build", "-i", str(site.root / "examples/inventory.yml"),
         "--extra-vars", f"@{site.root}/examples/sample_dify/variables.yml",
         "--extra-vars", json.dumps({
             "images_source": {"repo": str(site.folder / "source"), "ref": "main"},
             "images_source_dest": str(site.folder / "checkout"),
             "images_namespace": site.namespace,
             "images_report_dir": str(site.folder / "report"),
             "images_builder": "no-such-builder",
         })],
        cwd=site.folder, env=environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert changed(output) == 0


def test_a_commit_that_touches_no_image(site):
    site.commit("README.md", "A word.\n")
    before = site.digests()
    site.build(images_builder="no-such-builder")
    assert site.digests() == before


def test_the_same_source_from_elsewhere_is_the_same_images(site):
    """An archive as GitHub packs it, and a fork with a commit of its own that touches no image."""
    before = site.digests()
    archive = site.folder / "dify.tar.gz"
    site.git("archive", "--prefix=dify-main/", f"--output={archive}", "main")
    checksum = "sha256:" + hashlib.sha256(archive.read_bytes()).hexdigest()
    site.git("clone", "--quiet", "--branch=main", str(site.folder / "source"), "../fork")
    site.commit("README.md", "Ours.\n", source="fork")
    for source in ({"archive": str(archive), "checksum": checksum}, {"repo": str(site.folder / "fork"), "ref": "main"}):
        site.build(
            images_source=source, images_source_dest=str(site.folder / "other"), images_builder="no-such-builder"
        )
        assert site.digests() == before, source


def test_a_clone_with_changes_that_are_not_committed(site):
    """Left out with a warning; or, where that is asked for, built by content, as what nobody takes for a release."""
    dirty = {"repo": str(site.folder / "fork")}
    site.change("api/app.py", "\n# not committed\n", source="fork")
    before = site.digests()
    output = site.build(images_source={**dirty, "ref": "main"}, images_builder="no-such-builder")
    assert "in no commit" in output
    assert site.digests() == before
    output = site.build(
        images_source={**dirty, "allow_dirty": True}, images_components=["api"], images_platforms=["linux/amd64"],
        images_tags=["dirty"], images_report_dir=str(site.folder / "dirty"),
    )  # fmt: skip
    assert "api: built (first build)" in output
    labels = image_labels(f"{site.registry}/{site.namespace}/dify-api:dirty")
    assert labels["org.opencontainers.image.version"] == f"{NEW}+dirty"
    with pytest.raises(pytest.fail.Exception) as failure:
        site.build(images_source={**dirty, "ref": NEW, "allow_dirty": True})
    assert f"asks for the release {NEW}" in str(failure.value)


def test_a_version_that_does_not_exist(site):
    with pytest.raises(pytest.fail.Exception) as failure:
        site.build(images_version="1.15.91", images_source={"repo": str(site.folder / "source")})
    assert "it has no ref 1.15.91, but has " in str(failure.value)
    assert NEW in str(failure.value)


def test_one_line_of_the_api(site):
    before = site.images()
    site.commit("api/app.py", "\n# one more line\n")
    output = site.build()
    after = site.images()
    # Its context is the whole repository, web's too.
    assert after["api"]["reasons"] == ["context api: 1 file changed: api/app.py"]
    assert "api: built (context api: 1 file changed: api/app.py)" in output
    assert [name for name in COMPONENTS if after[name]["built"]] == ["api"]
    assert after["web"]["digest"] == before["web"]["digest"]
    assert site.index("api", "latest")["digest"] == after["api"]["digest"] != before["api"]["digest"]


def test_a_smoke_test_that_fails_moves_no_tag(site):
    before = {component: site.index(component, "latest")["digest"] for component in COMPONENTS}
    site.commit("api/app.py", "\nraise SystemExit('broken on purpose')\n")
    broken = {"api": [{"name": "it answers", "http": {"port": 5001, "path": "/health"}, "timeout": 15}]}
    one_platform = {"images_platforms": ["linux/amd64"]}
    with pytest.raises(pytest.fail.Exception) as failure:
        site.build(images_smoke_tests=broken, **one_platform)
    assert "failed on linux/amd64: it answers" in str(failure.value)
    assert "broken on purpose" in str(failure.value)
    assert {component: site.index(component, "latest")["digest"] for component in COMPONENTS} == before
    with pytest.raises(pytest.fail.Exception) as failure:
        site.build(images_smoke_tests=broken, images_builder="no-such-builder", **one_platform)
    assert "failed on linux/amd64: it answers" in str(failure.value), "the image was taken for good without a test"
    assert {component: site.index(component, "latest")["digest"] for component in COMPONENTS} == before


def test_another_generation_builds_from_the_same_inventory(site):
    output = site.build(images_version=OLD, images_source={"repo": str(site.folder / "source")}, images_tags=[OLD])
    assert changed(output) > 0
    for component in COMPONENTS:
        old, new = site.index(component, OLD), site.index(component, NEW)
        platforms = [entry["platform"]["architecture"] for entry in old["manifests"]]
        assert sorted(platforms) == ["amd64", "arm64", "unknown", "unknown"]
        assert old["digest"] != new["digest"]
    # And back: nothing is to be built, nor tested.
    source = {"repo": str(site.folder / "source")}
    back = site.build(images_source=source, images_tags=[NEW], images_builder="no-such-builder")
    assert not any(image["built"] for image in site.images().values())
    assert f"dify-api:{NEW}" in back


def test_a_mistake_is_named_before_anything_is_done(site):
    for variables, message in (
        ({"images_components": ["sandbox"]}, "value of images_components must be one or more of"),
        ({"images_smoke_tests": {"sandbox": []}}, "images_smoke_tests is set for sandbox"),
        ({"images_platforms": ["linux/amd65"]}, "'linux/amd65' is not a platform"),
        ({"images_registry": "localhost:1"}, "The registry localhost:1 cannot be reached"),
    ):
        with pytest.raises(pytest.fail.Exception) as failure:
            site.build(**variables)
        assert message in str(failure.value)
        assert "Traceback" not in str(failure.value)
