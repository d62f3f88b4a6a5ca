# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package that writes its data in the last stage of a Dockerfile: done by the build platform, there on the other one."""

from __future__ import annotations

import subprocess

PROJECT = """\
[project]
name = "data"
version = "1.0.0"
requires-python = ">=3.11"
dependencies = ["nltk==3.9.1"]
"""
#: Where nltk's host is not reached, its version is what it knows.
WRITES = "import nltk; open(nltk.data.os.path.expanduser('{path}'), 'w').write(nltk.__version__)"
DOCKERFILE = f"""\
FROM python:3.11-slim-bookworm AS base
WORKDIR /app/api
FROM base AS packages
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev
FROM base AS production
ENV NLTK_DATA=/usr/local/share/nltk_data
ENV VIRTUAL_ENV=/app/api/.venv
COPY --from=packages ${{VIRTUAL_ENV}} ${{VIRTUAL_ENV}}
ENV PATH="${{VIRTUAL_ENV}}/bin:${{PATH}}"
RUN mkdir -p $NLTK_DATA && python -c "{WRITES.format(path="/usr/local/share/nltk_data/punkt")}"
RUN python -c "{WRITES.format(path="~/nltk_data")}"
CMD ["sh", "-c", "cat $NLTK_DATA/punkt; echo; cat ~/nltk_data; echo; stat -c %u ~ ~/nltk_data; python -c 'import nltk'"]
"""


def test_data_are_written_once_and_no_step_is_emulated(modules, registry, prefix, tmp_path):
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    subprocess.run(["uv", "--quiet", "--native-tls", "--project", tmp_path, "lock"], check=True)
    built = modules.run(
        "image_build",
        images=[{"name": "data", "repository": f"{registry}/{prefix}/data", "context": str(tmp_path)}],
        platforms=["linux/amd64", "linux/arm64"],
        base_images={"python:3.11-slim-bookworm": f"{registry}/bases/python:3.11-slim-bookworm"},
        recipe="optimised",
    )
    assert not built.get("failed"), built["msg"]
    image = built["images"][0]
    assert [platform["emulated_steps"] for platform in image["platforms"]] == [0, 0]
    started = subprocess.run(
        ["docker", "run", "--rm", "--quiet", "--platform", "linux/arm64", image["reference"]],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    subprocess.run(["docker", "image", "rm", "--force", image["reference"]], check=False, capture_output=True)
    assert started.stdout.split() == ["3.9.1", "3.9.1", "1001", "1001"]
