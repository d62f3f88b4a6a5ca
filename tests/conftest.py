# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests share: where the repository and the registry are, and how a playbook is run."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from support import registries
from support.module_runner import ModuleRunner

ROOT = Path(__file__).resolve().parent.parent
DEADLINE_SECONDS = 1500
#: Where `tools/check everything` leaves what became of the base images and of Molecule, which are made beside the tests.
BESIDE = os.environ.get("IMAGEFLEET_BESIDE")
collect_ignore = [] if BESIDE else ["integration/test_beside.py"]
collect_ignore += [] if os.environ.get("IMAGEFLEET_FRESH_HOST") else ["integration/test_fresh_host.py"]
BESIDE_MOLECULE = ("arguments_against_buildkit", "ignore_against_buildkit", "registry_client", "beside")
#: What needs nothing of this machine, and what needs its base images but no quiet.
NEEDS_NOTHING = ("tests/unit/", "tests/faults/test_bad_")
NEEDS_BASES = tuple(f"tests/integration/test_{name}.py" for name in BESIDE_MOLECULE)


class RunPlaybook(Protocol):
    def __call__(self, playbook: Path | str, *options: str, **variables: Any) -> str: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Beside Molecule runs what can, before what waits for it."""
    if BESIDE:
        items.sort(key=lambda item: _turn(str(item.path.relative_to(ROOT))))


def _turn(path: str) -> int:
    if path.endswith("test_beside.py"):
        return 2
    return 0 if path.startswith(NEEDS_NOTHING) else 1 if path.startswith(NEEDS_BASES) else 3


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What needs the bases waits for them; what looks at the machine, or needs it quiet, until Molecule is done with it."""
    path = str(item.path.relative_to(ROOT))
    if not BESIDE or path.startswith(NEEDS_NOTHING):
        return
    awaited = Path(BESIDE) / ("bases" if path.startswith(NEEDS_BASES) else "molecule")
    end = time.monotonic() + DEADLINE_SECONDS
    while not awaited.exists():
        if time.monotonic() > end:
            pytest.fail(f"{awaited.name} took more than {DEADLINE_SECONDS} s", pytrace=False)
        time.sleep(1)


@pytest.fixture(scope="session")
def repository_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def registry() -> str:
    """The registry of this machine, as the registry playbook makes it; another one by IMAGEFLEET_TEST_REGISTRY."""
    return os.environ.get("IMAGEFLEET_TEST_REGISTRY", "localhost:5000")


@pytest.fixture
def prefix() -> str:
    """A name of its own for everything a test makes outside of its folder."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def playbook_environment() -> Mapping[str, str]:
    """For every program of Ansible that a test runs: our collections, no colours, no warning about localhost."""
    return {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_ROLES_PATH": str(ROOT / "tests" / "integration" / "targets"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


@pytest.fixture
def run_playbook(playbook_environment: Mapping[str, str]) -> RunPlaybook:
    """Run a playbook to its end and return what it printed; the test fails with that when the playbook does."""

    def run(playbook: Path | str, *options: str, **variables: Any) -> str:
        command = ["ansible-playbook", str(playbook), *options, "--extra-vars", json.dumps(variables)]
        try:
            result = subprocess.run(
                command,
                env=playbook_environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=DEADLINE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as expired:
            output = (expired.stdout or b"").decode(errors="replace")
            pytest.fail(f"{playbook} was not done after {DEADLINE_SECONDS} s:\n{output}", pytrace=False)
        if result.returncode != 0:
            pytest.fail(f"{playbook} ended with status {result.returncode}:\n{result.stdout}", pytrace=False)
        return result.stdout

    return run


@pytest.fixture(scope="session")
def registry_with_password(tmp_path_factory):
    """A registry with TLS and a password, as an entry of ``registries``."""
    folder = tmp_path_factory.mktemp("registry")
    registries.make_certificates(folder)
    (folder / "htpasswd").write_text(registries.HTPASSWD)
    tls = {"tls": {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")}}
    auth = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    with registries.running_registry(folder, tls, auth=auth) as port:
        yield {
            "host": f"localhost:{port}",
            "ca": str(folder / "ca.crt"),
            "username": "ci",
            "password": "hunter2",
        }


@pytest.fixture(scope="module")
def plain_registry(tmp_path_factory):
    """A registry without either: host, and the folder of its blobs."""
    folder = tmp_path_factory.mktemp("plain")
    with registries.running_registry(folder, {}) as port:
        yield f"localhost:{port}", folder / "data/docker/registry/v2/blobs/sha256"


@pytest.fixture(scope="session")
def modules():
    """Runs modules in a warm process."""
    runner = ModuleRunner()
    yield runner
    runner.close()
