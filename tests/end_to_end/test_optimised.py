# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sample by the recipe optimised, through the build playbook: both platforms, looked at from outside."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
import urllib.request

import pytest

NEW = "1.15.90"
PLATFORMS = ("linux/amd64", "linux/arm64")
#: What `redis-server` costs a derived image, installed by the image's own apt.
DERIVED = """\
FROM {reference}
USER root
RUN apt-get update && apt-get install --yes --no-install-recommends redis-server && test -z "$(dpkg --audit)"
USER 1001
"""
#: A worker that takes messages, one that is stopped, and what the health check says of each.
WORKER = """\
redis-server --save '' --daemonize yes > /dev/null
export MODE=worker CELERY_BROKER_URL=redis://127.0.0.1:6379/0 DB_HOST=127.0.0.1
celery -A app.celery worker --concurrency 1 > /tmp/worker.log 2>&1 &
for _ in $(seq 60); do if {check}; then echo healthy; break; fi; sleep 1; done
pkill -STOP -f 'celery.* worker' || kill -STOP $!
if {check}; then echo still healthy; else echo stopped is unhealthy; fi
"""
CHECK = "/usr/local/lib/imagefleet/health_check"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, repository_root):
    folder = tmp_path_factory.mktemp("optimised")
    subprocess.run([repository_root / "tools/sample_source", folder / "source"], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def namespace():
    return f"o{secrets.token_hex(4)}"


@pytest.fixture
def build(build_in, folder, namespace):
    return build_in(folder, namespace, images_components=["api", "web"], images_recipe="optimised")


@pytest.fixture
def reference(registry, namespace):
    """Gives the reference of a component's image."""
    return lambda component: f"{registry}/{namespace}/dify-{component}:latest"


def in_container(reference: str, platform: str, script: str, *options: str, user: str = "1001") -> str:
    completed = subprocess.run(
        ["docker", "run", "--rm", "--pull", "always", "--quiet", "--platform", platform, "--user", user, *options,
         "--entrypoint", "sh", reference, "-c", script],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def report(folder) -> dict[str, dict]:
    return {image["name"]: image for image in json.loads((folder / "report/report.json").read_text())["images"]}


def test_nothing_runs_for_the_foreign_platform(build, folder):
    build()
    emulated = {
        f"{name} {platform['platform']}": platform["emulated_steps"]
        for name, image in report(folder).items()
        for platform in image["platforms"]
    }
    assert emulated == {f"{name} {platform}": 0 for name in ("api", "web") for platform in PLATFORMS}


def test_again_builds_nothing(build):
    assert "changed=0" in build()


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("component", ["api", "web"])
def test_who_and_what_is_in_it(reference, component, platform):
    """The user, no program that becomes another one, a package database in order, and nothing that only a build needs."""
    found = in_container(
        reference(component),
        platform,
        "id --user; uname --machine; dpkg --audit; find / -xdev -type f -perm /6000 2> /dev/null; "
        "ls -d /app/*/tests /app/*/.git /app/*/Dockerfile /usr/share/man/man1 2> /dev/null; "
        "command -v gcc npm uv; touch /tmp/a /home/dify/a && echo home is writable; "
        "touch /app/a 2> /dev/null || echo code is not",
    )
    machine = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}[platform]
    assert found.split("\n") == ["1001", machine, "home is writable", "code is not", ""]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_programs_start_by_their_own_python(reference, platform):
    found = in_container(
        reference("api"),
        platform,
        "for program in gunicorn celery flask; do "
        "head -n 1 .venv/bin/$program; $program --version > /dev/null && echo starts; done",
    )
    assert found.splitlines() == ["#!/app/api/.venv/bin/python", "starts"] * 3


def test_each_module_is_compiled_once_and_checked_by_its_hash(reference):
    """A hash says whether the source is the one that was compiled, so that a changed file counts and times do not."""
    found = in_container(
        reference("api"),
        "linux/amd64",
        "python3 - <<'PYTHON'\n"
        "import pathlib\n"
        "modules = list(pathlib.Path('/app/api').rglob('*.py'))\n"
        "compiled = list(pathlib.Path('/app/api').rglob('*.pyc'))\n"
        "flags = {int.from_bytes(path.read_bytes()[4:8], 'little') for path in compiled}\n"
        "missing = [path for path in modules if not list(path.parent.glob(f'__pycache__/{path.stem}.*.pyc'))]\n"
        "print(flags, len(missing), any('/out' in str(path.read_bytes()) for path in compiled[:50]))\n"
        "PYTHON",
    )
    flags, missing, wrong_path = found.split()
    assert (flags, wrong_path) == ("{3}", "False")
    assert int(missing) < 5, "only files that are no Python of this version are left out"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_its_health_is_asked_by_mode(reference, platform):
    """Nobody answers to HTTP in a worker: what looks at the api alone would wait for it for ever."""
    found = in_container(
        reference("api"),
        platform,
        "".join(f"MODE={mode} {CHECK} 2> /dev/null && echo {mode}; " for mode in ("api", "worker", "beat", "migration"))
        + "true",
    )
    assert found.split() == ["migration"]


def test_a_worker_is_healthy_while_it_takes_messages(reference, folder):
    """In an image of its own, for which the image's own apt installs one more package."""
    (folder / "Dockerfile").write_text(DERIVED.format(reference=reference("api")))
    subprocess.run(
        ["docker", "buildx", "build", "--quiet", "--load", "--tag", "optimised-worker",
         "--file", folder / "Dockerfile", folder / "report"],
        check=True, capture_output=True,
    )  # fmt: skip
    script = WORKER.format(check=f"{CHECK} 2> /dev/null")
    completed = subprocess.run(
        ["docker", "run", "--rm", "--init", "--entrypoint", "bash", "optimised-worker", "-c", script],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    subprocess.run(["docker", "image", "rm", "--force", "optimised-worker"], check=False, capture_output=True)
    assert completed.stdout.splitlines() == ["healthy", "stopped is unhealthy"], completed.stderr


@pytest.mark.parametrize("component, port", [("api", 5002), ("web", 3000)])
def test_the_engine_finds_it_healthy(reference, component, port):
    """Started as Compose starts it, with its own health check, which is asked at once and not after half a minute."""
    name = f"optimised-{component}-{secrets.token_hex(3)}"
    subprocess.run(
        ["docker", "run", "--detach", "--name", name, "--publish", f"127.0.0.1::{port}", "--health-interval", "1s",
         reference(component)],
        check=True, capture_output=True,
    )  # fmt: skip
    try:
        state = wait_for_health(name)
        published = subprocess.run(
            ["docker", "port", name, str(port)], check=True, capture_output=True, text=True
        ).stdout.strip()
        path = "health" if component == "api" else ""
        with urllib.request.urlopen(f"http://{published}/{path}") as response:
            assert response.status == 200
        first = subprocess.run(
            ["docker", "exec", name, "cat", "/proc/1/comm"], check=True, capture_output=True, text=True
        ).stdout
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)
    assert (state, first) == ("healthy", "tini\n")


def wait_for_health(name: str) -> str:
    for _ in range(60):
        state = subprocess.run(
            ["docker", "inspect", "--format", "{{.State.Health.Status}}", name],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        if state != "starting":
            return state
        time.sleep(1)
    return "starting"
