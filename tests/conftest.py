# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests share: where the repository and the registry are, and how a playbook is run."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from support import registries
from support.module_runner import ModuleRunner

ROOT = Path(__file__).resolve().parent.parent
DEADLINE_SECONDS = 1500
#: Held by each test that runs on this machine's engine, and for itself by one that must be alone.
LOCK = Path(tempfile.gettempdir()) / "imagefleet-dify-tests.lock"
#: Where `tools/check everything` leaves what became of the base images and of Molecule, which are made beside the tests.
BESIDE = os.environ.get("IMAGEFLEET_BESIDE")
collect_ignore = [] if BESIDE else ["integration/test_beside.py"]
collect_ignore += [] if os.environ.get("IMAGEFLEET_FRESH_HOST") else ["integration/test_fresh_host.py"]
#: What needs nothing of this machine; it goes first, while the base images are made.
NEEDS_NOTHING = ("tests/unit/", "tests/faults/test_bad_")
#: What looks at the whole machine, or changes what all share, runs last and by itself.
ALONE = ("tests/check_mode/", "tests/faults/test_interruption.py", "tests/integration/test_playbooks.py")
ALONE_TARGETS = ("apt_packages", "binfmt", "image_smoke_test")
#: Each of their tests stands by itself; those of other files share what was made before, in their order.
FILES_OF_SINGLES = ("test_targets.py", "test_examples.py", "test_bad_input.py", "test_bad_role_input.py")


class RunPlaybook(Protocol):
    def __call__(self, playbook: Path | str, *options: str, **variables: Any) -> str: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _turn(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where pytest has several workers: the tests of a group go to one of them, in their order."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that must be alone waits for what other workers are at, and they for it."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if _is_alone(item.nodeid) else fcntl.LOCK_SH)
        return (yield)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What needs the bases waits for them; what looks at the machine, until Molecule is done with it."""
    if not BESIDE or item.nodeid.startswith(NEEDS_NOTHING):
        return
    awaited = Path(BESIDE) / ("molecule" if _is_alone(item.nodeid) else "bases")
    end = time.monotonic() + DEADLINE_SECONDS
    while not awaited.exists():
        if time.monotonic() > end:
            pytest.fail(f"{awaited.name} took more than {DEADLINE_SECONDS} s", pytrace=False)
        time.sleep(1)


def _place(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def _is_alone(nodeid: str) -> bool:
    return nodeid.startswith(ALONE) or nodeid.endswith(tuple(f"test_target[{name}]" for name in ALONE_TARGETS))


def _group(nodeid: str) -> str:
    """What a test shares with others: the machine, the image of builders' nodes, or what its file made; singles nothing."""
    if _is_alone(nodeid):
        return "alone"
    if nodeid.startswith("tests/builders/") or nodeid.endswith("test_target[buildx_builder]"):
        return "builders"
    return nodeid if _place(nodeid).endswith(FILES_OF_SINGLES) else _place(nodeid)


def _turn(nodeid: str) -> int:
    """Files of long tests go before single ones, so that no worker is left with a long one at the end."""
    if _place(nodeid).endswith("test_beside.py"):
        return 3
    if _is_alone(nodeid):
        return 4
    if nodeid.startswith(NEEDS_NOTHING):
        return 0
    return 2 if _place(nodeid).endswith(FILES_OF_SINGLES) else 1


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
    with registries.registry_with_login(tmp_path_factory.mktemp("registry")) as entry:
        yield entry


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
