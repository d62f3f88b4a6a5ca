# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.component import (
    DefaultLocale,
    Sources,
    find_component,
    find_default_locale,
    find_python_component,
    find_web_component,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.layout import Layout

API = Layout("api", "Dockerfile")
WEB = Layout("web", "Dockerfile")
WEB_ROOT = Layout(".", "web/Dockerfile")


def sources(texts):
    return Sources(frozenset(texts), texts.__getitem__)


@pytest.mark.parametrize(
    "dockerfile, locks, manager, lock_file",
    [
        pytest.param("COPY poetry.lock ./", ["poetry.lock"], "poetry", "api/poetry.lock", id="poetry"),
        pytest.param("COPY uv.lock ./", ["uv.lock"], "uv", "api/uv.lock", id="uv"),
        pytest.param("COPY requirements.txt ./", ["requirements.txt"], "pip", "api/requirements.txt", id="pip"),
        pytest.param("COPY . .", ["poetry.lock"], "poetry", "api/poetry.lock", id="copied-with-everything"),
        pytest.param("COPY *.lock ./", ["uv.lock"], "uv", "api/uv.lock", id="copied-by-a-pattern"),
        pytest.param(
            "COPY poetry.lock ./", ["uv.lock", "poetry.lock"], "poetry", "api/poetry.lock", id="of-two-the-copied-one"
        ),
        pytest.param(
            "COPY . .\nRUN poetry install",
            ["uv.lock", "poetry.lock"],
            "poetry",
            "api/poetry.lock",
            id="of-two-the-one-that-runs",
        ),
        pytest.param(
            "COPY . .\nRUN ./uv-like poetry.sh",
            ["poetry.lock", "requirements.txt"],
            "poetry",
            "api/poetry.lock",
            id="neither-runs",
        ),
        pytest.param(
            "COPY poetry.lock ./\nRUN uv --version",
            ["uv.lock", "poetry.lock"],
            "poetry",
            "api/poetry.lock",
            id="copied-beats-running",
        ),
        pytest.param("COPY . .", [], None, None, id="none"),
    ],
)
def test_package_manager_of_the_api(dockerfile, locks, manager, lock_file):
    texts = {"api/Dockerfile": f"FROM base\n{dockerfile}\n", **{f"api/{lock}": "" for lock in locks}}
    found = find_python_component(API, "api", sources(texts))
    assert (found.package_manager, found.lock_file) == (manager, lock_file)


@pytest.mark.parametrize(
    "lines, version",
    [
        pytest.param("RUN pip install uv==0.8.9", "0.8.9", id="literal"),
        pytest.param('RUN pip install "uv==0.8.9" && uv sync', "0.8.9", id="in-quotes"),
        pytest.param("ENV UV_VERSION=0.8.9\nRUN pip install uv==${UV_VERSION}", "0.8.9", id="variable"),
        pytest.param("ARG V=0.8.9\nRUN pip install 'uv==$V'", "0.8.9", id="argument"),
        pytest.param("ARG V\nRUN pip install uv==$V", None, id="argument-without-default"),
        pytest.param("RUN pip install libuv==1 && pip install uv", None, id="another-package"),
    ],
)
def test_version_of_the_package_manager(lines, version):
    texts = {"api/Dockerfile": f"FROM base AS b\n{lines}\nFROM b\nCOPY uv.lock ./\n", "api/uv.lock": ""}
    assert find_python_component(API, "api", sources(texts)).package_manager_version == version


def test_a_stage_that_the_image_does_not_reach_tells_nothing():
    texts = {"api/Dockerfile": "FROM a AS tests\nRUN pip install uv==1\nFROM a\nCOPY uv.lock ./\n", "api/uv.lock": ""}
    assert find_python_component(API, "api", sources(texts)).package_manager_version is None


@pytest.mark.parametrize(
    "lines, folder",
    [
        pytest.param("ENV VIRTUAL_ENV=/app/api/.venv", "/app/api/.venv", id="named"),
        pytest.param("RUN pip install -r requirements.txt", None, id="the-bases-own-python"),
        pytest.param("ENV VIRTUAL_ENV=$WHERE/.venv", None, id="cannot-be-told"),
    ],
)
def test_virtual_environment(lines, folder):
    assert find_python_component(API, "api", sources({"api/Dockerfile": f"FROM a\n{lines}\n"})).virtual_env == folder


