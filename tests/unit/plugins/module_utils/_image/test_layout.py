# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.layout import Layout, find_layouts

FOLDER = Layout("api", "Dockerfile")
ROOT = Layout(".", "api/Dockerfile")


def layouts(dockerfile, *paths, component="api"):
    texts = {f"{component}/Dockerfile": f"FROM base\n{dockerfile}\n"}
    return find_layouts([*texts, *paths], texts.__getitem__)


@pytest.mark.parametrize(
    ("dockerfile", "paths", "layout"),
    [
        ("COPY pyproject.toml poetry.lock ./\nCOPY . /app/api/", ["api/pyproject.toml", "api/poetry.lock"], FOLDER),
        ("COPY api/uv.lock ./\nCOPY api /app/api/", ["api/uv.lock"], ROOT),
        ("COPY docker/entrypoint.sh /", ["api/docker/entrypoint.sh", "docker/compose.yaml"], FOLDER),
        ("COPY api/docker/entrypoint.sh dify-agent /", ["api/docker/entrypoint.sh", "dify-agent/a.py"], ROOT),
        ("RUN --mount=type=bind,source=api/uv.lock,target=uv.lock uv sync", ["api/uv.lock"], ROOT),
        # What is copied tells nothing: a folder is the rule, an ignore file that only a root context reads the exception.
        ("COPY . /app", ["api/a.py"], FOLDER),
        ("COPY . /app", ["api/a.py", "api/Dockerfile.dockerignore"], ROOT),
        ("COPY . /app", ["api/a.py", "api/Dockerfile.dockerignore", "api/.dockerignore"], FOLDER),
        ("COPY *.toml ./", ["api/a.toml"], FOLDER),
        ("ARG file\nCOPY $file ./", ["api/a.toml"], FOLDER),
        ("COPY a.py /", ["api/a.py", "a.py"], FOLDER),
        ("COPY --from=base /lib /lib", [], FOLDER),
        ("ADD https://example.com/a /", [], FOLDER),
    ],
)
def test_where_a_build_starts(dockerfile, paths, layout):
    assert layouts(dockerfile, *paths) == {"api": layout}


def test_what_nobody_has():
    with pytest.raises(CollectionError) as error:
        layouts("COPY a.py api/b.py /", "api/a.py", "api/b.py")
    assert (
        "api/Dockerfile copies api/b.py, which api does not have, and a.py, which the source's root" in error.value.msg
    )


def test_components_are_what_the_source_has():
    assert layouts("", "docker/ssrf_proxy/squid.conf.template", component="web") == {
        "web": Layout("web", "Dockerfile"),
        "ssrf_proxy": Layout("docker/ssrf_proxy", None),
    }
    assert find_layouts(["docker/ssrf_proxy/README.md", "api/app.py"], str) == {}


def test_a_component_may_get_a_dockerfile_of_its_own():
    files = {"docker/ssrf_proxy/squid.conf.template": "", "docker/ssrf_proxy/Dockerfile": "FROM base"}
    assert find_layouts(files, files.__getitem__) == {"ssrf_proxy": Layout("docker/ssrf_proxy", "Dockerfile")}


AGENT = {
    "dify-agent/Dockerfile": "FROM base\nCOPY dify-agent/uv.lock ./\nCOPY dify-agent/src ./src\n",
    "dify-agent/docker/local-sandbox/Dockerfile": "FROM base\nCOPY uv.lock ./\nCOPY src ./src\n",
    "dify-agent/uv.lock": "",
    "dify-agent/src/agent.py": "",
}


def test_the_agent_is_built_from_the_root_and_its_sandbox_from_the_agents_folder():
    assert find_layouts(AGENT, AGENT.__getitem__) == {
        "agent_backend": Layout(".", "dify-agent/Dockerfile"),
        "local_sandbox": Layout("dify-agent", "docker/local-sandbox/Dockerfile"),
    }


@pytest.mark.parametrize(
    "layout, path",
    [
        pytest.param(Layout("api", "Dockerfile"), "api/uv.lock", id="context-in-a-folder"),
        pytest.param(Layout(".", "api/Dockerfile"), "uv.lock", id="context-in-the-root"),
    ],
)
def test_a_path_of_the_context_is_one_of_the_source(layout, path):
    assert layout.path("./uv.lock") == path


def test_a_dockerfile_that_is_none_is_named():
    with pytest.raises(CollectionError, match="^web/Dockerfile: The Dockerfile has no FROM line") as error:
        find_layouts(["web/Dockerfile"], lambda _path: "# nothing yet\n")
    assert error.value.facts["dockerfile"] == "web/Dockerfile"
