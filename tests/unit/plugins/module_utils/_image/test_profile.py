# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.profile import find_profile

SOURCES = Path(__file__).parent / "fixtures" / "sources"
SAMPLE = Path(__file__).parents[5] / "examples" / "sample_dify"
RELEASES = sorted(path.stem for path in SOURCES.glob("dify-[0-9]*.yml"))
SANDBOXES = sorted(path.stem for path in SOURCES.glob("dify-sandbox-*.yml"))
PLUGIN_DAEMONS = sorted(path.stem for path in SOURCES.glob("dify-plugin-daemon-*.yml"))


def recorded(name):
    """Paths and texts of a recorded source."""
    source = yaml.safe_load((SOURCES / f"{name}.yml").read_text())
    return source["paths"].split(), source["texts"]


def profile_of(name, version=None, drop=(), **texts):
    paths, recorded_texts = recorded(name)
    texts = {**recorded_texts, **texts}
    return find_profile([*(set(paths) | set(texts)) - set(drop)], lambda path: texts.get(path, ""), version)


def facts(name):
    """What generations differ in."""
    found = profile_of(name).result()
    api, web = found["components"]["api"], found["components"]["web"]
    return {
        "version": (found["version"], found["version_file"]),
        "others": (found["sandbox"], found["plugin_daemon"]),
        "api": (api["context"], api["dockerfile"], api["user"], api["package_manager"], api["package_manager_version"]),
        "web": (web["context"], web["dockerfile"], web["user"], web["package_manager"], web["package_manager_version"]),
        "corepack": web["corepack"],
        "locale": web["default_locale"]["file"],
        "base path": web["base_path_argument"],
        "pins": len(api["apt_pins"]),
        "components": sorted(found["components"]),
    }


CONSTANT, PROJECT = "api/configs/packaging/__init__.py", "api/pyproject.toml"
OLD_LOCALE, LOCALE, NEW_LOCALE = "web/i18n/index.ts", "web/i18n-config/index.ts", "web/i18n-config/locale.ts"
THREE = ["api", "ssrf_proxy", "web"]
GENERATIONS = {
    "dify-0.15.3": {
        "version": ("0.15.3", CONSTANT),
        "others": ("0.2.10", None),
        "api": ("api", "Dockerfile", "", "poetry", "2.0.1"),
        "web": ("web", "Dockerfile", "1001", "yarn", None),
        "corepack": False,
        "locale": OLD_LOCALE,
        "base path": None,
        "pins": 0,
        "components": THREE,
    },
    "dify-1.2.0": {
        "version": ("1.2.0", CONSTANT),
        "others": ("0.2.11", "0.0.7-local"),
        "api": ("api", "Dockerfile", "", "poetry", "2.0.1"),
        "web": ("web", "Dockerfile", "1001", "pnpm", "10.8.0"),
        "corepack": False,
        "locale": OLD_LOCALE,
        "base path": None,
        "pins": 0,
        "components": THREE,
    },
    # Its project file still says 1.2.0.
    "dify-1.3.0": {
        "version": ("1.3.0", CONSTANT),
        "others": ("0.2.11", "0.0.8-local"),
        "api": ("api", "Dockerfile", "", "uv", "0.6.14"),
        "web": ("web", "Dockerfile", "1001", "pnpm", "10.8.0"),
        "corepack": False,
        "locale": OLD_LOCALE,
        "base path": None,
        "pins": 0,
        "components": THREE,
    },
    "dify-1.10.0": {
        "version": ("1.10.0", PROJECT),
        "others": ("0.2.12", "0.4.1-local"),
        "api": ("api", "Dockerfile", "", "uv", "0.8.9"),
        "web": ("web", "Dockerfile", "1001", "pnpm", "10.22.0"),
        "corepack": True,
        "locale": LOCALE,
        "base path": None,
        "pins": 0,
        "components": THREE,
    },
    "dify-1.10.1": {
        "version": ("1.10.1", PROJECT),
        "others": ("0.2.12", "0.4.1-local"),
        "api": ("api", "Dockerfile", "1001", "uv", "0.8.9"),
        "web": ("web", "Dockerfile", "1001", "pnpm", "10.22.0"),
        "corepack": True,
        "locale": LOCALE,
        "base path": None,
        "pins": 3,
        "components": THREE,
    },
    "dify-1.12.1": {
        "version": ("1.12.1", PROJECT),
        "others": ("0.2.12", "0.5.3-local"),
        "api": ("api", "Dockerfile", "dify", "uv", "0.8.9"),
        "web": ("web", "Dockerfile", "dify", "pnpm", "10.27.0"),
        "corepack": True,
        "locale": LOCALE,
        "base path": "NEXT_PUBLIC_BASE_PATH",
        "pins": 3,
        "components": THREE,
    },
    "dify-1.17.1": {
        "version": ("1.17.1", PROJECT),
        "others": ("0.2.15", "0.6.10-local"),
        "api": (".", "api/Dockerfile", "dify", "uv", "0.8.9"),
        "web": (".", "web/Dockerfile", "dify", "pnpm", "10.33.0"),
        "corepack": True,
        "locale": NEW_LOCALE,
        "base path": "NEXT_PUBLIC_BASE_PATH",
        "pins": 3,
        "components": ["agent_backend", "api", "local_sandbox", "ssrf_proxy", "web"],
    },
}


