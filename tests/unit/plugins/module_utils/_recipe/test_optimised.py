# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import parse_dockerfile
from ansible_collections.imagefleet.dify.plugins.module_utils._image.image_configuration import find_configuration
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.base_environment import MARK, with_environment
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.optimised import Wanted, optimised_dockerfile

GENERATIONS = [(generation, component) for generation in (1, 2) for component in ("api", "web")]
API = """\
# syntax=docker/dockerfile:1
ARG SUITE=bookworm
FROM python:3.12-slim-${SUITE} AS base
WORKDIR /app/api
ENV UV_VERSION=0.8.9
RUN pip install uv==${UV_VERSION}
FROM base AS packages
RUN apt-get update && apt-get install -y g++
COPY pyproject.toml uv.lock ./
RUN uv sync --locked
FROM base AS production
ENV TZ=UTC
EXPOSE 5001
ARG dify_uid=1001
RUN useradd -u ${dify_uid} dify && chown -R dify:dify /app
RUN apt-get update && apt-get install -y libmagic1=1:5.44-3 && rm -rf /var/lib/apt/lists/*
ENV VIRTUAL_ENV=/app/api/.venv
COPY --from=packages --chown=dify:dify ${VIRTUAL_ENV} ${VIRTUAL_ENV}
ENV PATH="${VIRTUAL_ENV}/bin:${PATH}"
RUN python -c "import nltk; nltk.download('punkt')"
COPY --chown=dify:dify . /app/api/
COPY docker/entrypoint.sh /entrypoint.sh
RUN chmod +x /entrypoint.sh
ARG COMMIT_SHA
ENV COMMIT_SHA=${COMMIT_SHA}
USER dify
ENTRYPOINT ["/bin/bash", "/entrypoint.sh"]
"""
WEB = """\
FROM node:20-alpine AS base
RUN apk add --no-cache tzdata
FROM base AS builder
WORKDIR /app/web
COPY . .
RUN yarn install --frozen-lockfile && yarn build
FROM base AS production
WORKDIR /app/web
COPY --from=builder /app/web/.next/standalone ./
COPY docker/pm2.json ./pm2.json
RUN yarn global add pm2 && mkdir /.pm2 && chown -R 1001:0 /.pm2 /app/web
USER 1001
CMD ["node", "server.js"]
"""


def sample(repository_root, generation: int, component: str) -> str:
    return (repository_root / f"examples/sample_dify/generation_{generation}/{component}/Dockerfile").read_text()


def last_stage(text: str) -> list[str]:
    return text[text.rindex("\nFROM ") + 1 :].splitlines()


@pytest.mark.parametrize("generation, component", GENERATIONS)
def test_the_sample_runs_nothing_where_the_image_does(repository_root, generation, component):
    """Each stage with a step is of the build platform; the one that is not gives files."""
    made = parse_dockerfile(optimised_dockerfile(sample(repository_root, generation, component), {}).text)
    named = {stage.name for stage in made.stages}
    of_target = [stage for stage in made.stages if stage.platform is None and stage.base not in named]
    assert [
        (stage.base == "scratch", [i.keyword for i in stage.instructions if i.keyword == "RUN"]) for stage in of_target
    ] == [
        (False, []),
        (True, []),
    ]


@pytest.mark.parametrize("generation, component", GENERATIONS)
def test_the_sample_s_images_are_configured_as_before(repository_root, generation, component):
    """Environment, folder and ports are the source's; what it starts is started by an init process, as uid 1001."""
    text = sample(repository_root, generation, component)
    before = find_configuration(parse_dockerfile(text), {})
    after = find_configuration(parse_dockerfile(optimised_dockerfile(text, {}).text), {})
    assert (after.environment, after.workdir, after.exposes) == (before.environment, before.workdir, before.exposes)
    assert after.entrypoint == ("/usr/bin/tini", "--", *before.entrypoint)
    assert (after.user, after.command) == ("1001", before.command)


def test_a_step_that_has_to_run_there_is_kept_in_its_place():
    lines = last_stage(optimised_dockerfile(API, {}).text)
    step = lines.index("RUN python -c \"import nltk; nltk.download('punkt')\"")
    assert lines.index('ENV PATH="${VIRTUAL_ENV}/bin:${PATH}"') < step < lines.index("ARG COMMIT_SHA")
    assert lines.index("COPY --from=packages /app/api/.venv /app/api/.venv") < step


