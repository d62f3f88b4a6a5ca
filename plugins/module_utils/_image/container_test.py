# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running smoke tests in containers: one image of one platform at a time, containers always removed."""

from __future__ import annotations

import io
import posixpath
import re
import signal
import tarfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Iterator, Mapping, Sequence
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.owner import has_ended, this_process
from ansible_collections.imagefleet.dify.plugins.module_utils._image.elf import elf_architecture, interpreter_of
from ansible_collections.imagefleet.dify.plugins.module_utils._image.smoke_test import (
    HttpProbe,
    SmokeTest,
    TestResult,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.credentials import Credentials
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.engine import EngineClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference

#: Every container of a smoke test has this label, so that what a killed run left is found by the next one.
LABEL = "dev.imagefleet.smoke-test"
#: The process that runs the test.
OWNER_LABEL = "dev.imagefleet.owner"

_LOG_LINES = 200
_POLL_SECONDS = 0.2
_LEFTOVER_SECONDS = 3600
_BODY_BYTES = 1 << 20
_HEAD_BYTES = 64 << 10
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class ImageUnderTest:
    """A platform's image that is in the engine.

    :param reference: by digest, as the engine knows it.
    """

    engine: EngineClient
    reference: Reference
    platform: Platform

    def run(self, test: SmokeTest) -> TestResult:
        """Carry out one test. Whatever happens, its container is removed."""
        container: Any = None
        try:
            container = self._create(test)
            if test.elf:
                return TestResult(test.name, self._wrong_architecture(container, test.elf))
            container.start()
            failure = self._await_http(container, test) if test.http else self._await_end(container, test)
            return TestResult(test.name, failure, _log(container) if failure else "")
        except _docker_errors() as error:
            return TestResult(test.name, _explained(error), _log(container) if container else "")
        except CollectionError as error:
            return TestResult(test.name, error.msg)
        finally:
            if container is not None:
                _remove(container)

    def _create(self, test: SmokeTest) -> Any:
        options: dict[str, Any] = {
            "image": str(self.reference),
            "labels": {LABEL: str(int(time.time())), OWNER_LABEL: this_process()},
            "network": None if test.network in ("none", "bridge") else test.network,
            "network_mode": test.network if test.network in ("none", "bridge") else None,
            "environment": dict(test.env),
            "detach": True,
        }
        if test.http:
            options["ports"] = {f"{test.http.port}/tcp": ("127.0.0.1", None)}
        for option, value in (("user", test.user), ("entrypoint", test.entrypoint), ("command", test.command)):
            if value is not None:
                options[option] = list(value) if isinstance(value, tuple) else value
        options = {key: value for key, value in options.items() if value is not None}
        if test.elf and "command" not in options:
            # An image without a command cannot be created without one, though it is never started.
            options["command"] = ["/"]
        return self.engine.create_container(self.platform, **options)

    def _await_end(self, container: Any, test: SmokeTest) -> str:
        deadline = time.monotonic() + test.timeout
        while True:
            container.reload()
            if container.status not in ("created", "running"):
                break
            if time.monotonic() >= deadline:
                return f"it did not end within {test.timeout} s"
            time.sleep(_POLL_SECONDS)
        code = container.attrs["State"]["ExitCode"]
        output = _log(container)
        if code != test.exit_code:
            remedy = " " + _explained_text(output) if "exec format error" in output else ""
            return f"it ended with exit code {code}, not {test.exit_code}{remedy}"
        if test.output and not re.search(test.output, output):
            return f"its output does not hold {test.output!r}"
        return ""

    def _await_http(self, container: Any, test: SmokeTest) -> str:
        probe = test.http
        if probe is None:
            return ""
        deadline = time.monotonic() + test.timeout
        last = "no answer"
        while time.monotonic() < deadline:
            container.reload()
            if container.status not in ("created", "running"):
                return f"the container ended with exit code {container.attrs['State']['ExitCode']} before it answered"
            address = _published(container, probe.port)
            if address:
                last = _ask(address, probe, max(1.0, min(10.0, deadline - time.monotonic())))
                if not last:
                    return ""
            time.sleep(_POLL_SECONDS)
        return f"{probe.path} on port {probe.port} did not answer as wanted within {test.timeout} s: {last}"

    def _wrong_architecture(self, container: Any, path: str) -> str:
        wanted = self.platform.architecture
        config = self.engine.client.api.inspect_image(str(self.reference)).get("Config") or {}
        program = self._started_program(config) if path == "auto" else path
        seen = []
        for _hop in range(5):
            seen.append(program)
            data = _read_program(container, program_paths(program, config))
            if data is None:
                return f"the image has no program {' -> '.join(seen)}"
            architecture = elf_architecture(data)
            if architecture:
                return "" if architecture == wanted else f"{program} is a program for {architecture}, not {wanted}"
            following = interpreter_of(data)
            if following is None:
                return f"{program} is neither an ELF program nor a script that names one"
            program = following
        return f"the scripts {' -> '.join(seen)} lead to no program"

    def _started_program(self, config: Mapping[str, Any]) -> str:
        started = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
        if not started:
            raise CollectionError(
                f"{self.reference} has neither entrypoint nor command, so elf: auto finds no program. Name one."
            )
        return str(started[0])


@contextmanager
def pulled_image(
    engine: EngineClient, reference: Reference, platform: Platform, credentials: Credentials | None, keep: bool
) -> Iterator[ImageUnderTest]:
    """The image of one platform in the engine; it goes again when it was not there before, unless ``keep``.

    SIGTERM ends the block as an interrupt from the keyboard does, so that what it started is removed.

    :param reference: by the digest of the platform's manifest.
    :raises CollectionError: the engine cannot pull it.
    """
    was_there = engine.find_image(str(reference)) is not None
    with _terminable():
        try:
            _pull(engine, reference, platform, credentials)
            yield ImageUnderTest(engine, reference, platform)
        finally:
            if not was_there and not keep:
                engine.remove_image(str(reference))


def remove_leftovers(engine: EngineClient, now: float) -> int:
    """Remove containers of runs that were killed; return how many there were.

    Of a run whose process cannot be seen from here, as on another controller, those that are an hour old.

    :param now: seconds since 1970.
    """
    removed = 0
    for container in engine.client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True):
        if is_leftover(container.labels, now):
            _remove(container)
            removed += 1
    return removed