def test_each_recorded_release_has_its_row():
    assert sorted(GENERATIONS) == RELEASES


@pytest.mark.parametrize("name", RELEASES)
def test_generations(name):
    assert facts(name) == GENERATIONS[name]


@pytest.mark.parametrize("name", [*RELEASES, *SANDBOXES, *PLUGIN_DAEMONS])
def test_each_recorded_source_is_what_its_release_is_known_to_be(name):
    assert profile_of(name, version=name.rpartition("-")[2]).tolerated == ()


@pytest.mark.parametrize("name", RELEASES)
def test_no_recorded_release_passes_for_another(name):
    for other in RELEASES:
        if other != name:
            with pytest.raises(CollectionError, match="is not what Dify .* is known to be"):
                profile_of(name, version=other.rpartition("-")[2])


@pytest.mark.parametrize(
    "name, version, subjects",
    [
        pytest.param("dify-0.15.3", "1.2.0", {"web package manager"}, id="0.15-for-1.2"),
        pytest.param("dify-1.2.0", "1.3.0", {"api package manager"}, id="1.2-for-1.3"),
        pytest.param("dify-1.3.0", "1.2.0", {"api package manager"}, id="1.3-for-1.2"),
        pytest.param("dify-1.3.0", "1.8.0", set(), id="1.3-for-1.8"),
        pytest.param("dify-1.10.0", "1.7.2", {"web corepack"}, id="1.10-for-1.7"),
        pytest.param("dify-1.10.0", "1.10.1", {"api user"}, id="1.10.0-for-1.10.1"),
        pytest.param("dify-1.12.1", "1.15.0", {"api context", "web context"}, id="1.12-for-1.15"),
        pytest.param("dify-1.12.1", "1.16.0", {"api context", "web context", "agent images"}, id="1.12-for-1.16"),
        pytest.param("dify-1.17.1", "1.12.1", {"api context", "web context", "agent images"}, id="1.17-for-1.12"),
    ],
)
def test_what_differs_is_named_beside_the_version(name, version, subjects):
    with pytest.raises(CollectionError) as error:
        profile_of(name, version=version)
    found = {reason.partition(":")[0] for reason in error.value.facts["disagreements"]}
    assert found == {"version", *subjects}


@pytest.mark.parametrize("user", ["root", "0", "root:root", "0:0"])
def test_root_is_root_by_any_name(user):
    texts = {"api/Dockerfile": f"FROM base\nCOPY uv.lock ./\nUSER {user}\n"}
    with pytest.raises(CollectionError) as error:
        profile_of("dify-1.12.1", version="1.12.1", **texts)
    (disagreement,) = error.value.facts["disagreements"]
    assert disagreement.startswith(f"api user: USER {user}, but 1.12.1 is expected to run as another user than root")


def test_what_the_files_say_is_not_checked_for_a_fork():
    assert profile_of("dify-0.15.3", version="1.2.0-ours") == profile_of("dify-0.15.3")


def test_the_image_of_an_api():
    api = profile_of("dify-1.12.1").result()["components"]["api"]
    assert api == {
        "context": "api",
        "dockerfile": "Dockerfile",
        "user": "dify",
        "workdir": "/app/api",
        "entrypoint": ["/bin/bash", "/entrypoint.sh"],
        "command": [],
        "exposes": [5001],
        "environment": {
            "UV_VERSION": "0.8.9",
            "FLASK_APP": "app.py",
            "EDITION": "SELF_HOSTED",
            "VIRTUAL_ENV": "/app/api/.venv",
        },
        "base_images": ["python:3.12-slim-bookworm"],
        "arguments": ["COMMIT_SHA", "NODE_MAJOR", "NODE_PACKAGE_VERSION", "dify_uid"],
        "syntax": None,
        "apt_pins": ["libldap-2.5-0=2.5.13+dfsg-5", "libsqlite3-0=3.40.1-2+deb12u2", "zlib1g=1:1.2.13.dfsg-1"],
        "package_manager": "uv",
        "package_manager_version": "0.8.9",
        "virtual_env": "/app/api/.venv",
        "lock_file": "api/uv.lock",
        "downloaded_data": {},
    }