NLTK_LOCK = """\
[[package]]
name = "nltk"
version = "3.9.1"
sdist = { url = "https://example.com/nltk-3.9.1.tar.gz", hash = "sha256:a" }
wheels = [
    { url = "https://example.com/nltk-3.9.1-py3-none-any.whl", hash = "sha256:b" },
]

[[package]]
name = "numpy"
version = "1.0"
wheels = [
    { url = "https://example.com/numpy-1.0-cp312-cp312-manylinux_2_17_aarch64.whl", hash = "sha256:c" },
]

[[package]]
name = "numpy"
version = "2.0"
wheels = [
    { url = "https://example.com/numpy-2.0-cp312-cp312-manylinux_2_17_aarch64.whl", hash = "sha256:d" },
]
"""
DOWNLOADS = "RUN python -c \"import nltk; nltk.download('punkt')\""


def stage(text: str, name: str) -> list[str]:
    lines = text.splitlines()
    start = next(
        number for number, line in enumerate(lines) if line.startswith("FROM ") and line.endswith(f" AS {name}")
    )
    end = next(number for number in range(start + 1, len(lines)) if lines[number].startswith("FROM "))
    return lines[start:end]


def test_data_that_a_locked_package_downloads_are_downloaded_by_the_build_platform():
    text = API.replace("ENV TZ=UTC", "ENV TZ=UTC\nENV NLTK_DATA=/usr/local/share/nltk_data")
    made = optimised_dockerfile(text, {}, read={"uv.lock": NLTK_LOCK}.get).text
    data = stage(made, "imagefleet-data")
    assert data[0] == "FROM --platform=$BUILDPLATFORM python:3.12-slim-${SUITE} AS imagefleet-data".replace(
        "${SUITE}", "bookworm"
    )
    # Of a package that the lock has twice, its platforms decide.
    assert "nltk==3.9.1" in "\n".join(data)
    assert "numpy" not in "\n".join(data)
    assert "dify_uid" not in made
    settings, step = data.index("ENV NLTK_DATA=/usr/local/share/nltk_data"), data.index(DOWNLOADS.partition(" ")[2])
    assert settings < step
    last = last_stage(made)
    assert DOWNLOADS not in last
    assert last.index("COPY --from=imagefleet-data /imagefleet-data /") < last.index(
        "COPY --from=imagefleet-program /out /"
    )


@pytest.mark.parametrize(
    "step, lock",
    [
        pytest.param(DOWNLOADS, "", id="no-lock"),
        pytest.param(DOWNLOADS, NLTK_LOCK.replace("nltk", "other"), id="not-in-the-lock"),
        pytest.param(DOWNLOADS.replace("import nltk;", "import nltk, os;"), NLTK_LOCK, id="more-than-data-is-imported"),
        pytest.param(DOWNLOADS.replace("nltk", "numpy"), NLTK_LOCK, id="no-package-that-is-known-to-download-data"),
        pytest.param(DOWNLOADS.replace("RUN ", "RUN --network=host "), NLTK_LOCK, id="an-option-of-the-step"),
        pytest.param("RUN python setup.py", NLTK_LOCK, id="a-program-of-its-own"),
    ],
)
def test_another_program_runs_where_the_image_does(step, lock):
    made = optimised_dockerfile(API.replace(DOWNLOADS, step), {}, read={"uv.lock": lock}.get).text
    assert step in last_stage(made)
    assert "imagefleet-data" not in made


def test_packages_of_the_system_cost_one_step_there():
    lines = last_stage(optimised_dockerfile(API, {}).text)
    assert [line for line in lines if line.startswith("RUN")][0].startswith("RUN <<")
    made = optimised_dockerfile(API, {}).text
    assert "wanted=libmagic1=1:5.44-3" in made
    assert made.count("apt-get install -y g++") == 1, "what compiles is installed where it builds, and there alone"


def test_code_is_not_given_away_with_its_folder():
    made = optimised_dockerfile(API, {}).text
    assert "mkdir -p /out/app && chown 1001:1001 /out/app" in made
    assert "chown -R 1001:1001 /out/app/api/storage" in made
    assert "--chown" not in made


def test_global_arguments_are_kept_and_the_frontend_is_not():
    made = optimised_dockerfile(API, {"SUITE": "trixie"}).text
    assert parse_dockerfile(made).arguments == {"SUITE": "bookworm"}
    assert parse_dockerfile(made).syntax is None
    assert "FROM --platform=$BUILDPLATFORM python:3.12-slim-${SUITE} AS base" in made.splitlines()


def test_an_argument_that_nothing_uses_any_more_is_not_declared():
    """So that giving it is refused, and not taken for something that it does not do."""
    arguments = [line for line in last_stage(optimised_dockerfile(API, {}).text) if line.startswith("ARG")]
    assert arguments == ["ARG COMMIT_SHA"]


