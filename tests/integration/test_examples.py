# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The EXAMPLES of the image modules run as they stand in the documentation, but for names of hosts and folders.

The other modules' examples are run by their own targets.
"""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path

import pytest
import yaml

MODULES = (
    "image_build",
    "image_smoke_test",
    "image_promote",
    "image_prune",
    "image_untag",
    "image_info",
    "registry_info",
)

#: What the examples take for granted: a source, an image that was built, and bases where no registry is reached.
SETUP = """
- name: Check the sample out
  imagefleet.dify.source_checkout:
    repo: {folder}/source
    ref: main
    dest: {folder}/checkout
  register: source

- name: Build an image
  imagefleet.dify.image_build:
    images:
      - name: api
        repository: localhost:5000/dify/dify-api
        context: {folder}/tiny
    platforms: [linux/amd64, linux/arm64]
  register: build

- name: Give it a tag
  imagefleet.dify.image_promote:
    reference: "{{{{ build.images[0].reference }}}}"
    tags: ["1.0.0"]
"""
TINY = """\
FROM busybox:latest
RUN mkdir /www && echo hello > /www/index.html
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
"""


def examples_of(module: str) -> str:
    return importlib.import_module(f"ansible_collections.imagefleet.dify.plugins.modules.{module}").EXAMPLES


@pytest.mark.parametrize("module", MODULES)
def test_examples(module, tmp_path, prefix, registry, repository_root, run_playbook):
    # Their contexts are folders, as those of the older generation, and one has a base path, as the newer has.
    source = tmp_path / "source"
    subprocess.run([repository_root / "tools/sample_source", source, "generation_1"], check=True)
    with (source / "web/Dockerfile").open("a") as dockerfile:
        dockerfile.write("ARG NEXT_PUBLIC_BASE_PATH\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *identity, "commit", "--quiet", "--all", "--message", "base path"], cwd=source, check=True)
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/Dockerfile").write_text(TINY)
    text = SETUP.format(folder=tmp_path) + examples_of(module)
    text = text.replace("/srv/dify", str(source)).replace("/srv/bundle", str(tmp_path / "bundle"))
    for namespace in ("dify", "production", "staging"):
        text = text.replace(f"localhost:5000/{namespace}/", f"{registry}/{prefix}/{namespace}/")
    bases = {
        name: f"{registry}/bases/{name}"
        for name in ("busybox:latest", "python:3.11-slim-bookworm", "node:20-bookworm-slim")
    }
    play = {
        "name": "Run the examples",
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}", "vault_index_password": "hunter2"},
        "module_defaults": {"imagefleet.dify.image_build": {"base_images": bases}},
        "tasks": yaml.safe_load(text),
    }
    playbook = tmp_path / "examples.yml"
    playbook.write_text(yaml.safe_dump([play], sort_keys=False))
    output = run_playbook(Path(playbook))
    assert "hunter2" not in output
