# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a ``RUN`` step does, as far as it can be done elsewhere: on the build platform, in another folder. Pure."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, field

#: Where the build platform puts what the image is to have.
OUT = "/out"

_JOINTS = re.compile(r"&&|;|\n")
# What only a shell can tell the meaning of; a redirection is known after echo alone.
_SHELL = re.compile(r"[|`<(){}\[\]]|\$|&|\b(?:if|for|while|case)\b")
_PATTERN = re.compile(r"[*?]")
_ECHO = re.compile(r"echo\s+(?P<words>[^>]+?)\s*>\s*(?P<path>/\S+)")
_TOOLS = frozenset(("uv", "poetry", "pip", "setuptools", "wheel", "pnpm", "yarn", "corepack"))
# Names of the image's folders; nothing is made in them.
_REMOVED = ("/var/lib/apt", "/var/cache", "/var/log", "/var/tmp", "/tmp", "/root/.cache", "/root/.npm")  # noqa: S108
#: First words of commands that make accounts, or prepare package managers: the image has an account of its own, and no tools.
_NEEDLESS = frozenset(("groupadd", "useradd", "usermod", "addgroup", "adduser", "corepack", "true", ":"))


@dataclass
class StepEffects:
    """What steps do to an image.

    :param packages: of the operating system, that are installed.
    :param commands: shell commands that do the same below :data:`OUT`.
    :param owned: folders that are given to a user, absolute.
    :param programs: packages of npm that are installed for everybody.
    """

    packages: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    owned: list[str] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)

    def add(self, other: StepEffects) -> None:
        """Take what another step does as well."""
        self.packages += other.packages
        self.commands += other.commands
        self.owned += other.owned
        self.programs += other.programs


def effects_of_step(text: str, workdir: str) -> StepEffects | None:
    """What a step does; None when a command of it is none of those that are known, so it has to run where the image does.

    :param text: the commands, with their variables replaced.
    :param workdir: the folder that they run in.
    """
    effects = StepEffects()
    for command in _JOINTS.split(text):
        if command.strip() and not _take(command.strip(), workdir, effects):
            return None
    return effects


def is_tool_step(text: str) -> bool:
    """Whether a step only brings what the source itself installs with, such as uv or Poetry."""
    return effects_of_step(text, "") == StepEffects()


def out_path(path: str, workdir: str) -> str:
    """A path of the image as it is on the build platform, a slash at its end kept."""
    absolute = posixpath.normpath(posixpath.join(workdir or "/", path))
    folder = path.endswith(("/", "/.")) or path == "."
    return f"{OUT}{absolute}".rstrip("/") + ("/" if folder else "")


def _take(command: str, workdir: str, effects: StepEffects) -> bool:
    echo = _ECHO.fullmatch(command)
    if echo and not _SHELL.search(echo["words"]):
        path = out_path(echo["path"], workdir)
        effects.commands.append(f"mkdir -p {posixpath.dirname(path)} && echo {echo['words']} > {path}")
        return True
    if _SHELL.search(command) or ">" in command:
        return False
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    if words[0] != "rm" and _PATTERN.search(command):
        return False
    options = [word for word in words[1:] if word.startswith("-")]
    values = [word for word in words[1:] if not word.startswith("-")]
    return words[0] in _NEEDLESS or _KNOWN.get(words[0], _unknown)(words[0], options, values, workdir, effects)


def _unknown(_name: str, _options: list[str], _values: list[str], _workdir: str, _effects: StepEffects) -> bool:
    return False


def _packages(_name: str, _options: list[str], values: list[str], _workdir: str, effects: StepEffects) -> bool:
    """apt-get, apt and apk."""
    if values[:1] in (["install"], ["add"]):
        effects.packages += values[1:]
        return True
    return values[:1] in (["update"], ["clean"], ["autoremove"], ["autoclean"])


def _remove(_name: str, _options: list[str], values: list[str], _workdir: str, _effects: StepEffects) -> bool:
    return all(value.startswith(_REMOVED) for value in values)


def _on_files(name: str, options: list[str], values: list[str], workdir: str, effects: StepEffects) -> bool:
    """mkdir, and chmod, whose first value is the mode."""
    given = values[:1] if name == "chmod" else []
    paths = [out_path(value, workdir) for value in values[len(given) :]]
    if name == "mkdir" and "-p" not in options:
        options = ["-p", *options]
    effects.commands.append(shlex.join([name, *options, *given, *paths]))
    return bool(paths)


def _own(_name: str, _options: list[str], values: list[str], workdir: str, effects: StepEffects) -> bool:
    effects.owned += [posixpath.normpath(posixpath.join(workdir or "/", value)) for value in values[1:]]
    return len(values) > 1


def _link(_name: str, options: list[str], values: list[str], workdir: str, effects: StepEffects) -> bool:
    if len(values) != 2 or not any("s" in option for option in options):
        return False
    path = out_path(values[1], workdir)
    effects.commands.append(f"mkdir -p {posixpath.dirname(path)} && ln -sfn {shlex.quote(values[0])} {path}")
    return True


def _pip(_name: str, _options: list[str], values: list[str], _workdir: str, _effects: StepEffects) -> bool:
    """Tools that only the build needs."""
    return values[:1] == ["install"] and all(re.split(r"[=<>~!\[]", value)[0] in _TOOLS for value in values[1:])


def _npm(_name: str, options: list[str], values: list[str], _workdir: str, effects: StepEffects) -> bool:
    """npm, yarn and pnpm, where they bring a program for everybody."""
    if values[:1] == ["cache"] or values[:2] == ["config", "set"]:
        return True
    words = [value for value in values if value != "global"]
    everywhere = "global" in values or "-g" in options or "--global" in options
    if not everywhere or words[:1] not in (["install"], ["i"], ["add"]):
        return False
    effects.programs += [word for word in words[1:] if word.partition("@")[0] not in _TOOLS]
    return True


_KNOWN = {
    "apt-get": _packages,
    "apt": _packages,
    "apk": _packages,
    "rm": _remove,
    "mkdir": _on_files,
    "chmod": _on_files,
    "chown": _own,
    "ln": _link,
    "pip": _pip,
    "pip3": _pip,
    "npm": _npm,
    "yarn": _npm,
    "pnpm": _npm,
}