@pytest.mark.parametrize(
    "layout, dockerfile, files, manager, version, lock_file",
    [
        pytest.param(WEB, "COPY yarn.lock .", {"web/yarn.lock": ""}, "yarn", None, "web/yarn.lock", id="yarn"),
        pytest.param(
            WEB,
            "COPY package-lock.json .",
            {"web/package-lock.json": ""},
            "npm",
            None,
            "web/package-lock.json",
            id="npm",
        ),
        pytest.param(
            WEB,
            "RUN npm install -g pnpm@9.12.2\nCOPY pnpm-lock.yaml .",
            {"web/pnpm-lock.yaml": "", "web/package.json": "{}"},
            "pnpm",
            "9.12.2",
            "web/pnpm-lock.yaml",
            id="pnpm-by-npm",
        ),
        pytest.param(
            WEB,
            "COPY pnpm-lock.yaml .",
            {"web/pnpm-lock.yaml": "", "web/package.json": '{"packageManager": "pnpm@10.27.0+sha512.72d6"}'},
            "pnpm",
            "10.27.0",
            "web/pnpm-lock.yaml",
            id="pnpm-by-corepack",
        ),
        pytest.param(
            WEB_ROOT,
            "COPY package.json pnpm-lock.yaml /app/\nCOPY web web",
            {"pnpm-lock.yaml": "", "package.json": '{"packageManager": "pnpm@10.33.0"}', "web/package.json": "{}"},
            "pnpm",
            "10.33.0",
            "pnpm-lock.yaml",
            id="workspace-in-the-root",
        ),
        pytest.param(
            WEB_ROOT,
            "COPY pnpm-lock.yaml /app/",
            {"pnpm-lock.yaml": "", "web/package.json": '{"packageManager": "pnpm@10.1.0"}'},
            "pnpm",
            "10.1.0",
            "pnpm-lock.yaml",
            id="version-beside-the-pages",
        ),
        pytest.param(
            WEB,
            "COPY pnpm-lock.yaml .",
            {"web/pnpm-lock.yaml": "", "web/yarn.lock": ""},
            "pnpm",
            None,
            "web/pnpm-lock.yaml",
            id="lock-file-left-behind",
        ),
        pytest.param(
            WEB,
            "COPY yarn.lock .",
            {"web/yarn.lock": "", "web/package.json": '{"packageManager": "pnpm@10.1.0"}'},
            "yarn",
            None,
            "web/yarn.lock",
            id="version-of-another-one",
        ),
        pytest.param(
            WEB,
            "COPY yarn.lock .",
            {"web/yarn.lock": "", "web/package.json": "[1"},
            "yarn",
            None,
            "web/yarn.lock",
            id="no-json",
        ),
        pytest.param(
            WEB,
            "COPY yarn.lock .",
            {"web/yarn.lock": "", "web/package.json": "[1]"},
            "yarn",
            None,
            "web/yarn.lock",
            id="a-list",
        ),
        pytest.param(WEB, "COPY . .", {}, None, None, None, id="none"),
    ],
)
def test_package_manager_of_the_pages(layout, dockerfile, files, manager, version, lock_file):
    found = find_web_component(layout, sources({"web/Dockerfile": f"FROM base\n{dockerfile}\n", **files}))
    assert (found.package_manager, found.package_manager_version, found.lock_file) == (manager, version, lock_file)


@pytest.mark.parametrize(
    "lines, corepack, base_path",
    [
        pytest.param("RUN corepack enable", True, None, id="corepack"),
        pytest.param("RUN npm install -g pnpm@9 # no corepack-like", False, None, id="no-corepack"),
        pytest.param('ARG NEXT_PUBLIC_BASE_PATH=""', False, "NEXT_PUBLIC_BASE_PATH", id="base-path"),
        pytest.param("ENV NEXT_PUBLIC_BASE_PATH=/x", False, None, id="base-path-that-cannot-be-given"),
    ],
)
def test_corepack_and_base_path(lines, corepack, base_path):
    found = find_web_component(WEB, sources({"web/Dockerfile": f"FROM base\n{lines}\n"}))
    assert (found.corepack, found.base_path_argument) == (corepack, base_path)


