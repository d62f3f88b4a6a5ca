# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mirrors, a proxy, a CA and variables of a build: they reach the steps, and nothing of them stays in the image."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import urllib.request
from urllib.parse import urljoin

import docker
import pytest
from pip._internal.models.index import PyPI

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from support.mirror import LOGIN, PASSWORD, running_mirror
from support.old_buildx import debian_mirrors

CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
PLATFORM = "linux/amd64"
#: What a base has where nobody put the machine's CA or mirrors into it.
PLAIN = """\
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt REQUESTS_CA_BUNDLE= NODE_EXTRA_CA_CERTS= PIP_CONFIG_FILE=/dev/null
RUN rm -f /etc/ssl/certs/ca-certificates.crt /usr/local/share/machine-ca.crt /etc/pip.conf
"""


@pytest.fixture(scope="module")
def bridge() -> str:
    """The address under which a build's steps reach this machine."""
    network = docker.from_env().networks.get("bridge")
    return network.attrs["IPAM"]["Config"][0]["Gateway"]


@pytest.fixture
def mirror(bridge, pypi, npm, debian):
    upstreams = {"/pypi/simple": pypi, "/pypi/packages": pypi_files(pypi), "/npm": npm, "/debian": debian}
    with running_mirror(bridge, upstreams) as running:
        yield running


@pytest.fixture(scope="module")
def pypi() -> str:
    """The index that pip takes here."""
    settings = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    )
    configured = re.search(r"(?m)^\S*index-url='([^']+)'", settings.stdout)
    return (os.environ.get("PIP_INDEX_URL") or (configured and configured[1]) or PyPI.simple_url).rstrip("/")


def pypi_files(index: str) -> str:
    """Where the index of this machine keeps its files, by what it says of a small package."""
    with urllib.request.urlopen(f"{index}/six/") as answer:
        path = re.search(r'href="([^"#]+)/packages/', answer.read().decode())
    return urljoin(f"{index}/six/", f"{path[1]}/packages")


