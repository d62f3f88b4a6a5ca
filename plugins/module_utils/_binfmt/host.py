# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only file that reads and changes a host's emulators: /proc, /etc, and the programs that are run for it."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import re
import select
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, Mapping, cast

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import ARCHITECTURES, Architecture
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.emulator import EmulatorPlan
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.persistence import (
    BINFMT_MISC,
    BOOT_SCRIPT,
    BOOT_SCRIPT_NAME,
    CONF_DIR,
    conf_path,
    kept_path,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.proof import EXIT_STATUS, MESSAGE, proof_program
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.qemu import find_qemu_build, is_static
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.registration import (
    Registration,
    parse_conf,
    parse_registered,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.state import Candidate, Found, Host, Proof
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli, RunCommand
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import locked_folder

if TYPE_CHECKING:
    from typing import IO

PACKAGED_CONF_DIR = "/usr/lib/binfmt.d"
# Debian 13's qemu-user ships its files here, for qemu-user-binfmt to link to; older packages ship them there.
_CONF_SOURCES = (PACKAGED_CONF_DIR, "/usr/share/qemu/binfmt.d")
# For releases whose packages ship no such file: Ubuntu 22.04, Debian 11.
_INTERPRETERS = ("/usr/libexec/qemu-binfmt/{}-binfmt-P", "/usr/bin/qemu-{}-static", "/usr/bin/qemu-{}")
# A program of 200 bytes answers within milliseconds, also emulated; a host under load takes longer.
_PROOF_SECONDS = 30
_INSTALLED = re.compile(r"^installing: \S+ (.*)$", re.MULTILINE)


class _NothingRuns(Exception):
    """Why a program did not start as it should."""


@dataclass(frozen=True)
class BinfmtHost:
    """This host.

    :param execute: ``module.run_command``.
    :param folder: where the proving programs are written; removed by whoever gave it.
    """

    execute: RunCommand
    folder: str

    def read(self, architectures: Iterable[Architecture]) -> Host:
        """Everything plans need to know. Runs the proving programs, changes nothing."""
        wanted = tuple(architectures)
        registered = {registration.name: registration for registration in self.registrations()}
        confs = {os.path.basename(path)[: -len(".conf")] for path in glob.glob(f"{CONF_DIR}/qemu-*.conf")}
        return Host(
            kernel=os.uname().release,
            mount_point=os.path.isdir(BINFMT_MISC),
            mounted=self.mounted(),
            enabled=_read_text(f"{BINFMT_MISC}/status") == "enabled\n",
            systemd=os.path.isdir("/run/systemd/system"),
            other_confs=tuple(sorted(confs - {architecture.emulator for architecture in wanted})),
            boot_script=_read_text(BOOT_SCRIPT),
            boot_links=bool(glob.glob(f"/etc/rc2.d/S[0-9][0-9]{BOOT_SCRIPT_NAME}")),
            found={architecture: self._find(architecture, registered) for architecture in wanted},
        )

    @staticmethod
    def mounted() -> bool:
        """Whether the kernel's registrations can be seen here."""
        return os.path.exists(f"{BINFMT_MISC}/status")

    def registrations(self) -> tuple[Registration, ...]:
        """All that the kernel has, by name; those that go by a file name's extension left out."""
        names = sorted(os.listdir(BINFMT_MISC)) if self.mounted() else []
        texts = ((name, _read_text(f"{BINFMT_MISC}/{name}")) for name in names if name not in ("register", "status"))
        # One may vanish between the listing and the reading of it.
        found = (parse_registered(name, text) for name, text in texts if text is not None)
        return tuple(registration for registration in found if registration is not None)

    def prove(self, architecture: Architecture) -> Proof:
        """Run the tiny program of ``architecture`` as a container would, and see what runs it."""
        try:
            with self._started(architecture) as process:
                # What the host itself is made of needs nothing, even where all of the host is emulated.
                native = os.uname().machine == architecture.qemu or os.path.samefile(
                    f"/proc/{process.pid}/exe", self._program(architecture)
                )
                build = None if native else find_qemu_build(_read_bytes(f"/proc/{process.pid}/exe"))
                status = _end(process)
        except _NothingRuns as reason:
            return Proof(False, problem=str(reason))
        if status != EXIT_STATUS:
            return Proof(False, native, build, f"it ended with {_status(status)} in place of {EXIT_STATUS}")
        return Proof(True, native, build)

    def apply(self, plan: EmulatorPlan) -> None:
        """Carry out a plan.

        :raises CollectionError: a step failed; the steps before it are done.
        """
        actions: Mapping[str, Callable[..., None]] = {
            "enable": lambda path: _write_kernel(f"{path}/status", "1"),
            "register": self._register,
            "unregister": _unregister,
            "keep": lambda name, path: self._keep(ARCHITECTURES[name], path),
            "write": lambda path: _write_file(path, plan.files[path].encode(), 0o755 if path == BOOT_SCRIPT else 0o644),
            "mask": lambda path: _replace(path, lambda temporary: os.symlink("/dev/null", temporary)),
            "remove": _remove,
        }
        for command in plan.commands:
            if command[0] in actions:
                actions[command[0]](*command[1:])
            else:
                self._run(command)

    def _run(self, command: tuple[str, ...]) -> None:
        completed = Cli(self.execute, command[0]).run(*command[1:], check=command[0] not in ("mount", "modprobe"))
        if completed.rc != 0:
            raise CollectionError(
                f"{' '.join(command)} failed: {completed.last_lines()}. Emulators are the kernel's: it needs "
                "CONFIG_BINFMT_MISC, root may change it, and in a container only a privileged one. Register them on "
                "the host, as root."
            )
        if "--install" in command:
            # The program in the image ends with status 0 whatever happens; its log tells.
            outcome = _INSTALLED.search(completed.stdout + completed.stderr)
            if outcome and outcome[1].strip() != "OK":
                raise CollectionError(f"{' '.join(command)} did not register the emulator: {outcome[1].strip()}.")

    @staticmethod
    def _register(line: str) -> None:
        name = line[1:].split(line[0])[0]
        # A plan made before binfmt_misc was mounted cannot know that the kernel has it already.
        if os.path.exists(f"{BINFMT_MISC}/{name}"):
            _unregister(name)
        _write_kernel(f"{BINFMT_MISC}/register", line)

    def _keep(self, architecture: Architecture, path: str) -> None:
        """Copy the emulator that runs: for one that an image registered, this is where its file can be reached."""
        try:
            with self._started(architecture) as process:
                _write_file(path, _read_bytes(f"/proc/{process.pid}/exe"), 0o755)
        except _NothingRuns as reason:
            raise CollectionError(
                f"The emulator for linux/{architecture.name} runs no foreign program: {reason}. "
                "Take another image, or source: distribution.",
                emulator=architecture.emulator,
            ) from reason

    def _find(self, architecture: Architecture, registered: Mapping[str, Registration]) -> Found:
        return Found(
            registration=registered.get(architecture.emulator),
            proof=self.prove(architecture),
            conf=_read_text(conf_path(architecture)),
            packaged=os.path.exists(f"{PACKAGED_CONF_DIR}/{architecture.emulator}.conf"),
            kept=os.path.exists(kept_path(architecture)),
            candidate=_find_candidate(architecture),
        )

    def _program(self, architecture: Architecture) -> str:
        return f"{self.folder}/{architecture.name}/program"

    @contextlib.contextmanager
    def _started(self, architecture: Architecture) -> Iterator[subprocess.Popen[bytes]]:
        """The program, waiting after its message. It is gone when the block ends.

        :raises _NothingRuns: there was no such message.
        """
        program = self._program(architecture)
        root = os.path.dirname(program)
        os.makedirs(root, exist_ok=True)
        if not os.path.exists(program):
            _write_file(program, proof_program(architecture), 0o755)
        # In an empty root there is neither the interpreter nor a library, as in a container. It takes root.
        alone = os.geteuid() == 0

        def enter() -> None:
            if alone:
                os.chroot(root)
                os.chdir("/")

        pipe = subprocess.PIPE
        try:
            # preexec_fn, not chroot(1), which takes what the kernel does not know for a shell script.
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                ["/program" if alone else program], stdin=pipe, stdout=pipe, stderr=pipe, preexec_fn=enter
            )
        except OSError as error:
            raise _NothingRuns(error.strerror) from error
        with process:
            try:
                _await_message(process)
                yield process
            finally:
                process.kill()


def _await_message(process: subprocess.Popen[bytes]) -> None:
    stdout, stderr = cast("IO[bytes]", process.stdout), cast("IO[bytes]", process.stderr)
    deadline = time.monotonic() + _PROOF_SECONDS
    message = b""
    while len(message) < len(MESSAGE):
        if not select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise _NothingRuns(f"it said nothing within {_PROOF_SECONDS} seconds")
        part = os.read(stdout.fileno(), len(MESSAGE) - len(message))
        if not part:
            status = _end(process)
            raise _NothingRuns(stderr.read().decode("utf-8", "replace").strip() or f"it ended with {_status(status)}")
        message += part
    if message != MESSAGE:
        raise _NothingRuns(f"it said {message!r} in place of {MESSAGE!r}")


def _end(process: subprocess.Popen[bytes]) -> int:
    cast("IO[bytes]", process.stdin).close()
    try:
        return process.wait(_PROOF_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _status(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"


def _find_candidate(architecture: Architecture) -> Candidate | None:
    """The distribution's static emulator, if one is installed."""
    for folder in _CONF_SOURCES:
        for registration in parse_conf(_read_text(f"{folder}/{architecture.emulator}.conf") or ""):
            candidate = _static_candidate(registration)
            if candidate is not None and registration.matches(architecture.magic):
                return candidate
    for pattern in _INTERPRETERS:
        interpreter = pattern.format(architecture.qemu)
        candidate = _static_candidate(
            Registration(architecture.emulator, architecture.magic, architecture.mask, interpreter)
        )
        if candidate is not None:
            return candidate
    return None


def _static_candidate(registration: Registration) -> Candidate | None:
    if not os.path.isfile(registration.interpreter):
        return None
    emulator = _read_bytes(registration.interpreter)
    return Candidate(registration, find_qemu_build(emulator)) if is_static(emulator) else None


def _read_text(path: str) -> str | None:
    try:
        return _read_bytes(path).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def _read_bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _unregister(name: str) -> None:
    _write_kernel(f"{BINFMT_MISC}/{name}", "-1")


def _write_kernel(path: str, text: str) -> None:
    """One write call: the kernel takes each as a whole registration."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.write(descriptor, text.encode("ascii"))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CollectionError(f"The kernel refused {text!r} for {path}: {error.strerror}. {_remedy(error)}") from error


def _remedy(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Emulators are registered as root (become: true), in a container only in a privileged one."
    if error.errno in (errno.ENOENT, errno.ENOEXEC):
        return "Check that the interpreter exists and is a program of this host."
    return "Look at the host's kernel log."


def _write_file(path: str, data: bytes, mode: int) -> None:
    def write(temporary: str) -> None:
        with open(temporary, "wb") as file:
            file.write(data)
        os.chmod(temporary, mode)

    _replace(path, write)


def _replace(path: str, make: Callable[[str], None]) -> None:
    """Put something at ``path`` at once: a link there is replaced, not followed, and readers never see a half."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with locked_folder(os.path.dirname(path), ".imagefleet-") as folder:
            make(f"{folder}/new")
            os.replace(f"{folder}/new", path)
    except OSError as error:
        raise CollectionError(f"{path} cannot be written: {error.strerror}. It takes root (become: true).") from error


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise CollectionError(f"{path} cannot be removed: {error.strerror}. It takes root (become: true).") from error