def test_the_images_of_the_agent():
    components = profile_of("dify-1.17.1").result()["components"]
    backend, sandbox = components["agent_backend"], components["local_sandbox"]
    assert (backend["context"], backend["dockerfile"], backend["user"]) == (".", "dify-agent/Dockerfile", "dify")
    assert (backend["command"][0], backend["exposes"], backend["virtual_env"]) == ("uvicorn", [5050], "/app/api/.venv")
    assert (sandbox["context"], sandbox["dockerfile"]) == ("dify-agent", "docker/local-sandbox/Dockerfile")
    assert (sandbox["workdir"], sandbox["exposes"]) == ("/home/dify", [5004])
    assert sandbox["virtual_env"] == "/opt/dify-agent/.venv"
    for image in (backend, sandbox):
        assert (image["package_manager"], image["package_manager_version"]) == ("uv", "0.8.9")
        assert image["lock_file"] == "dify-agent/uv.lock"


def test_the_proxy_has_no_dockerfile_in_any_release():
    for name in RELEASES:
        proxy = profile_of(name).result()["components"]["ssrf_proxy"]
        assert proxy == {"context": "docker/ssrf_proxy", "dockerfile": None}


def test_a_proxy_with_a_dockerfile_tells_its_image():
    found = profile_of("dify-1.12.1", **{"docker/ssrf_proxy/Dockerfile": "FROM squid\nUSER proxy\n"}).result()
    assert found["components"]["ssrf_proxy"]["user"] == "proxy"


@pytest.mark.parametrize(
    "name, layout, flavours, versions",
    [
        pytest.param(
            "dify-sandbox-0.2.12",
            "per_architecture",
            {"amd64": "docker/amd64/dockerfile", "arm64": "docker/arm64/dockerfile"},
            ("1.23.3", "3.10", "20.11.1", "/usr/local/bin/python3"),
            id="per-architecture",
        ),
        pytest.param(
            "dify-sandbox-0.2.15",
            "templates",
            {
                "base": "docker/templates/base.dockerfile",
                "production": "docker/templates/production.dockerfile",
                "test": "docker/templates/test.dockerfile",
            },
            ("1.24.11", "3", "20.20.0", "/opt/python/bin/python3"),
            id="templates",
        ),
    ],
)
def test_sandbox(name, layout, flavours, versions):
    found = profile_of(name).result()
    assert (found["kind"], found["version"], list(found["components"])) == ("dify-sandbox", None, ["sandbox"])
    sandbox = found["components"]["sandbox"]
    assert (sandbox["context"], sandbox["dockerfile"], sandbox["layout"]) == (".", None, layout)
    assert {flavour: image["dockerfile"] for flavour, image in sandbox["flavours"].items()} == flavours
    assert tuple(sandbox[key] for key in ("go_version", "python_version", "node_version", "python_path")) == versions


@pytest.mark.parametrize(
    "name, go_version, style, bases",
    [
        pytest.param(
            "dify-plugin-daemon-0.5.3", "1.24.0", "script", ["golang:1.25-alpine", "ubuntu:24.04"], id="script"
        ),
        pytest.param(
            "dify-plugin-daemon-0.5.9", "1.25.0", "migrate", ["golang:1.25.8-alpine", "ubuntu:24.04"], id="migrate"
        ),
        pytest.param("dify-plugin-daemon-0.6.10", "1.26", "tini", ["golang:1.26", "ubuntu:24.04"], id="tini"),
    ],
)
def test_plugin_daemon(name, go_version, style, bases):
    found = profile_of(name).result()
    assert (found["kind"], list(found["components"])) == ("dify-plugin-daemon", ["plugin_daemon"])
    daemon = found["components"]["plugin_daemon"]
    assert (daemon["context"], daemon["dockerfile"]) == (".", "docker/local.dockerfile")
    assert (daemon["go_version"], daemon["layout"]) == (go_version, None)
    local, serverless = daemon["flavours"]["local"], daemon["flavours"]["serverless"]
    assert (local["entrypoint_style"], local["base_images"], local["syntax"]) == (style, bases, "docker/dockerfile:1")
    assert local["environment"] == {"PLATFORM": "local", "GIN_MODE": "release"}
    assert (serverless["entrypoint_style"], serverless["user"], serverless["syntax"]) == ("direct", "appuser", None)


@pytest.mark.parametrize(
    "name, version, disagreement",
    [
        pytest.param(
            "dify-sandbox-0.2.12",
            "0.2.15",
            "sandbox layout: docker/amd64/dockerfile, docker/arm64/dockerfile, but 0.2.15 is expected to keep templates "
            "(it does since 0.2.13)",
            id="sandbox",
        ),
        pytest.param(
            "dify-plugin-daemon-0.5.3",
            "0.6.0",
            "plugin daemon entry point: /bin/bash -c /app/entrypoint.sh, but 0.6.0 is expected to start by tini "
            "(it does since 0.6.0)",
            id="plugin-daemon",
        ),
    ],
)
def test_the_other_repositories_are_checked_too(name, version, disagreement):
    with pytest.raises(CollectionError) as error:
        profile_of(name, version=version)
    assert error.value.facts["disagreements"] == [disagreement]


