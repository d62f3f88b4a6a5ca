# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a component's files tell about it: its image, its package manager, and what of it only a build can change. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import AbstractSet, Any, Callable, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.apt_pins import find_pins
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import (
    Dockerfile,
    Step,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.image_configuration import (
    ImageConfiguration,
    find_configuration,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.layout import Layout, read_dockerfile

Read = Callable[[str], str]

#: Lock files by package manager. Where a source has several, the one counts that the Dockerfile copies.
_PYTHON_LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock", "pip": "requirements.txt"}
_WEB_LOCKS = {"pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock", "npm": "package-lock.json"}
#: Where Dify keeps its default language, the newest place first.
_LOCALE_FILES = (
    "web/i18n-config/locale.ts",
    "web/i18n-config/index.ts",
    "web/i18n/index.ts",
    "web/i18n/index.js",
)
_LOCALE = re.compile(r"\bdefaultLocale(?:\s*:\s*\w+)?\s*[:=]\s*(?P<quote>['\"])(?P<value>[A-Za-z0-9_-]+)(?P=quote)")
_DOWNLOADS = {
    "nltk": re.compile(r"\bnltk\.download\(['\"]([\w-]+)['\"]"),
    "tiktoken": re.compile(r"\btiktoken\.encoding_for_model\(['\"]([\w.-]+)['\"]"),
}
#: Dify's root leads to pages that want a login.
_SIGNIN_PAGE = "web/app/signin/page.tsx"
_BASE_PATH = "NEXT_PUBLIC_BASE_PATH"


@dataclass(frozen=True)
class Component:
    """How a component is built, and what its Dockerfile says of its image.

    :param base_images: None where one takes its name from an argument without a default.
    :param arguments: names of its ``ARG`` lines, sorted.
    :param syntax: the frontend of its ``# syntax=`` line.
    :param apt_pins: ``package=version`` of its ``apt-get install`` lines.
    """

    layout: Layout
    configuration: ImageConfiguration
    base_images: tuple[str, ...] | None
    arguments: tuple[str, ...]
    syntax: str | None
    apt_pins: tuple[str, ...]

    def result(self) -> dict[str, Any]:
        """The component as a module returns it: flat."""
        values = asdict(self)
        return {**values.pop("layout"), **values.pop("configuration"), **values}


@dataclass(frozen=True)
class PythonComponent(Component):
    """A component in Python.

    :param package_manager: ``uv``, ``poetry`` or ``pip``; None when no file of them is there.
    :param virtual_env: the folder in the image that packages belong in; None for the base image's own Python.
    :param downloaded_data: names of what a step downloads for ``nltk`` and ``tiktoken``.
    """

    package_manager: str | None
    package_manager_version: str | None
    virtual_env: str | None
    lock_file: str | None
    downloaded_data: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class DefaultLocale:
    """Where the default language stands: a literal, so that only a patch of the source changes it.

    :param line: the whole line, as it is in the file.
    :param known: languages that the source has texts in, sorted; empty where they are not kept in folders of their own.
    """

    file: str
    value: str
    line: str
    known: tuple[str, ...] = ()


@dataclass(frozen=True)
class WebComponent(Component):
    """The pages.

    :param package_manager: ``pnpm``, ``yarn`` or ``npm``; None when no lock file of them is there.
    :param corepack: whether corepack brings the package manager.
    :param page: a path that is answered with a page and not with a redirection.
    :param base_path_argument: the build argument for the path that the pages are served below; None before there was one.
    """

    package_manager: str | None
    package_manager_version: str | None
    corepack: bool
    lock_file: str | None
    default_locale: DefaultLocale | None
    base_path_argument: str | None
    page: str


@dataclass(frozen=True)
class Sources:
    """A source's files, and how to read one."""

    files: AbstractSet[str]
    read: Read

    def text(self, path: str) -> str:
        """The text of a file; empty when it is not there."""
        return self.read(path) if path in self.files else ""

    def json(self, path: str) -> dict[str, Any]:
        """The object that a JSON file holds; empty when there is none."""
        try:
            value = json.loads(self.text(path) or "{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def find_component(layout: Layout, sources: Sources) -> Component:
    """What a component's Dockerfile tells."""
    path = _dockerfile_path(layout)
    dockerfile = read_dockerfile(path, sources.text)
    return Component(
        layout,
        find_configuration(dockerfile, {}),
        _base_images(dockerfile),
        tuple(sorted(dockerfile.declared_arguments({}))),
        dockerfile.syntax,
        find_pins(sources.text(path)),
    )


def find_python_component(layout: Layout, folder: str, sources: Sources) -> PythonComponent:
    """A component whose packages are named in ``folder``."""
    component = find_component(layout, sources)
    manager = _PackageManager.find(layout, _PYTHON_LOCKS, (folder,), sources)
    virtual_env = component.configuration.environment.get("VIRTUAL_ENV")
    return PythonComponent(
        **vars(component),
        **manager.named(manager.pinned("==")),
        virtual_env=virtual_env,
        downloaded_data=_downloaded_data(manager.steps),
    )


def find_web_component(layout: Layout, sources: Sources) -> WebComponent:
    """The pages, whose packages are named in their own folder or in the source's root."""
    component = find_component(layout, sources)
    manager = _PackageManager.find(layout, _WEB_LOCKS, ("web", ""), sources)
    version = _package_json_version(manager, sources) or manager.pinned("@")
    return WebComponent(
        **vars(component),
        **manager.named(version),
        corepack=manager.runs("corepack"),
        default_locale=find_default_locale(sources),
        base_path_argument=_BASE_PATH if _BASE_PATH in component.arguments else None,
        page="/signin" if _SIGNIN_PAGE in sources.files else "/",
    )


def find_default_locale(sources: Sources) -> DefaultLocale | None:
    """The literal default language of the pages."""
    for file in _LOCALE_FILES:
        for line in sources.text(file).splitlines():
            match = _LOCALE.search(line)
            if match:
                return DefaultLocale(file, match["value"], line, _known_locales(sources.files))
    return None


def _known_locales(files: AbstractSet[str]) -> tuple[str, ...]:
    folders = {path.split("/")[2] for path in files if path.startswith("web/i18n/") and path.count("/") > 2}
    return tuple(sorted(folders))


def _downloaded_data(steps: Sequence[Step]) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, pattern in _DOWNLOADS.items():
        names = [data for step in steps for data in pattern.findall(step.instruction.value)]
        if names:
            found[name] = tuple(dict.fromkeys(names))
    return found


@dataclass(frozen=True)
class _PackageManager:
    """The package manager that a Dockerfile works with, and the ``RUN`` steps that tell more of it."""

    name: str | None
    lock_file: str | None
    steps: tuple[Step, ...] = ()

    @classmethod
    def find(cls, layout: Layout, locks: dict[str, str], folders: Sequence[str], sources: Sources) -> _PackageManager:
        dockerfile = read_dockerfile(_dockerfile_path(layout), sources.text)
        steps = tuple(step for stage in dockerfile.steps({}) for step in stage if step.instruction.keyword == "RUN")
        copied = [layout.path(path) for path in dockerfile.copied_paths({}) or ()]
        candidates = [
            cls(name, path, steps)
            for name, lock in locks.items()
            for path in (f"{folder}/{lock}".lstrip("/") for folder in folders)
            if path in sources.files
        ]

        def doubts(candidate: _PackageManager) -> tuple[bool, bool]:
            is_copied = any(fnmatchcase(candidate.lock_file or "", pattern) for pattern in copied)
            return not is_copied, not candidate.runs(str(candidate.name))

        return min(candidates, key=doubts, default=cls(None, None, steps))

    def named(self, version: str | None) -> dict[str, Any]:
        """The fields of a component."""
        return {"package_manager": self.name, "package_manager_version": version, "lock_file": self.lock_file}

    def runs(self, program: str) -> bool:
        """Whether a step names a program."""
        word = re.compile(rf"(?<![\w./-]){re.escape(program)}(?![\w.-])")
        return any(word.search(step.instruction.value) for step in self.steps)

    def pinned(self, separator: str) -> str | None:
        """The version in ``name==version`` or ``name@version`` of a step."""
        pin = re.compile(rf"(?<![\w./-]){re.escape(str(self.name))}{separator}(?P<version>[^\s\"';&|,]+)")
        for step in self.steps:
            match = pin.search(step.instruction.value)
            if match:
                return step.expanded(match["version"])
        return None


def _package_json_version(manager: _PackageManager, sources: Sources) -> str | None:
    """The version in ``packageManager`` of the package.json beside the lock file, or else of the pages' own."""
    beside = (manager.lock_file or "").rpartition("/")[0]
    for path in (f"{beside}/package.json".lstrip("/"), "web/package.json"):
        name, _at, version = str(sources.json(path).get("packageManager", "")).partition("@")
        if name and name == manager.name:
            return version.partition("+")[0]
    return None


def _dockerfile_path(layout: Layout) -> str:
    return layout.path(layout.dockerfile or "Dockerfile")


def _base_images(dockerfile: Dockerfile) -> tuple[str, ...] | None:
    try:
        return dockerfile.base_names({})
    except CollectionError:
        return None
