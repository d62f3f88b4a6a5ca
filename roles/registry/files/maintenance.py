# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a registry's storage in order, from timers of systemd: garbage collection and backup.

The two never run at once. Garbage is only collected while nobody writes: nginx answers writes with 503 as long as a file is
there, and what was under way is waited for. Uploads whose manifest did not come in time are garbage as well: their clients
begin again.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator, Sequence

LOCK = Path("/run/imagefleet-registry/maintenance.lock")
#: nginx gives up what is under way after 15 minutes itself.
LONGEST_DRAIN_SECONDS = 16 * 60
#: Copies are named after their time. Beside them may be what is somebody else's, such as lost+found.
COPIES = f"{'[0-9]' * 8}T{'[0-9]' * 6}.{'[0-9]' * 6}Z"

ROOT = Path("docker/registry/v2")
#: rsync's status when something went while it copied.
VANISHED = 24
#: How the storage is copied: a push writes blobs, then links to layers and manifests, then tags, so each step is one before.
#: A tag or manifest may be deleted meanwhile. Blobs only go by a collection, which waits for its turn; their files have other
#: names until they are whole.
STEPS = (
    ("repositories", ("_uploads", "_layers", "_manifests/revisions"), (0, VANISHED)),
    ("repositories", ("_uploads", "_layers", "_manifests/tags"), (0, VANISHED)),
    ("repositories", ("_uploads", "_manifests"), (0, VANISHED)),
    ("blobs", ("data.*.tmp",), (0,)),
)


def main() -> None:
    arguments = parse_arguments()
    began = datetime.now(timezone.utc)
    with only_one():
        done: dict[str, Any] = arguments.work(arguments)
    took = (datetime.now(timezone.utc) - began).total_seconds()
    report = {"began": began.strftime("%Y-%m-%dT%H:%M:%SZ"), "seconds": round(took, 1), **done}
    write_report(arguments.report, report)
    print(json.dumps(report), flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    jobs = parser.add_subparsers(required=True)
    collect = jobs.add_parser("collect-garbage")
    collect.set_defaults(work=collect_garbage)
    collect.add_argument("--configuration", required=True, help="the registry's")
    collect.add_argument("--read-only", type=Path, required=True, help="file that nginx looks for")
    collect.add_argument("--user", help="that the registry runs as, where it is a service of systemd")
    collect.add_argument("--front", help="nginx's unit there")
    collect.add_argument("--compose", help="the file of Compose where it is not")
    backup = jobs.add_parser("back-up")
    backup.set_defaults(work=back_up)
    backup.add_argument("--storage", type=Path, required=True)
    backup.add_argument("--directory", type=Path, required=True)
    backup.add_argument("--keep", type=int, required=True)
    for job in (collect, backup):
        job.add_argument("--report", type=Path, required=True)
    return parser.parse_args()


@contextmanager
def only_one() -> Iterator[None]:
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def collect_garbage(arguments: argparse.Namespace) -> dict[str, Any]:
    """Remove the blobs that no manifest has. Never those of manifests without a tag: indexes have theirs by digest."""
    began = time.monotonic()
    services = Containers(arguments.compose) if arguments.compose else Units(arguments.user, arguments.front)
    arguments.read_only.touch()
    try:
        drain(services)
        printed = run([*services.registry, "garbage-collect", arguments.configuration], **services.account)
    finally:
        arguments.read_only.unlink(missing_ok=True)
    removed = sum("blob eligible for deletion" in line for line in printed.splitlines())
    return {"removed_blobs": removed, "read_only_seconds": round(time.monotonic() - began, 1)}


class Units:
    """Registry and nginx as services of systemd."""

    registry = ("docker-registry",)

    def __init__(self, user: str, front: str) -> None:
        self.account: dict[str, Any] = {"user": user, "group": user, "extra_groups": []}
        self.front = front

    def nginx(self) -> int:
        return int(run(["systemctl", "show", "--property=MainPID", "--value", self.front]))

    def reload(self) -> None:
        run(["systemctl", "reload", self.front])


class Containers:
    """Registry and nginx in containers of Compose."""

    def __init__(self, file: str) -> None:
        self.compose = ["docker", "compose", f"--file={file}"]
        self.configuration = str(Path(file).with_name("nginx.conf"))
        self.registry = (*self.compose, "exec", "-T", "registry", "registry")
        self.account: dict[str, Any] = {}

    def nginx(self) -> int:
        container = run([*self.compose, "ps", "--quiet", "front"]).strip()
        return int(run(["docker", "inspect", "--format={{.State.Pid}}", container]))

    def reload(self) -> None:
        # A container that the engine signals counts as stopped by hand, and stays down after the next boot.
        run([*self.compose, "exec", "-T", "front", "nginx", "-c", self.configuration, "-s", "reload"])


def run(command: Sequence[str], fine: Sequence[int] = (0,), **account: Any) -> str:
    """What a program prints. With a status that is not fine, its job ends, saying why."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, **account, capture_output=True, text=True, check=False
    )
    if done.returncode not in fine:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def drain(services: Units | Containers) -> None:
    """Wait for the requests that began before nginx refused writes: those of the workers that it had then."""
    nginx = services.nginx()
    before = workers_of(nginx)
    services.reload()
    end = time.monotonic() + LONGEST_DRAIN_SECONDS
    while before & workers_of(nginx):
        if time.monotonic() > end:
            sys.exit("nginx has requests from before that do not end. Nothing was collected.")
        time.sleep(0.2)


def workers_of(pid: int) -> set[str]:
    """The processes that a process has started."""
    try:
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    except FileNotFoundError:
        return set()


def back_up(arguments: argparse.Namespace) -> dict[str, Any]:
    """Copy the storage: what refers to something before that, so that a copy has all it refers to.

    What the last copy has already is linked, and costs no space.
    """
    arguments.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in folders(arguments.directory, f"{COPIES}.part"):
        shutil.rmtree(left)
    there = folders(arguments.directory, COPIES)
    name = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    part = arguments.directory / f"{name}.part"
    for folder, excluded, fine in STEPS:
        (part / ROOT / folder).mkdir(parents=True, exist_ok=True)
        if (arguments.storage / ROOT / folder).is_dir():
            last = [f"--link-dest={there[-1] / ROOT / folder}"] if there else []
            excludes = [f"--exclude={pattern}" for pattern in excluded]
            ends = [f"{root / ROOT / folder}/" for root in (arguments.storage, part)]
            run(["rsync", "--archive", *excludes, *last, *ends], fine)
    os.sync()
    part.rename(arguments.directory / name)
    gone = [*there, arguments.directory / name][: -arguments.keep]
    for path in gone:
        shutil.rmtree(path)
    return {"backup": str(arguments.directory / name), "removed": [str(path) for path in gone]}


def folders(directory: Path, pattern: str) -> list[Path]:
    return sorted(path for path in directory.glob(pattern) if path.is_dir() and not path.is_symlink())


def write_report(path: Path, report: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(report) + "\n")
    part.replace(path)


if __name__ == "__main__":
    main()