@pytest.mark.parametrize(
    "texts, version, file",
    [
        pytest.param({CONSTANT: 'CURRENT_VERSION = "0.15.90"\n'}, "0.15.90", CONSTANT, id="plain-constant"),
        pytest.param({CONSTANT: "    CURRENT_VERSION: str = '1.0.0'\n"}, "1.0.0", CONSTANT, id="typed-constant"),
        pytest.param(
            {CONSTANT: 'CURRENT_VERSION: str = Field(\n  description="x",\n  default="1.0.0",\n)\nOTHER = "2"\n'},
            "1.0.0",
            CONSTANT,
            id="default-of-a-field",
        ),
        pytest.param(
            {CONSTANT: "# CURRENT_VERSION is elsewhere now\n", PROJECT: '[project]\nversion = "1.6.0"\n'},
            "1.6.0",
            PROJECT,
            id="project",
        ),
        pytest.param(
            {PROJECT: '[tool.other]\nversion = "9"\n\n[tool.poetry]\nname = "x"\nversion = "0.1.0"\n'},
            "0.1.0",
            PROJECT,
            id="project-of-poetry",
        ),
        pytest.param(
            {
                PROJECT: '[project]\ndynamic = ["version"]\n\n[tool.x]\nversion = "9"\n',
                "web/package.json": '{"version": "1"}',
            },
            "1",
            "web/package.json",
            id="only-the-pages",
        ),
        pytest.param({"web/package.json": '{"version": 1}'}, None, None, id="no-text"),
        pytest.param({"api/app.py": ""}, None, None, id="nowhere"),
    ],
)
def test_version(texts, version, file):
    found = find_profile(texts, texts.__getitem__)
    assert (found.version, found.version_file) == (version, file)


@pytest.mark.parametrize(
    "compose, tags",
    [
        pytest.param("    image: langgenius/dify-sandbox:0.2.12\n", ("0.2.12", None), id="sandbox"),
        pytest.param(
            "    image: 'registry.example.com:5000/ours/dify-plugin-daemon:0.5.3-local'\n",
            (None, "0.5.3-local"),
            id="mirror",
        ),
        pytest.param("    image: ${SANDBOX:-langgenius/dify-sandbox:0.2.12}\n", ("0.2.12", None), id="default"),
        pytest.param("    # image: langgenius/dify-sandbox:0.2.1\n", (None, None), id="comment"),
        pytest.param("    image: langgenius/dify-sandbox\n", (None, None), id="no-tag"),
        pytest.param("    image: ours/not-dify-sandbox-x:1\n", (None, None), id="another-image"),
    ],
)
def test_versions_of_the_other_repositories(compose, tags):
    found = find_profile(["docker/docker-compose.yaml"], lambda _path: f"services:\n  one:\n{compose}")
    assert (found.sandbox, found.plugin_daemon) == tags


def sample_profile(generation, version):
    """The profile of a generation of the sample. Its lock file of Python is made when it becomes a repository."""
    root = SAMPLE / f"generation_{generation}"
    paths = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    lock_file = {"api/uv.lock"} if generation == 2 else set()
    return find_profile(paths | lock_file, lambda path: "" if path in lock_file else (root / path).read_text(), version)


@pytest.mark.parametrize(
    "generation, version, deviations",
    [
        pytest.param(1, "0.15.90", ["api package manager", "api user", "web package manager"], id="generation-1"),
        pytest.param(2, "1.15.90", ["web corepack", "plugin daemon"], id="generation-2"),
    ],
)
def test_the_sample_passes_for_its_versions(generation, version, deviations):
    found = sample_profile(generation, version)
    assert (found.kind, found.version) == ("dify", version)
    assert sorted(told.partition(":")[0] for told in found.tolerated) == sorted(deviations)


def test_bytes_that_are_no_text_are_told_with_a_sign_in_their_place():
    found = profile_of("dify-1.12.1", **{"api/Dockerfile": "FROM base\nENV A=caf\udce9\nUSER n\udcff\n"}).result()
    api = found["components"]["api"]
    assert (api["environment"], api["user"]) == ({"A": "caf\ufffd"}, "n\ufffd")


def test_a_source_of_nothing():
    found = find_profile(["README.md"], lambda _path: "")
    assert found.result() == {
        "kind": "dify",
        "components": {},
        "version": None,
        "version_file": None,
        "sandbox": None,
        "plugin_daemon": None,
        "tolerated": [],
    }