@pytest.fixture(scope="module")
def npm(registry) -> str:
    """The registry that npm takes here when nobody says another one."""
    command = ["docker", "run", "--rm", f"{registry}/bases/node:20-bookworm-slim", "npm", "config", "get", "registry"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().rstrip("/")


@pytest.fixture(scope="module")
def debian() -> str:
    return next(address for address in debian_mirrors() if address.endswith("/debian"))


@pytest.fixture
def build(modules, registry, prefix, tmp_path):
    def run(dockerfile, base, *, files=None, check=False, **options):
        context = tmp_path / "context"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(f"FROM base\n{PLAIN}RUN echo {prefix}\n{dockerfile}\n")
        for name, text in (files or {}).items():
            (context / name).write_text(text)
        return modules.run(
            "image_build",
            check=check,
            images=[{"name": "it", "repository": f"{registry}/{prefix}/it", "context": str(context)}],
            platforms=[PLATFORM],
            base_images={"base": f"{registry}/bases/{base}"},
            buildx_config=str(tmp_path / "buildx"),
            **options,
        )

    return run


def kept(result) -> bytes:
    """All that a registry keeps of a build's result, but the layers of its base."""
    client = RegistryClient()
    image = result["images"][0]
    base_layers = set()
    for manifest in _manifests(client, parse_reference(image["bases"][0]["reference"])):
        base_layers.update(layer["digest"] for layer in manifest.document["layers"])
    reference = parse_reference(image["reference"])
    content = client.get_manifest(reference).raw
    for manifest in _manifests(client, reference):
        content += manifest.raw
        for blob in (manifest.document["config"], *manifest.document["layers"]):
            if blob["digest"] not in base_layers:
                data = client.get_blob(reference, blob["digest"])
                content += gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    return content


def _manifests(client, reference):
    index = client.get_manifest(reference)
    return [client.get_manifest(reference.with_digest(entry["digest"])) for entry in index.document["manifests"]]


def test_a_ca_is_trusted_in_the_build_and_not_left_behind(build, pypi):
    step = f"RUN pip download --no-deps --dest / --index-url {pypi} six==1.17.0"
    failed = build(step, "python:3.11-slim-bookworm")
    assert failed["failed"]
    assert "CERTIFICATE_VERIFY_FAILED" in failed["msg"] or "certificate" in failed["msg"].lower()
    done = build(step, "python:3.11-slim-bookworm", ca_bundle=CA_BUNDLE)
    assert done["changed"], done["msg"]
    content = kept(done)
    assert b"six-1.17.0" in content
    assert b"BEGIN CERTIFICATE" not in content
    # Not an input: who has the CA in their bases finds the same image.
    assert not build(step, "python:3.11-slim-bookworm")["changed"]


def test_pip_and_uv_download_from_the_mirror(build, mirror, tmp_path, pypi):
    """Also where a lock file holds addresses, and with a password in the mirror's own."""
    project = '[project]\nname = "it"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["six==1.17.0"]\n'
    (tmp_path / "project").mkdir()
    (tmp_path / "project/pyproject.toml").write_text(project)
    subprocess.run(["uv", "--native-tls", "lock", "--quiet"], cwd=tmp_path / "project", check=True)
    lock = (tmp_path / "project/uv.lock").read_text()
    assert f"{pypi_files(pypi)}/" in lock
    dockerfile = """\
RUN pip download --no-deps --dest /downloaded idna==3.10
RUN pip install --quiet uv==0.9.11
WORKDIR /project
COPY pyproject.toml uv.lock ./
ENV UV_PYTHON_DOWNLOADS=never
RUN uv sync --locked --no-cache && .venv/bin/python -c 'import six'
"""
    files = {"pyproject.toml": project, "uv.lock": lock}
    mirrors = {"pip": mirror.url("/pypi/simple", login=True)}
    done = build(dockerfile, "python:3.11-slim-bookworm", files=files, mirrors=mirrors)
    assert done["changed"], done["msg"]
    for package in ("idna", "uv", "six"):
        assert mirror.asked(f"/pypi/simple/{package}/") or package == "six"
        assert [path for path in mirror.asked("/pypi/packages/") if f"/{package}-" in path], package
    assert mirror.logins == {LOGIN, ""} or mirror.logins == {LOGIN}
    content = kept(done)
    assert f"{pypi_files(pypi)}/".encode() in content
    for trace in (mirror.host, PASSWORD, LOGIN):
        assert trace.encode() not in content
    # pip names the host in its output, which is the log.
    for secret in (PASSWORD, LOGIN):
        assert secret not in json.dumps(done)


def test_poetry_downloads_from_the_mirror(build, mirror):
    """Its own interface to the index is none that a mirror has. One package is built from its source, which asks again."""
    dockerfile = """\
RUN pip install --quiet --root-user-action ignore poetry==2.0.1
ENV POETRY_VIRTUALENVS_IN_PROJECT=true POETRY_CACHE_DIR=/tmp/poetry
WORKDIR /project
RUN poetry init --no-interaction --name it --python '>=3.11,<4'
RUN poetry add --no-cache docopt==0.6.2 six==1.17.0
RUN rm -r .venv && poetry install --no-cache --no-root && .venv/bin/python -c 'import docopt, six'
"""
    mirrors = {"pip": mirror.url("/pypi/simple", login=True)}
    done = build(dockerfile, "python:3.11-slim-bookworm", mirrors=mirrors)
    assert done["changed"], done["msg"]
    for package in ("docopt", "six", "setuptools"):
        assert mirror.asked(f"/pypi/simple/{package}/"), package
        assert [path for path in mirror.asked("/pypi/packages/") if f"/{package}-" in path], package
    content = kept(done)
    assert b'name = "docopt"' in content
    for trace in (mirror.host, PASSWORD, LOGIN, "imagefleet_mirror"):
        assert trace.encode() not in content
    assert PASSWORD not in json.dumps(done)


def test_npm_yarn_and_pnpm_download_from_the_mirror(build, mirror, npm):
    resolved = f"{npm}/is-number/-/is-number-7.0.0.tgz"
    integrity = "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng=="
    yarn_lock = f'# yarn lockfile v1\n\n\nis-number@7.0.0:\n  version "7.0.0"\n  resolved "{resolved}"\n  integrity {integrity}\n'
    dockerfile = """\
RUN npm install --global yarn@1.22.22 pnpm@9.15.9
WORKDIR /yarn
COPY package.json yarn.lock ./
RUN yarn install --frozen-lockfile --cache-folder /tmp/yarn && rm -r /tmp/yarn && test -d node_modules/is-number
WORKDIR /pnpm
COPY package.json ./
RUN pnpm install --store-dir /tmp/pnpm && rm -r /tmp/pnpm && test -d node_modules/is-number
"""
    files = {"package.json": '{"name": "it", "dependencies": {"is-number": "7.0.0"}}', "yarn.lock": yarn_lock}
    done = build(dockerfile, "node:20-bookworm-slim", files=files, mirrors={"npm": mirror.url("/npm", login=True)})
    assert done["changed"], done["msg"]
    assert len(mirror.asked("/npm/is-number/-/is-number-7.0.0.tgz")) == 2
    assert mirror.asked("/npm/yarn")
    assert mirror.asked("/npm/pnpm")
    assert LOGIN in mirror.logins
    # Some of these tools write down where they were: in files of the packages' folder, and in caches. Never the password.
    content = kept(done)
    for secret in (PASSWORD, LOGIN, LOGIN.removeprefix("Basic ")):
        assert secret.encode() not in content


def test_corepack_downloads_from_the_mirror(build, mirror):
    """Dify's web brings its package manager by it."""
    dockerfile = """\
RUN npm install --silent --global corepack@0.34.5 && corepack enable
WORKDIR /project
RUN printf '{"packageManager": "pnpm@9.15.9"}' > package.json && corepack install
RUN test "$(COREPACK_ENABLE_NETWORK=0 pnpm --version)" = 9.15.9
"""
    # Without that corepack wants npm's signatures, which not every mirror passes on.
    environment = {"COREPACK_INTEGRITY_KEYS": "0"}
    mirrors = {"npm": mirror.url("/npm", login=True)}
    done = build(dockerfile, "node:20-bookworm-slim", mirrors=mirrors, build_env=environment)
    assert done["changed"], done["msg"]
    assert [path for path in mirror.asked("/npm/pnpm/-/") if path.endswith("pnpm-9.15.9.tgz")]
    content = kept(done)
    for trace in (PASSWORD, LOGIN):
        assert trace.encode() not in content


def test_nltk_and_tiktoken_ask_the_mirror(build, mirror):
    """Neither has a setting for it. What they ask for is enough: nltk's failure is none to its caller, tiktoken's is."""
    dockerfile = """\
RUN pip install --quiet nltk==3.9.1 tiktoken==0.9.0
RUN python -c "import nltk; nltk.download('punkt')"
RUN python -c "import tiktoken; tiktoken.encoding_for_model('gpt2')" 2> /dev/null || touch /tiktoken-failed
"""
    mirrors = {
        "nltk": mirror.url("/nltk", login=True),
        "tiktoken": mirror.url("/tiktoken"),
        "pip": mirror.url("/pypi/simple"),
    }
    done = build(dockerfile, "python:3.11-slim-bookworm", mirrors=mirrors)
    assert done["changed"], done["msg"]
    assert mirror.asked("/nltk/")
    assert mirror.asked("/tiktoken/gpt-2/encodings/main/vocab.bpe")
    content = kept(done)
    assert b"tiktoken-failed" in content
    for trace in (mirror.host, PASSWORD, LOGIN):
        assert trace.encode() not in content


def test_apt_downloads_from_the_mirror_and_relaxed_pins_are_told(build, mirror):
    dockerfile = """\
RUN rm -f /etc/apt/sources.list.d/* && echo 'deb http://gone.example/debian bookworm main' > /etc/apt/sources.list
RUN apt-get update && apt-get install -y --no-install-recommends \\
      netbase=0.0.1-gone \\
      media-types && rm -rf /var/lib/apt/lists/*
"""
    mirrors = {"apt": mirror.url("", login=True)}
    pinned = build(dockerfile, "debian:bookworm-slim", mirrors=mirrors)
    assert pinned["failed"]
    assert "netbase" in pinned["msg"]
    relaxed = build(dockerfile, "debian:bookworm-slim", mirrors=mirrors, apt_pins="relax")
    assert relaxed["changed"], relaxed["msg"]
    assert relaxed["images"][0]["apt_pins"] == ["netbase=0.0.1-gone"]
    assert [path for path in mirror.asked("/debian/pool/") if "netbase" in path]
    assert LOGIN in mirror.logins
    content = kept(relaxed)
    for trace in (mirror.host, PASSWORD, LOGIN):
        assert trace.encode() not in content
    assert b"deb http://gone.example/debian bookworm main" in content


def test_packages_come_from_a_snapshot(build, bridge, debian):
    """The archive of snapshots is out of reach of most machines: the archive of today takes its place here."""
    stamp = "20250102T030405Z"
    upstream = {f"/archive/debian/{stamp}": debian}
    dockerfile = """\
RUN rm -f /etc/apt/sources.list.d/* && echo 'deb http://gone.example/debian bookworm main' > /etc/apt/sources.list
RUN apt-get update && apt-get install -y --no-install-recommends netbase && rm -rf /var/lib/apt/lists/*
"""
    options = {"apt_pins": "snapshot", "source_date_epoch": 1735787045}
    with running_mirror(bridge, upstream) as archive:
        mirrors = {"apt_snapshot": archive.url("")}
        done = build(dockerfile, "debian:bookworm-slim", mirrors=mirrors, **options)
        assert done["changed"], done["msg"]
        assert [path for path in archive.asked(f"/archive/debian/{stamp}/pool/") if "netbase" in path]
        later = build(dockerfile, "debian:bookworm-slim", check=True, **{**options, "source_date_epoch": 1735787046})
    assert later["images"][0]["reasons"] == ["first build"]
    assert later["images"][0]["fingerprint"] != done["images"][0]["fingerprint"]


def test_a_proxy_is_used_and_leaves_no_trace(build, mirror, pypi):
    proxy = {key: mirror.url("", login=True) for key in ("http", "https")}
    step = f"RUN pip download --no-deps --dest / --index-url {pypi} six==1.17.0 && env > /during"
    done = build(step.replace(" && env > /during", ""), "python:3.11-slim-bookworm", proxy=proxy, ca_bundle=CA_BUNDLE)
    assert done["changed"], done["msg"]
    assert mirror.asked("CONNECT ")
    content = kept(done)
    for trace in (mirror.host, PASSWORD, "https_proxy", "HTTPS_PROXY"):
        assert trace.encode() not in content
    assert PASSWORD not in json.dumps(done)


def test_variables_of_the_build_count_and_are_not_of_the_image(build):
    step = 'RUN echo "$GREETING" > /greeting'
    done = build(step, "debian:bookworm-slim", build_env={"GREETING": "it's $HOME"})
    assert b"it's $HOME" in kept(done)
    image = docker.from_env().images.pull(done["images"][0]["reference"])
    try:
        assert not [variable for variable in image.attrs["Config"]["Env"] if variable.startswith("GREETING")]
    finally:
        image.remove(force=True)
    changed = build(step, "debian:bookworm-slim", check=True, build_env={"GREETING": "hello"})
    assert changed["changed"]
    assert changed["images"][0]["fingerprint"] != done["images"][0]["fingerprint"]


def test_what_fails_is_told_as_the_dockerfile_has_it(build):
    failed = build("RUN echo before >&2 && echo why >&2 && exit 3", "debian:bookworm-slim", build_env={"A": "1"})
    assert failed["failed"]
    assert "RUN echo before >&2 && echo why >&2 && exit 3: dockerfile step." in failed["msg"]
    assert "imagefleet" not in failed["msg"]
    assert "\nbefore\nwhy\n" in failed["msg"]


def test_steps_of_every_form_and_user_have_it(build):
    dockerfile = """\
RUN useradd --uid 1001 dify && mkdir /out && chown dify /out
USER dify
RUN ["sh", "-c", "echo $A > /out/exec"]
RUN <<EOF
echo $A > /out/heredoc
EOF
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN echo $A > /out/shell
RUN test "$(cat /out/*)" = "$(printf '1\\n1\\n1')"
"""
    done = build(dockerfile, "debian:bookworm-slim", build_env={"A": 1})
    assert done["changed"], done["msg"]
    content = kept(done)
    # As the name of a file in a layer; the provenance names the mount.
    for path in (b"run/imagefleet", b"run/secrets"):
        assert path + b"/\0" not in content
        assert path + b"\0" not in content


def test_a_frontend_is_pinned_as_bases_are(modules, registry, prefix, tmp_path):
    """It is no FROM, so BUILDKIT_SYNTAX takes its place. An image that is no frontend shows that BuildKit asks it."""
    (tmp_path / "Dockerfile").write_text("# syntax=docker/dockerfile:1.7\nFROM base\nRUN true\n")
    frontend = f"{registry}/bases/busybox:latest"
    options = {
        "images": [{"name": "it", "repository": f"{registry}/{prefix}/it", "context": str(tmp_path)}],
        "platforms": [PLATFORM],
        "buildx_config": str(tmp_path / "buildx"),
    }
    bases = {"base": f"{registry}/bases/debian:bookworm-slim"}
    asked = modules.run("image_build", base_images={**bases, "docker/dockerfile:1.7": frontend}, **options)
    assert asked["failed"]
    assert "busybox" in json.dumps(asked)
    assert [base["reference"] for base in asked["images"][0]["bases"]] == [bases["base"], frontend]
    own = modules.run("image_build", base_images={**bases, "docker/dockerfile:1.7": "builtin"}, **options)
    assert own["changed"], own["msg"]
    assert [base["name"] for base in own["images"][0]["bases"]] == ["base"]


def test_locked_bases_are_built_on(build, registry, modules):
    reference = f"{registry}/bases/debian:bookworm-slim"
    digest = modules.run("image_info", reference=reference)["image"]["digest"]
    locked = build("RUN true", "debian:bookworm-slim", locked_bases={reference: digest})
    assert locked["images"][0]["bases"] == [{"name": "base", "reference": reference, "digest": digest}]
    other = "sha256:" + "0" * 64
    moved = build("RUN true", "debian:bookworm-slim", check=True, locked_bases={reference: other})
    assert moved["images"][0]["bases"][0]["digest"] == other
    assert moved["changed"]


def test_labels_say_what_it_is_and_what_it_is_built_on(build, registry, modules):
    labels = {"version": "1.2.3+patched", "revision": "a" * 40, "source": "https://ci:hunter2@git.example.com/dify.git"}
    done = build("RUN true", "debian:bookworm-slim", **labels)
    found = modules.run("image_info", reference=done["images"][0]["reference"])["image"]["platforms"][0]["labels"]
    base = done["images"][0]["bases"][0]
    assert {name.rpartition("image.")[2]: value for name, value in found.items() if "opencontainers" in name} == {
        "version": "1.2.3+patched",
        "revision": "a" * 40,
        "source": "https://git.example.com/dify.git",
        "base.name": f"{registry}/bases/debian:bookworm-slim",
        "base.digest": base["digest"],
    }
    # Where it comes from does not count, and what it is called does.
    assert not build("RUN true", "debian:bookworm-slim", **{**labels, "source": "/srv/dify"})["changed"]
    assert build("RUN true", "debian:bookworm-slim", check=True, **{**labels, "version": "1.2.3"})["changed"]


def test_texts_and_files_of_the_context_are_replaced(build):
    step = "COPY locale.js logo /out/"
    files = {"locale.js": "export const locale = 'en-US'\n", "logo": "theirs"}
    options = {
        "replacements": [{"path": "locale.js", "before": "'en-US'", "after": "'zh-Hans'"}],
        "context_files": [{"path": "logo", "content": "ours"}],
    }
    plain = build(step, "debian:bookworm-slim", files=files)
    changed = build(step, "debian:bookworm-slim", files=files, compare_to=plain["images"][0]["reference"], **options)
    assert changed["images"][0]["reasons"] == ["context it: 2 files changed: locale.js, logo"]
    assert b"export const locale = 'zh-Hans'" in kept(changed)
    gone = build(step, "debian:bookworm-slim", replacements=[{"path": "locale.js", "before": "de", "after": "x"}])
    assert "locale.js has 'de' 0 times" in gone["msg"]
