# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sample, and what is run on it: our modules and playbooks, and what others use for the same."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"
BOTH = ["linux/amd64", "linux/arm64"]
NATIVE = ["linux/amd64"]
#: A pin in a Dockerfile of the sample, which Dify's own have not: their bundles are made on each platform.
_ON_BUILD_PLATFORM = "--platform=$BUILDPLATFORM "


@dataclass
class Site:
    """Sources in a folder, and a registry.

    :param folder: of this run's own.
    """

    folder: Path
    registry: str
    namespaces: list[str] = field(default_factory=list)

    def source(self, name: str, *generations: str, as_upstream: bool = False, own_bases: bool = False) -> Path:
        """A repository of the sample.

        :param as_upstream: whether its pages are built on each platform, as Dify's Dockerfiles do it.
        :param own_bases: whether its Dockerfiles name the bases of this machine, for a tool that replaces none.
        """
        folder = self.folder / name
        run(str(ROOT / "tools/sample_source"), str(folder), *generations)
        replacements = {_ON_BUILD_PLATFORM: ""} if as_upstream else {}
        replacements.update(self.bases() if own_bases else {})
        for dockerfile in folder.glob("*/Dockerfile"):
            text = dockerfile.read_text()
            for before, after in replacements.items():
                text = text.replace(before, after)
            dockerfile.write_text(text)
        if replacements:
            self.commit(folder)
        return folder

    @staticmethod
    def commit(folder: Path) -> None:
        """Commit what was changed in a source."""
        git = ["git", "-C", str(folder), "-c", "user.name=bench", "-c", "user.email=bench@example.com"]
        run(*git, "commit", "--quiet", "--all", "--message", "changed")

    def namespace(self) -> str:
        """One that the registry does not have: nothing built before is found in it."""
        self.namespaces.append(f"bench{secrets.token_hex(4)}")
        return self.namespaces[-1]

    def bases(self) -> dict[str, str]:
        """The base images of the sample, as the machine has them."""
        names = ("python:3.11-slim-bookworm", "node:20-bookworm-slim", "ubuntu/squid:latest")
        return {name: f"{self.registry}/bases/{name}" for name in names}

    def build_playbook(self, source: Path, namespace: str, **variables: Any) -> dict[str, Any]:
        """Run ``playbooks/build.yml`` to promoted tags; its report."""
        report = self.folder / "report"
        shutil.rmtree(report, ignore_errors=True)
        playbook(
            ROOT / "playbooks/build.yml",
            "-i", str(ROOT / "examples/inventory.yml"), "-e", f"@{ROOT}/examples/sample_dify/variables.yml",
            images_source={"repo": str(source), "ref": "main"},
            images_source_dest=f"{source}-checkout",
            images_namespace=namespace,
            images_report_dir=str(report),
            images_bases_lock=str(self.folder / "bases.lock.yml"),
            **variables,
        )  # fmt: skip
        return {image["name"]: image for image in json.loads((report / "report.json").read_text())["images"]}

    def image_build(self, images: list[dict[str, Any]], **options: Any) -> None:
        """One task of our module."""
        playbook(
            PLAYBOOKS / "image_build.yml",
            bench_options={
                "images": images,
                "base_images": self.bases(),
                "registries": [{"host": self.registry, "http": True}],
                **options,
            },
        )

    def images(
        self, source: Path, namespace: str, generation: str, components: tuple[str, ...] = ("api", "web")
    ) -> list[dict]:
        """Entries of ``images`` for a generation's components."""
        root_context = generation == "generation_2"
        return [
            {
                "name": f"{component}-{generation[-1]}",
                "repository": f"{self.registry}/{namespace}/{component}-{generation[-1]}",
                "context": str(source if root_context else source / component),
                "dockerfile": f"{component}/Dockerfile" if root_context else "Dockerfile",
            }
            for component in components
        ]

    def docker_image_build(self, images: list[dict[str, Any]], platforms: list[str]) -> None:
        """community.docker's module on the same, in a loop."""
        playbook(PLAYBOOKS / "docker_image_build.yml", bench_images=images, bench_platforms=platforms)

    def bake(self, images: list[dict[str, Any]], platforms: list[str]) -> None:
        """The same definition for ``docker buildx bake``, by hand."""
        definition = {
            "group": {"default": {"targets": [image["name"] for image in images]}},
            "target": {
                image["name"]: {
                    "context": image["context"],
                    "dockerfile": image["dockerfile"],
                    "platforms": platforms,
                    "contexts": {name: f"docker-image://{reference}" for name, reference in self.bases().items()},
                    "tags": [f"{image['repository']}:bake"],
                    "attest": ["type=provenance,mode=max"],
                    "output": ["type=image,push=true"],
                }
                for image in images
            },
        }
        file = self.folder / "bake.json"
        file.write_text(json.dumps(definition))
        run(
            "docker", "buildx", "--builder", "default", "bake", "--allow", f"fs.read={self.folder}", "--file", str(file)
        )


def empty_cache() -> None:
    """Whatever BuildKit of this machine's engine has kept of builds."""
    run("docker", "buildx", "--builder", "default", "prune", "--all", "--force")


def playbook(path: Path, *options: str, **variables: Any) -> None:
    """Run a playbook; what it printed is shown when it fails."""
    run("ansible-playbook", str(path), *options, "-e", json.dumps(variables))


def run(*command: str) -> str:
    """Run a program.

    :raises RuntimeError: it failed; with what it printed.
    """
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
    }
    completed = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if completed.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} failed:\n{completed.stdout[-4000:]}\n{completed.stderr[-4000:]}")
    return completed.stdout