def is_leftover(labels: Mapping[str, str], now: float) -> bool:
    """Whether a container with these labels belongs to a test that no longer runs."""
    ended = has_ended(labels.get(OWNER_LABEL, ""))
    if ended is not None:
        return ended
    started = labels.get(LABEL, "0")
    return not started.isdigit() or now - int(started) > _LEFTOVER_SECONDS


def run_tests(image: ImageUnderTest, tests: Sequence[SmokeTest]) -> list[TestResult]:
    """Carry out all tests, also after one that failed."""
    return [image.run(test) for test in tests]


def _pull(engine: EngineClient, reference: Reference, platform: Platform, credentials: Credentials | None) -> None:
    login = {}
    if credentials and credentials.username:
        login = {"auth_config": {"username": credentials.username, "password": credentials.password}}
    try:
        engine.client.images.pull(reference.name, tag=reference.digest, platform=str(platform), **login)
    except _docker_errors() as error:
        raise CollectionError(
            f"The engine cannot pull {reference} for {platform}: {error}. Does it trust the registry, and may it pull?",
            reference=str(reference),
        ) from error


def _remove(container: Any) -> None:
    from docker.errors import NotFound

    try:
        container.remove(force=True, v=True)
    except NotFound:
        return
    except _docker_errors() as error:
        raise CollectionError(f"The container {container.name} of a smoke test cannot be removed: {error}.") from error


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the block as an exception, so that what it started is removed."""

    def stop(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _docker_errors() -> tuple[type[Exception], ...]:
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    return (DockerException, RequestException)


def _explained(error: Exception) -> str:
    text = str(getattr(error, "explanation", None) or error)
    return f"it cannot be started: {text}{' ' if 'exec format error' in text else ''}{_explained_text(text)}"


def _explained_text(text: str) -> str:
    if "exec format error" not in text:
        return ""
    return "(no emulator runs programs of this platform: register one with binfmt, or test on a native host)"


def _log(container: Any) -> str:
    try:
        return str(container.logs(tail=_LOG_LINES).decode("utf-8", "replace"))
    except _docker_errors() as error:
        return f"(no log: {error})"


def _published(container: Any, port: int) -> str | None:
    bindings = ((container.attrs.get("NetworkSettings") or {}).get("Ports") or {}).get(f"{port}/tcp")
    return f"127.0.0.1:{bindings[0]['HostPort']}" if bindings else None


def _ask(address: str, probe: HttpProbe, timeout: float) -> str:
    """What is wrong with the answer; empty when it is as wanted."""
    # The address is one that the engine published on loopback: the scheme is ours, and no proxy can reach it.
    request = Request(f"http://{address}{probe.path}", headers={"User-Agent": "imagefleet.dify"})
    opener = build_opener(ProxyHandler({}), _NoRedirects)
    try:
        try:
            answer: Any = opener.open(request, timeout=timeout)
        except HTTPError as error:
            answer = error
        with answer:
            status, body = answer.status, answer.read(_BODY_BYTES)
    except (URLError, OSError, ValueError, HTTPException) as error:
        return str(getattr(error, "reason", error)) or repr(error)
    if status != probe.status:
        return f"status {status}, not {probe.status}"
    if probe.body and not re.search(probe.body, body.decode("utf-8", "replace")):
        return f"the body does not hold {probe.body!r}"
    return ""


class _NoRedirects(HTTPRedirectHandler):
    """A redirect is an answer: where it leads, the container's own port may not be what is published."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def program_paths(program: str, config: Mapping[str, Any]) -> list[str]:
    """Where an image may have a program: by its path, from the working folder, or in the folders of its ``PATH``.

    :param config: the image's configuration, with ``Env`` and ``WorkingDir``.
    """
    if program.startswith("/"):
        return [program]
    if "/" in program:
        return [posixpath.normpath(posixpath.join(config.get("WorkingDir") or "/", program))]
    environment = dict(entry.partition("=")[::2] for entry in config.get("Env") or [])
    folders = environment.get("PATH") or _SEARCH_PATH
    return [posixpath.join("/", folder, program) for folder in folders.split(":")]


def _read_program(container: Any, candidates: Sequence[str]) -> bytes | None:
    """The first bytes of the first of some files that an image has, links followed."""
    for candidate in candidates:
        path = candidate
        for _hop in range(10):
            member, data = _archive_member(container, path)
            if member is None:
                break
            if not member.issym():
                return data
            path = (
                member.linkname if member.linkname.startswith("/") else f"{path.rpartition('/')[0]}/{member.linkname}"
            )
    return None


def _archive_member(container: Any, path: str) -> tuple[tarfile.TarInfo | None, bytes]:
    from docker.errors import NotFound

    try:
        chunks, _stat = container.get_archive(path)
    except NotFound:
        return None, b""
    # A program can have hundreds of MB, and its start is enough. The rest is read and dropped, since the engine holds the
    # container until then.
    head = b""
    for chunk in chunks:
        if len(head) < _HEAD_BYTES:
            head += chunk
    with tarfile.open(fileobj=io.BytesIO(head)) as archive:
        member = archive.next()
        file = archive.extractfile(member) if member is not None and member.isfile() else None
        return member, file.read(256) if file else b""