@pytest.mark.parametrize(
    "file, line, value",
    [
        pytest.param("web/i18n/index.ts", "  defaultLocale: 'en-US',", "en-US", id="key-of-an-object"),
        pytest.param("web/i18n-config/index.ts", '\tdefaultLocale : "zh-Hans"', "zh-Hans", id="double-quotes"),
        pytest.param("web/i18n/index.js", "export const defaultLocale = 'en-US'", "en-US", id="constant"),
        pytest.param(
            "web/i18n-config/locale.ts",
            "export const defaultLocale = 'en-US' satisfies Locale",
            "en-US",
            id="checked-constant",
        ),
        pytest.param("web/i18n/index.ts", "const defaultLocale: Locale = 'en-US'", "en-US", id="typed-constant"),
    ],
)
def test_default_locale(file, line, value):
    text = (
        f"import {{ defaultLocale }} from './locale'\nconst fallback = defaultLocale\n{line}\ndefaultLocale = 'fr-FR'\n"
    )
    assert find_default_locale(sources({file: text})) == DefaultLocale(file, value, line)


def test_the_newest_place_of_the_default_locale_counts():
    texts = {
        "web/i18n-config/index.ts": "export { defaultLocale }",
        "web/i18n-config/locale.ts": "const defaultLocale = 'a'",
    }
    assert find_default_locale(sources(texts)) == DefaultLocale(
        "web/i18n-config/locale.ts", "a", "const defaultLocale = 'a'"
    )
    assert find_default_locale(sources({"web/i18n-config/index.ts": "export const defaultLocale = other"})) is None


def test_what_a_dockerfile_tells():
    text = (
        "# syntax=docker/dockerfile:1\nARG V=12\nFROM python:3.$V AS base\nARG COMMIT_SHA\n"
        "RUN apt-get install -y perl zlib1g=1:1.2.13.dfsg-1\nFROM base\nCOPY --from=tools:1 /t /t\nUSER 1001\n"
    )
    found = find_component(Layout(".", "Dockerfile"), sources({"Dockerfile": text})).result()
    assert found == {
        "context": ".",
        "dockerfile": "Dockerfile",
        "user": "1001",
        "workdir": "",
        "entrypoint": (),
        "command": (),
        "exposes": (),
        "environment": {},
        "base_images": ("python:3.12", "tools:1"),
        "arguments": ("COMMIT_SHA", "V"),
        "syntax": "docker/dockerfile:1",
        "apt_pins": ("zlib1g=1:1.2.13.dfsg-1",),
    }


def test_a_base_that_must_be_given_is_not_told():
    found = find_component(Layout(".", "Dockerfile"), sources({"Dockerfile": "ARG BASE\nFROM $BASE\nUSER 1\n"}))
    assert (found.base_images, found.configuration.user) == (None, "1")


def test_what_a_build_downloads_is_told():
    text = (
        "FROM python:3.12\nRUN python -c \"import nltk; nltk.download('punkt'); nltk.download('stopwords')\"\n"
        "RUN python -c \"import tiktoken; tiktoken.encoding_for_model('gpt2')\"\n"
    )
    found = find_python_component(API, "api", sources({"api/Dockerfile": text}))
    assert found.downloaded_data == {"nltk": ("punkt", "stopwords"), "tiktoken": ("gpt2",)}


def test_languages_and_a_page_without_a_login_are_told():
    texts = {
        "web/i18n/index.ts": "defaultLocale: 'en-US'",
        "web/i18n/en-US/app.json": "",
        "web/i18n/zh-Hans/app.json": "",
        "web/Dockerfile": "FROM node:20\n",
    }
    assert find_default_locale(sources(texts)).known == ("en-US", "zh-Hans")
    web = Layout("web", "Dockerfile")
    assert find_web_component(web, sources(texts)).page == "/"
    assert find_web_component(web, sources({**texts, "web/app/signin/page.tsx": ""})).page == "/signin"
