# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a machine is like, as a value that can be compared: the measure of "check mode changes nothing".

A snapshot is one dictionary of sections, each from a name to what was seen of it:

=============  ====================================================================================================
``files``      every file, folder and link below the roots: type, mode, owner, size, time of change, link target
``emulators``  every entry of binfmt_misc with its whole text, and whether the file system is mounted and on
``images``     images of the engine by id, with their names and digests
``containers`` containers by id: name, image, state
``volumes``    names
``networks``   by id: name, driver
``engine``     what ``docker info`` says of its settings, and its process
``cache``      records of the engine's BuildKit by id, with the time they were made; only those made since count, since it
               clears records away in its own time, and leaves out for a moment what it is at
``time``       when it was taken, by the engine's clock
``registry``   of each registry: every repository and tag with the digest it points at
=============  ====================================================================================================

Builders are files (``BUILDX_CONFIG``) and containers; a registry's data are files too, when its folder is below a root.
Times of access, of the last use of a cache record, and the kernel's and engine's own file systems are no state.
"""

from __future__ import annotations

import json
import os
import re
import stat
import time
import urllib.request
from datetime import datetime
from pathlib import Path

import docker

BINFMT = Path("/proc/sys/fs/binfmt_misc")
MANIFESTS = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " + (
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
)
#: What is not the machine's state, or is written by whoever looks.
NO_STATE = (
    "/proc",
    "/sys",
    "/dev",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/run/docker",
    "/run/containerd",
    "/var/log",
)
OF_ENGINE = ("images", "containers", "volumes", "networks", "cache", "time")
ENGINE_SETTINGS = (
    "Driver",
    "DriverStatus",
    "Labels",
    "RegistryConfig",
    "LiveRestoreEnabled",
    "DefaultRuntime",
    "Runtimes",
)


def take(roots, registries=(), leave_out=()):
    """The snapshot of this machine.

    :param roots: folders and files, each with everything below.
    :param registries: ``host:port`` of plain registries.
    :param leave_out: paths that something else is writing to, such as the test that looks.
    """
    left_out = {*NO_STATE, *map(str, leave_out)}
    engine = docker.from_env(timeout=120)
    try:
        return {
            "files": {path: seen for root in roots for path, seen in _files(str(root), left_out)},
            "emulators": _emulators(),
            **_engine(engine),
            "registry": {name: digest for host in registries for name, digest in _tags(host)},
        }
    finally:
        engine.close()


def take_files(roots):
    """The section ``files`` alone, in a hundredth of the time."""
    return {path: seen for root in roots for path, seen in _files(str(root), set())}


def differences(before, after):
    """What is not as it was, one sentence each; empty when nothing changed."""
    found = []
    for section, known in before.items():
        now = after[section]
        if section == "time":
            continue
        if section == "cache":
            made = before["time"]["engine"]
            found += [
                f"cache: {name} appeared" for name in now.keys() - known.keys() if _moment(now[name]) >= _moment(made)
            ]
            continue
        found += [f"{section}: {name} appeared" for name in now.keys() - known.keys()]
        found += [f"{section}: {name} is gone" for name in known.keys() - now.keys()]
        found += [
            f"{section}: {name} was {known[name]}, is {now[name]}"
            for name in known.keys() & now.keys()
            if known[name] != now[name]
        ]
    return sorted(found)


def _files(root, left_out):
    pending = [root]
    while pending:
        path = pending.pop()
        if path in left_out or os.path.basename(path) == "__pycache__":
            continue
        try:
            seen = os.lstat(path)
        except OSError:
            continue
        kind = stat.S_IFMT(seen.st_mode)
        facts = [oct(seen.st_mode), seen.st_uid, seen.st_gid]
        if kind == stat.S_IFLNK:
            facts.append(os.readlink(path))
        elif kind == stat.S_IFREG:
            facts += [seen.st_size, seen.st_mtime_ns, seen.st_ino]
        # A folder's time changes with its entries, which are seen themselves.
        yield path, tuple(facts)
        if kind == stat.S_IFDIR:
            try:
                pending += [os.path.join(path, name) for name in os.listdir(path)]
            except OSError:
                continue


def _emulators():
    if not (BINFMT / "status").exists():
        return {"mounted": False}
    return {path.name: path.read_text() for path in BINFMT.iterdir() if path.name != "register"}


def _engine(engine):
    info = engine.info()
    process = Path("/run/docker.pid")
    return {
        "images": {
            image["Id"]: (sorted(image.get("RepoTags") or []), sorted(image.get("RepoDigests") or []))
            for image in _images(engine)
        },
        "containers": {
            one["Id"]: (one["Names"], one["Image"], one["State"]) for one in engine.api.containers(all=True)
        },
        "volumes": {volume["Name"]: volume["Driver"] for volume in engine.api.volumes()["Volumes"] or []},
        "networks": {network["Id"]: (network["Name"], network["Driver"]) for network in engine.api.networks()},
        "engine": {
            **{name: json.dumps(info.get(name), sort_keys=True) for name in ENGINE_SETTINGS},
            "process": process.read_text() if process.exists() else None,
        },
        "cache": _cache_records(engine),
        "time": {"engine": info["SystemTime"]},
    }


def _cache_records(engine):
    used = engine.api._result(engine.api._get(engine.api._url("/system/df"), params={"type": "build-cache"}), True)
    return {record["ID"]: record["CreatedAt"] for record in used.get("BuildCache") or []}


def _moment(text):
    """A time as the engine writes it, with up to nine digits of a second."""
    return datetime.fromisoformat(re.sub(r"\.(\d{1,6})\d*Z$|Z$", lambda match: f".{match[1] or 0:0<6}+00:00", text))


def _images(engine):
    """The engine's list, which fails while an image is being removed."""
    for _attempt in range(10):
        try:
            return engine.api.images(all=True)
        except docker.errors.NotFound:
            time.sleep(0.2)
    return engine.api.images(all=True)


def _tags(host):
    # A registry of more repositories than fit on its page would need the next page; tests have fewer.
    for repository in _ask(host, "/v2/_catalog?n=1000")["repositories"]:
        for tag in _ask(host, f"/v2/{repository}/tags/list", missing={}).get("tags") or []:
            yield f"{host}/{repository}:{tag}", _digest(host, repository, tag)


def _ask(host, path, missing=None):
    try:
        with urllib.request.urlopen(f"http://{host}{path}", timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404 and missing is not None:
            return missing
        raise


def _digest(host, repository, tag):
    request = urllib.request.Request(
        f"http://{host}/v2/{repository}/manifests/{tag}", headers={"Accept": MANIFESTS}, method="HEAD"
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.headers["Docker-Content-Digest"]
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
