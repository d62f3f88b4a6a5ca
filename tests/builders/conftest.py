# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix: driver x BuildKit x buildx. With IMAGEFLEET_REAL_BUILDKIT=1 real daemons join the stand-ins."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.spec import BUILDX_SPEC
from ansible_collections.imagefleet.dify.plugins.modules.buildx_builder import BUILDER_SPEC
from support.builder_under_test import CONTAINER, REMOTE, BuilderUnderTest, Table
from support.buildkit_nodes import Real, StandIn

REAL = bool(os.environ.get("IMAGEFLEET_REAL_BUILDKIT"))
# Stand-ins share the cache of this machine's engine, so that none is cold. The life of their nodes in containers is for the
# integration target buildx_builder, which tries two of buildx.
collect_ignore = (
    []
    if REAL
    else [
        "test_container.py",
        "test_dead_nodes.py",
        "test_native_nodes.py",
        "test_registry_cache.py",
        "test_role.py",
        "test_tls.py",
    ]
)
# The whole matrix takes a quarter of an hour: without real daemons, the stand-ins and one buildx are enough here. Both
# are tried on the stand-ins by the integration target buildx_builder.
BUILDX = ["installed", "older"] if REAL else ["installed"]
KINDS = [StandIn, Real] if REAL else [StandIn]


@pytest.fixture(scope="session")
def table():
    """Written at the end to IMAGEFLEET_BUILDERS_TABLE; all options of the module were tried then."""
    made = Table()
    yield made
    if os.environ.get("IMAGEFLEET_BUILDERS_TABLE"):
        made.write(Path(os.environ["IMAGEFLEET_BUILDERS_TABLE"]))
        assert set(options(BUILDER_SPEC.options)) - set(BUILDX_SPEC.options) - made.options == set()


def options(spec, prefix=""):
    """The options of a module, and those below them."""
    for name, described in spec.items():
        yield f"{prefix}{name}"
        yield from options(described.get("options", {}), f"{prefix}{name}.")


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.__name__)
def buildkit(request, tmp_path_factory, registry):
    made = request.param(tmp_path_factory.mktemp("buildkit"), registry)
    yield made
    made.clear()


@pytest.fixture(scope="session")
def images(buildkit, engine):
    """Two references of the image for nodes in containers."""
    behind, references = buildkit.make_images()
    yield references
    for reference in references:
        engine.images.remove(reference, force=True)
    if behind:
        behind.stop()


@pytest.fixture(scope="session", params=BUILDX)
def buildx(request):
    """Its version, and the environment in which Docker finds it."""
    environment = {}
    if request.param == "older":
        command = [sys.executable, str(Path(__file__).parent.parent / "support" / "old_buildx.py")]
        environment = {"DOCKER_CONFIG": subprocess.check_output(command, text=True, timeout=600).strip()}
    said = subprocess.check_output(["docker", "buildx", "version"], text=True, env={**os.environ, **environment})
    return re.search(r"(\d+\.\d+\.\d+)", said)[1], environment


@pytest.fixture(scope="session")
def engine():
    client = docker.from_env(timeout=120)
    yield client
    client.close()


@pytest.fixture
def daemons():
    """Remembers what a test started, to stop it."""
    started = []
    yield started
    for daemon in started:
        daemon.stop()


@pytest.fixture
def make(modules, table, buildkit, images, buildx, engine, tmp_path, prefix):
    """``make(driver)``: a builder under test that does not exist yet."""
    made = []

    def builder(driver):
        label, environment = buildx
        folder = tmp_path / "buildx"
        environment = {**environment, "BUILDX_CONFIG": str(folder)}
        one = BuilderUnderTest(modules, table, driver, buildkit, label, environment, folder, prefix, images, engine)
        made.append(one)
        return one

    yield builder
    for one in made:
        one.remove()


@pytest.fixture(params=[REMOTE, CONTAINER])
def driver(request):
    return request.param