def test_pages_get_their_programs_without_running_them():
    made = optimised_dockerfile(WEB, {}).text
    assert "npm install --global --prefix /out/usr/local --no-fund --no-audit --no-update-notifier pm2" in made
    assert "wanted=tzdata" in made
    assert "COPY docker/pm2.json /out/app/web/pm2.json" in made.splitlines()
    assert last_stage(made)[-2:] == ['ENTRYPOINT ["/usr/bin/tini", "--"]', 'CMD ["node", "server.js"]']


def test_downloads_of_node_s_packages_are_kept_on_the_builder():
    steps = [line for line in optimised_dockerfile(WEB, {}).text.splitlines() if "yarn install" in line]
    assert len(steps) == 1
    assert steps[0].startswith("RUN --mount=type=cache,id=imagefleet-npm,target=/root/.npm ")
    assert steps[0].endswith("yarn install --frozen-lockfile && yarn build")


@pytest.mark.parametrize(
    "text, message",
    [
        pytest.param("FROM busybox\nCMD ['sh']\n", "installs Python packages .* recipe upstream", id="neither-kind"),
        pytest.param("FROM scratch\nCOPY a /\n", "it is scratch", id="no-base"),
        pytest.param(
            "FROM node AS a\nRUN npm run build\nFROM node\nCOPY --from=0 /a /a\n",
            "Line 4 .* by its number",
            id="numbered-stage",
        ),
        pytest.param(
            API.replace("ENV VIRTUAL_ENV=/app/api/.venv\n", "ENV VIRTUAL_ENV=$HOME_OF\n"),
            "Line 18 .*VIRTUAL_ENV",
            id="unknown",
        ),
        pytest.param(
            "FROM python AS packages\nRUN uv sync\nFROM python\nCOPY --from=packages /v /v\n",
            "needs VIRTUAL_ENV",
            id="no-environment",
        ),
    ],
)
def test_what_it_cannot_do_is_said(text, message):
    with pytest.raises(CollectionError, match=message):
        optimised_dockerfile(text, {})


@pytest.mark.parametrize(
    "environment, lines",
    [
        pytest.param(
            {"LANG": "C.UTF-8", "A": 'x "$y"'}, ['ENV LANG="C.UTF-8"', 'ENV A="x \\"\\$y\\""'], id="values-as-they-are"
        ),
        pytest.param({}, ["# The base image sets no environment."], id="none"),
    ],
)
def test_the_base_s_environment_stands_where_it_is_marked(environment, lines):
    assert with_environment(f"FROM scratch\n{MARK}\nUSER 1\n", environment).splitlines() == [
        "FROM scratch",
        *lines,
        "USER 1",
    ]


LOCK = """\
[[package]]
name = "fast"
version = "1.2"
sdist = { url = "https://files.example.com/fast-1.2.tar.gz", hash = "sha256:00", size = 1 }
wheels = [{ url = "https://files.example.com/fast-1.2-cp312-cp312-manylinux_2_17_x86_64.whl", hash = "sha256:11", size = 2 }]
"""


def test_what_has_no_wheel_is_compiled_in_a_stage_of_its_own():
    """Alone, on the image's platform, with the compilers that the source installs and without its tools."""
    recipe = optimised_dockerfile(API, {}, None, {"uv.lock": LOCK}.get, Wanted(("amd64", "arm64")))
    assert recipe.compiled == {"amd64": (), "arm64": ("fast==1.2",)}
    stages = {stage.name: stage for stage in parse_dockerfile(recipe.text).stages}
    compiled = stages["imagefleet-compiled"]
    assert compiled.platform is None
    steps = [instruction.value for instruction in compiled.instructions if instruction.keyword == "RUN"]
    assert steps[0] == "apt-get update && apt-get install -y g++"
    assert "arm64) requirements='fast==1.2 --hash=sha256:00'" in recipe.text
    assert "arm64) apart=fast ;;" in recipe.text
    assert "from=imagefleet-compiled,source=/imagefleet/wheels" in recipe.text


def test_where_everything_has_a_wheel_there_is_no_such_stage():
    recipe = optimised_dockerfile(API, {}, None, {"uv.lock": LOCK}.get, Wanted(("amd64",)))
    assert recipe.compiled == {"amd64": ()}
    assert "imagefleet-compiled" not in recipe.text


def test_packages_are_named_only_for_a_lock():
    with pytest.raises(CollectionError, match="build_on_target has crcmod, and the Dockerfile copies no"):
        optimised_dockerfile(WEB, {}, None, {}.get, Wanted(("arm64",), frozenset(("crcmod",))))
