# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Smoke tests as values: what a user writes, checked and normalised, and the record that a passed test leaves."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import canonical_json
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference

#: The ``tests`` option of ``image_smoke_test`` and ``image_promote``.
TESTS_OPTION: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "name": {"type": "str", "required": True},
        "entrypoint": {"type": "list", "elements": "str"},
        "command": {"type": "list", "elements": "str"},
        "http": {
            "type": "dict",
            "options": {
                "path": {"type": "str", "default": "/"},
                "port": {"type": "int", "required": True},
                "status": {"type": "int", "default": 200},
                "body": {"type": "str"},
            },
        },
        "elf": {"type": "str"},
        "network": {"type": "str", "default": "bridge"},
        "user": {"type": "str"},
        "env": {"type": "dict", "default": {}},
        "timeout": {"type": "int", "default": 60},
        "exit_code": {"type": "int", "default": 0},
        "output": {"type": "str"},
    },
}

#: The same for one of several images, which takes those of all unless it has some.
OWN_TESTS_OPTION = {key: value for key, value in TESTS_OPTION.items() if key != "default"}

_RECORD_HEX = 16


@dataclass(frozen=True)
class HttpProbe:
    """An answer that a started container must give.

    :param port: the container's own port.
    :param body: a regular expression that the body must hold somewhere; None for any body.
    """

    path: str
    port: int
    status: int = 200
    body: str | None = None


@dataclass(frozen=True)
class SmokeTest:
    """One thing an image must do.

    With ``http`` the container is started and asked until it answers; with ``elf`` nothing is started and the program
    at that path must be of the platform's architecture; else the container runs to its end.

    :param timeout: seconds for the whole test.
    :param output: a regular expression that the container's output must hold somewhere.
    """

    name: str
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    http: HttpProbe | None = None
    elf: str | None = None
    network: str = "bridge"
    user: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 60
    exit_code: int = 0
    output: str | None = None


@dataclass(frozen=True)
class TestResult:
    """One test's end: what was wrong (empty when nothing was) and, then, the container's log."""

    name: str
    failure: str
    log: str = ""


@dataclass(frozen=True)
class PlatformTest:
    """What is to be tested for one platform: its manifest, and the tag that records a pass."""

    platform: Platform
    manifest: Manifest
    record: str

    def skipped(self) -> dict[str, Any]:
        """The result when there is a record already."""
        return {**self._facts(), "tested": False, "passed": True}

    def due(self) -> dict[str, Any]:
        """The result in check mode: it would be tested, and nobody knows how that ends."""
        return {**self._facts(), "tested": True}

    def ended(self, results: Sequence[TestResult], emulated: bool, duration: float) -> dict[str, Any]:
        """The result of tests that ran, in ``duration`` seconds."""
        failed = [result for result in results if result.failure]
        return {
            **self._facts(),
            "tested": True,
            "passed": not failed,
            "emulated": emulated,
            "duration": round(duration, 3),
            "failures": [f"{result.name}: {result.failure}" for result in failed],
            "log": "\n".join(f"{result.name}:\n{result.log}" for result in failed if result.log),
        }

    def _facts(self) -> dict[str, Any]:
        return {"platform": str(self.platform), "digest": self.manifest.digest, "record": self.record}


def plan_platform_tests(
    reference: Reference,
    wanted: Sequence[Platform],
    manifests: Mapping[Platform, Manifest],
    definition: str,
) -> list[PlatformTest]:
    """The tests of each platform.

    :param wanted: the platforms asked for; none means all.
    :param manifests: the manifests that the image has, by platform.
    :param definition: :func:`definition_hash` of the tests.
    :raises CollectionError: the image lacks a platform that was asked for.
    """
    missing = [str(platform) for platform in wanted if platform not in manifests]
    if missing:
        raise CollectionError(
            f"{reference} lacks {', '.join(missing)}; it has {', '.join(sorted(map(str, manifests)))}. Build the missing "
            "platforms with image_build.",
            reference=str(reference),
        )
    return [
        PlatformTest(platform, manifests[platform], record_tag(manifests[platform].digest, definition))
        for platform in wanted or manifests
    ]


def parse_tests(entries: Sequence[Mapping[str, Any]]) -> tuple[SmokeTest, ...]:
    """Check and normalise the ``tests`` option.

    :raises CollectionError: two tests have one name, or a test contradicts itself.
    """
    tests = tuple(_parse_test(entry) for entry in entries)
    names = [test.name for test in tests]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise CollectionError(f"Two smoke tests have the same name: {', '.join(repeated)}. Give each its own.")
    return tests


def definition_hash(tests: Sequence[SmokeTest]) -> str:
    """16 hexadecimal digits of the SHA-256 over the tests' canonical JSON; what is not set does not count."""
    definitions = [{key: value for key, value in asdict(test).items() if value not in (None, {}, ())} for test in tests]
    return hashlib.sha256(canonical_json(definitions).encode()).hexdigest()[:_RECORD_HEX]


def record_tag(platform_digest: str, record: str) -> str:
    """The tag that says: the manifest with this digest passed the tests with this hash."""
    return f"ok-{platform_digest.partition(':')[2]}-{record}"


def _parse_test(entry: Mapping[str, Any]) -> SmokeTest:
    name = entry["name"]
    probe = entry.get("http")
    _check(name, entry)
    return SmokeTest(
        name=name,
        entrypoint=None if entry.get("entrypoint") is None else tuple(entry["entrypoint"]),
        command=None if entry.get("command") is None else tuple(entry["command"]),
        http=None
        if probe is None
        else HttpProbe(probe.get("path") or "/", probe["port"], probe.get("status") or 200, probe.get("body")),
        elf=entry.get("elf"),
        network=entry.get("network") or "bridge",
        user=entry.get("user"),
        env={str(key): str(value) for key, value in (entry.get("env") or {}).items()},
        timeout=60 if entry.get("timeout") is None else entry["timeout"],
        exit_code=entry.get("exit_code") or 0,
        output=entry.get("output"),
    )


def _check(name: str, entry: Mapping[str, Any]) -> None:
    probe = entry.get("http")
    if not name.strip() or "\n" in name:
        raise CollectionError(f"A smoke test has the name {name!r}; give it a name of one line.")
    if probe and entry.get("network") == "none":
        raise CollectionError(f"Smoke test {name!r} has http and network: none; nothing can reach it then. Drop one.")
    if probe and not 0 < probe["port"] < 65536:
        raise CollectionError(f"Smoke test {name!r} has the port {probe['port']}; a port is between 1 and 65535.")
    if probe and not (probe.get("path") or "/").startswith("/"):
        raise CollectionError(f"Smoke test {name!r} has the path {probe['path']!r}; a path starts with /.")
    if entry.get("elf") and (probe or entry.get("command") or entry.get("entrypoint")):
        raise CollectionError(
            f"Smoke test {name!r} has elf, which starts nothing, and something to start. Make it two tests."
        )
    if entry.get("timeout") is not None and entry["timeout"] < 1:
        raise CollectionError(f"Smoke test {name!r} has a timeout of {entry['timeout']}; write seconds, 1 at least.")
    for option, pattern in (("output", entry.get("output")), ("http.body", (probe or {}).get("body"))):
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise CollectionError(
                f"Smoke test {name!r} has the {option} {pattern!r}, which is no regular expression: {error}."
            ) from error
