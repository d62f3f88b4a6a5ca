# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only file that talks to buildx, and that reads the folder in which buildx keeps its builders."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from typing import Iterable, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import (
    Builder,
    Node,
    docker_builder,
    parse_instance,
    with_status,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_args import Version
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_failure import explain_failure
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_plan import BuilderPlan
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_choice import (
    NodeChoice,
    needs_record,
    record_for,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_trust import why_untrusted
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.silent_node import describe_silence, silent_nodes
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli, Completed
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import (
    CollectionError,
    MissingPrerequisite,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform

MINIMUM_VERSION: Version = (0, 12, 0)
_VERSION = re.compile(r"\bv?(\d+)\.(\d+)\.(\d+)")


def parse_version(text: str) -> Version:
    """Parse what ``docker buildx version`` prints: ``github.com/docker/buildx v0.29.1 a7f7d2e``.

    :raises CollectionError: there is no version in it.
    """
    match = _VERSION.search(text)
    if not match:
        raise CollectionError(f"buildx does not say its version: {text.strip()!r}. Install a released version of it.")
    return int(match[1]), int(match[2]), int(match[3])


def read_files(paths: Iterable[str]) -> dict[str, bytes]:
    """The contents of certificate files, by path.

    :raises MissingPrerequisite: one is missing; an earlier task may be about to write it.
    """
    contents = {}
    for path in paths:
        try:
            with open(path, "rb") as file:
                contents[path] = file.read()
        except FileNotFoundError as error:
            raise MissingPrerequisite(
                f"{path} does not exist, and the builder's declaration names it. Write it first, or correct the path.",
                task=f"the task that writes {path}",
            ) from error
        except OSError as error:
            raise CollectionError(f"{path}, which the builder's declaration names, cannot be read: {error}.") from error
    return contents


def write_files(files: Mapping[str, bytes]) -> None:
    """Write files that only this user can read, with their folders."""
    for path, content in files.items():
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
        except OSError as error:
            raise CollectionError(f"{path}, which buildx is to read, cannot be written: {error}.") from error


def _read_if_there(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _restore(path: str, content: bytes | None) -> None:
    """The file as it was read by :func:`_read_if_there`."""
    if content is not None:
        write_files({path: content})
    elif os.path.exists(path):
        os.remove(path)


def _with_reasons(builder: Builder) -> Builder:
    """The builder, whose remote nodes that do not answer say why they are not trusted, where that is why."""
    silent = {node.name: why_untrusted(node.endpoint, node.driver_opts) for node in silent_nodes(builder)}
    return replace(
        builder,
        nodes=tuple(
            replace(node, error=f"{node.error}: {silent[node.name]}") if silent.get(node.name) else node
            for node in builder.nodes
        ),
    )


@dataclass(frozen=True)
class BuildxClient:
    """buildx, and the folder of its builders.

    :param cli: the ``docker`` program; ``BUILDX_CONFIG`` in its environment is the folder.
    """

    cli: Cli

    @property
    def folder(self) -> str:
        """Where buildx keeps its builders: ``BUILDX_CONFIG``, else ``buildx`` in Docker's own folder."""
        environment = {**os.environ, **self.cli.environment}
        docker_folder = environment.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
        return environment.get("BUILDX_CONFIG") or os.path.join(docker_folder, "buildx")

    def version(self) -> Version:
        """The version of buildx.

        :raises MissingPrerequisite: buildx is missing or older than :data:`MINIMUM_VERSION`.
        """
        completed = self.cli.run("buildx", "version", check=False)
        if completed.rc != 0:
            raise MissingPrerequisite(
                f"{self.cli.program} has no buildx plugin here: {completed.last_lines(3)} "
                f"Install docker-buildx; {self.cli.provided_by} does that.",
                task=self.cli.provided_by,
            )
        version = parse_version(completed.stdout)
        if version < MINIMUM_VERSION:
            raise MissingPrerequisite(
                f"buildx {'.'.join(map(str, version))} is too old: at least "
                f"{'.'.join(map(str, MINIMUM_VERSION))} is needed. Install a newer docker-buildx; "
                f"{self.cli.provided_by} does that.",
                task=self.cli.provided_by,
            )
        return version

    def find_builder(self, name: str, ask_nodes: bool = False) -> Builder | None:
        """The builder with that name, or None.

        Read from the record that buildx keeps, so no node is contacted unless ``ask_nodes``: then each node's status,
        BuildKit version and platforms are there too (seconds for a node that does not answer).
        A name without a record may be that of a Docker context (such as ``default``): the ``docker`` driver's builder.
        """
        builder = self._find_recorded(name) or self._find_context_builder(name)
        return self.ask_nodes(builder) if builder and ask_nodes else builder

    def list_builders(self, ask_nodes: bool = False) -> tuple[Builder, ...]:
        """Every recorded builder, then the builder of each Docker context, sorted by name each."""
        try:
            names = sorted(os.listdir(os.path.join(self.folder, "instances")))
        except FileNotFoundError:
            names = []
        recorded = [builder for name in names for builder in [self._find_recorded(name)] if builder]
        contexts = self.cli.run("context", "ls", "--format", "{{.Name}}").stdout.split()
        derived = [docker_builder(name) for name in sorted(contexts) if name not in names]
        builders = (*recorded, *derived)
        return tuple(map(self.ask_nodes, builders)) if ask_nodes else builders

    def ask_nodes(self, builder: Builder) -> Builder:
        """The builder with the status, BuildKit version and platforms of each node.

        buildx is asked with a copy of the record in a folder that is thrown away: it makes its folder, and writes down when
        a builder was last used, also when it only looks.
        """
        with tempfile.TemporaryDirectory(prefix="imagefleet-") as folder:
            record = self._record_path(builder.name)
            if os.path.isfile(record):
                os.mkdir(os.path.join(folder, "instances"))
                shutil.copy(record, os.path.join(folder, "instances"))
            completed = self.cli.run(
                "buildx", "inspect", builder.name, environment={"BUILDX_CONFIG": folder}, check=False
            )
        if completed.rc != 0:
            raise CollectionError(
                f"The nodes of builder {builder.name} cannot be asked: {explain_failure(completed.last_lines())}",
                builder=builder.name,
            )
        return _with_reasons(with_status(builder, completed.stdout))

    def record_for_build(self, builder: Builder, choices: Mapping[Platform, NodeChoice], folder: str) -> dict[str, str]:
        """The environment in which buildx builds where it was chosen. Nothing is said where buildx chooses the same.

        :param folder: an empty one that goes with the build: the user's own record stays as it is.
        """
        recorded = self._find_recorded(builder.name)
        if recorded is None or (len(recorded.nodes) == len(builder.nodes) and not needs_record(builder, choices)):
            return {}
        with open(self._record_path(builder.name), encoding="utf-8") as file:
            record = record_for(file.read(), builder, choices)
        write_files({os.path.join(folder, "instances", builder.name.lower()): record.encode()})
        return {"BUILDX_CONFIG": folder}

    def run_on_node(self, builder: Builder, node: Node, *command: str) -> Completed:
        """Run a command of buildx for one node of a builder, whatever becomes of it: with a record that has no other node.

        :param command: without ``docker buildx``.
        """
        with tempfile.TemporaryDirectory(prefix="imagefleet-") as folder:
            if os.path.isfile(self._record_path(builder.name)):
                with open(self._record_path(builder.name), encoding="utf-8") as file:
                    record = record_for(file.read(), replace(builder, nodes=(node,)), {})
                write_files({os.path.join(folder, "instances", builder.name.lower()): record.encode()})
            return self.cli.run(
                "buildx",
                *command,
                "--builder",
                builder.name,
                environment={"BUILDX_CONFIG": folder},
                check=False,
            )

    def is_in_use(self, name: str) -> bool:
        """Whether buildx takes this builder when none is named, for the Docker endpoint that is current now.

        Read from the file ``current`` in the folder; without it, or without a name in it, it is the context's builder.
        """
        try:
            with open(os.path.join(self.folder, "current"), encoding="utf-8") as file:
                current = json.load(file)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            current = {}
        context = json.loads(self.cli.run("context", "inspect").stdout)[0]
        endpoint = context["Endpoints"]["docker"]["Host"] if context["Name"] == "default" else context["Name"]
        chosen = current.get("Name") if current.get("Global") or current.get("Key") == endpoint else None
        return bool(name.lower() == str(chosen or context["Name"]).lower())

    def default_endpoint(self) -> str:
        """The address that buildx records for the Docker context ``default``."""
        return self.cli.run("context", "inspect", "default", "--format", "{{.Endpoints.docker.Host}}").stdout.strip()

    def plan_folder(self, name: str) -> str:
        """Where the files of a plan for that builder lie while it is applied."""
        return os.path.join(self.folder, f".imagefleet-{name}")

    def apply(self, plan: BuilderPlan, name: str) -> list[str]:
        """Write the plan's files, run its commands in order, remove the files. Returns what could not be cleared away.

        When a node cannot be created, the record that was there before is put back, as its options may be nowhere else:
        nodes that left or were removed on the way start again with the next build, on the caches that were kept.

        :raises CollectionError: a command failed.
        """
        record = self._record_path(name)
        before = _read_if_there(record)
        left = []
        try:
            write_files(plan.files)
            for done, command in enumerate(plan.commands):
                completed = self.cli.run(*command, check=False)
                # buildx ends with 0 where the engine of a container does not answer.
                silence = self._silence(name) if "--bootstrap" in command else ""
                if completed.rc == 0 and not silence:
                    continue
                if command in plan.tidying:
                    left.append(
                        f"Builder {name} has what was declared. What stays behind: docker {' '.join(command)} failed with "
                        f"{completed.last_lines(2)}"
                    )
                    continue
                is_definition = command[:2] == ("buildx", "create")
                if is_definition:
                    _restore(record, before)
                output = f"{completed.stdout}\n{completed.stderr}" if "--bootstrap" in command else completed.stderr
                outcome = "The builder is as it was declared before." if is_definition else "Run this task again then."
                raise CollectionError(
                    f"Builder {name}: {silence or explain_failure(output)} {outcome} "
                    f"What failed was command {done + 1} of {len(plan.commands)}: docker {' '.join(command)}",
                    builder=name,
                    commands=[list(each) for each in plan.commands],
                    rc=completed.rc,
                )
        finally:
            shutil.rmtree(self.plan_folder(name), ignore_errors=True)
        return left

    def _silence(self, name: str) -> str:
        """Who does not answer: buildx does not name the node that could not be started."""
        builder = self.find_builder(name, ask_nodes=True)
        return " ".join(describe_silence(builder, node) for node in silent_nodes(builder)) if builder else ""

    def _record_path(self, name: str) -> str:
        # buildx lower-cases the names of builders.
        return os.path.join(self.folder, "instances", name.lower())

    def _find_recorded(self, name: str) -> Builder | None:
        path = self._record_path(name)
        try:
            with open(path, encoding="utf-8") as file:
                return parse_instance(file.read(), path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise CollectionError(f"{path}, where buildx keeps builder {name}, cannot be read: {error}.") from error

    def _find_context_builder(self, name: str) -> Builder | None:
        return docker_builder(name) if self.cli.run("context", "inspect", name, check=False).rc == 0 else None
