# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""BuildKit for builders under test, real or a stand-in: daemons to start and kill, and an image for docker-container."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from support import real_buildkit
from support.registries import free_port

SUPPORT = Path(__file__).resolve().parent
RUNC = "/usr/sbin/runc"
REAL_DOCKERFILE = """\
FROM {base}
RUN apt-get update && apt-get install --yes --no-install-recommends runc && rm -rf /var/lib/apt/lists/*
COPY buildctl buildkitd /usr/bin/
ENTRYPOINT ["buildkitd"]
"""


@dataclass
class Daemon:
    """A program that listens at a port of loopback, and can be killed and started there again."""

    command: list[str]
    port: int
    log: Path
    process: subprocess.Popen | None = field(default=None, init=False)

    @property
    def endpoint(self):
        return f"tcp://127.0.0.1:{self.port}"

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _attempt in range(200):
            assert self.process.poll() is None, self.log.read_text(errors="replace")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError(f"{self.command[0]} does not listen: {self.log.read_text(errors='replace')}")

    def kill(self):
        """At once, as by a crash."""
        self.process.kill()
        self.process.wait(10)

    @contextlib.contextmanager
    def cut_off(self):
        """The cable is pulled: packets from and to its port get lost, and nobody is told."""
        rules = [["INPUT", "-p", "tcp", side, str(self.port), "-j", "DROP"] for side in ("--dport", "--sport")]
        for rule in rules:
            subprocess.run(["iptables", "--insert", *rule], check=True)
        try:
            yield
        finally:
            for rule in rules:
                subprocess.run(["iptables", "--delete", *rule], check=True)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def engine_relay(folder):
    """The engine of this machine at an address of its own, which can go away."""
    port = free_port()
    proxy = str(SUPPORT / "buildkit_proxy.py")
    return Daemon([sys.executable, proxy, f"127.0.0.1:{port}", "--plain"], port, folder / f"engine-{port}.log").start()


@dataclass
class StandIn:
    """The BuildKit inside the engine, behind proxies; containers hold no BuildKit, and reach it by a proxy too."""

    folder: Path
    registry: str
    name: str = "stand-in"
    container_opts: dict[str, str] = field(default_factory=dict)

    def start(self, *flags):
        assert not flags, "the stand-in takes no flags"
        port = free_port()
        proxy = str(SUPPORT / "buildkit_proxy.py")
        return Daemon([sys.executable, proxy, f"127.0.0.1:{port}"], port, self.folder / f"{port}.log").start()

    def clear(self):
        """Proxies leave nothing."""

    def make_images(self):
        """Two references of one image, so that another image can be asked for."""
        behind = self.start()
        self.container_opts = {"env.BUILDKIT_PROXY_PORT": str(behind.port)}
        base = f"{self.registry}/bases/busybox:latest"
        return behind, _push(SUPPORT / "buildkit_stand_in", f"{self.registry}/builders/stand-in", f"BASE={base}")


@dataclass
class Real:
    """buildkitd itself, with runc from the distribution."""

    folder: Path
    registry: str
    name: str = f"real {real_buildkit.VERSION}"
    container_opts: dict[str, str] = field(default_factory=dict)

    def start(self, *flags):
        port = free_port()
        command = [
            str(real_buildkit.programs_folder() / "buildkitd"),
            f"--root={self.folder / f'root-{port}'}",
            f"--addr=tcp://127.0.0.1:{port}",
            "--oci-worker-snapshotter=native",
            "--oci-worker-net=host",
            f"--oci-worker-binary={RUNC}",
            "--containerd-worker=false",
            *flags,
        ]
        return Daemon(command, port, self.folder / f"{port}.log").start()

    def clear(self):
        """A daemon that was killed leaves the mounts of the step that ran."""
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in mounts:
            if mount.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", mount], check=True)
        shutil.rmtree(self.folder)

    def make_images(self):
        context = self.folder / "image"
        context.mkdir()
        for program in real_buildkit.COMMANDS:
            shutil.copy(real_buildkit.programs_folder() / program, context)
        base = f"{self.registry}/bases/debian:bookworm-slim"
        (context / "Dockerfile").write_text(REAL_DOCKERFILE.format(base=base))
        return None, _push(context, f"{self.registry}/builders/buildkit")

    @staticmethod
    def count_builds(daemon):
        """How many builds a daemon remembers."""
        buildctl = str(real_buildkit.programs_folder() / "buildctl")
        listed = subprocess.run(
            [buildctl, "--addr", daemon.endpoint, "debug", "histories", "--format", "{{.Record.Ref}}"],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return len(set(listed.stdout.split()))


def _push(context, repository, *arguments):
    tags = [f"{repository}:one", f"{repository}:two"]
    named = [part for tag in tags for part in ("--tag", tag)]
    given = [part for argument in arguments for part in ("--build-arg", argument)]
    command = ["docker", "buildx", "build", "--builder=default", "--push", "--provenance=false", *named, *given]
    subprocess.run([*command, str(context)], check=True, capture_output=True, timeout=300)
    return tags
