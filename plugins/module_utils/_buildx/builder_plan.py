# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for builders: from what buildx recorded to what the user declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import (
    DOCKER,
    DOCKER_CONTAINER,
    REMOTE,
    RUNNING,
    Builder,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_args import (
    Version,
    bootstrap_args,
    create_args,
    leave_args,
    node_folder,
    remove_args,
    remove_container_args,
    stop_args,
    use_args,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.buildkitd_config import (
    CONFIG_FILE,
    staged_files,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.declaration import (
    BuilderDeclaration,
    NodeDeclaration,
    recorded_declaration,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.silent_node import require_answers
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import (
    CollectionError,
    MissingPrerequisite,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.plan import Command, Plan
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform


@dataclass(frozen=True)
class BuilderPlan(Plan):
    """A plan, and the files that exist while its commands run.

    :param files: contents by absolute path. May hold private keys: never part of a result.
    :param tidying: those of the commands that only clear away what is left on a node's host, which may be down.
    """

    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    tidying: frozenset[Command] = frozenset()


@dataclass(frozen=True)
class Circumstances:
    """What a plan depends on besides the two declarations.

    :param version: of buildx.
    :param folder: where the plan's files are to lie.
    :param in_use: whether the builder is the one that buildx takes when none is named. buildx remembers the name only,
        so a new builder of that name is in use too.
    :param use: whether it is to be that.
    :param bootstrap: whether the daemons are to run.
    :param stopped: whether they are not to run.
    :param may_recreate: whether a builder may be removed and created again to change what cannot be changed in place.
    :param compare_config: whether the user declared the daemons' configuration.
    """

    version: Version
    folder: str
    in_use: bool = False
    use: bool = False
    bootstrap: bool = False
    stopped: bool = False
    may_recreate: bool = True
    compare_config: bool = False


def plan_absent(current: Builder | None, keep_state: bool) -> BuilderPlan:
    """Nothing there, nothing to do; a Docker context's builder cannot go."""
    if current is None:
        return BuilderPlan(None, None)
    if current.driver == DOCKER:
        raise CollectionError(
            f"Builder {current.name} belongs to the Docker context of that name and cannot be removed. "
            f"Remove the context instead, or name another builder."
        )
    before = recorded_declaration(current).to_dict()
    return BuilderPlan(before, None, (remove_args(current.name, keep_state),), (f"builder {current.name} is there",))


def plan_docker(name: str, current: Builder | None, on: Circumstances) -> BuilderPlan:
    """The builder of a Docker context: there, or not; only ``use`` can change."""
    if current is None or current.driver != DOCKER:
        there = f"driver {current.driver}" if current else "no builder"
        raise CollectionError(
            f"There is {there} with the name {name}, and the driver docker exists only as the builder of a Docker "
            f"context. Use the name default, or that of a context in 'docker context ls'."
        )
    before = {**recorded_declaration(current).to_dict(), "in_use": on.in_use}
    commands = (use_args(name),) if on.use and not on.in_use else ()
    reasons = (f"builder {name} is not in use",) if commands else ()
    return BuilderPlan(before, {**before, "in_use": on.in_use or on.use}, commands, reasons)


def plan_present(wanted: BuilderDeclaration, current: Builder | None, on: Circumstances) -> BuilderPlan:
    """Nodes join and leave one by one where buildx can do that; else a new builder, with its cache kept."""
    recorded = recorded_declaration(current, on.compare_config) if current else None
    definition = _define(wanted, recorded, on)
    fresh = {node.name for node in definition.created}
    commands = [*definition.commands, *definition.tidying]
    reasons = list(definition.reasons)
    running = {node.name for node in (current.nodes if current else ()) if node.status == RUNNING} - fresh
    down = [node.name for node in wanted.nodes if node.name not in running]
    if on.bootstrap and down:
        commands.append(bootstrap_args(wanted.name))
        reasons.extend(f"node {name} does not run" for name in down if name not in fresh)
    if on.stopped and running:
        commands.append(stop_args(wanted.name))
        reasons.extend(f"node {name} runs" for name in sorted(running))
    if on.use and not on.in_use:
        commands.append(use_args(wanted.name))
        reasons.append(f"builder {wanted.name} is not in use")
    states = _run_states(on, before=current.is_running if current else False)
    before = None if recorded is None else {**recorded.to_dict(), "in_use": on.in_use, **states[0]}
    after = {**wanted.to_dict(), "in_use": on.in_use or on.use, **states[1]}
    files = {
        path: content
        for node in definition.created
        if CONFIG_FILE in node.files
        for path, content in staged_files(node.files, node_folder(on.folder, node)).items()
    }
    return BuilderPlan(before, after, tuple(commands), tuple(reasons), files, frozenset(definition.tidying))


def _run_states(on: Circumstances, before: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """``running`` before and after; left out when the user did not ask, as nobody asked the nodes then."""
    if not on.bootstrap and not on.stopped:
        return {}, {}
    return {"running": before}, {"running": on.bootstrap}


@dataclass(frozen=True)
class _Definition:
    """The part of a plan that makes the record right.

    :param created: the nodes that are new, or new again.
    :param tidying: what comes after the other commands, and may fail.
    """

    commands: tuple[Command, ...] = ()
    reasons: tuple[str, ...] = ()
    created: tuple[NodeDeclaration, ...] = ()
    tidying: tuple[Command, ...] = ()


def _define(wanted: BuilderDeclaration, current: BuilderDeclaration | None, on: Circumstances) -> _Definition:
    if current is None:
        return _Definition(_create(wanted, on), (f"builder {wanted.name} is missing",), wanted.nodes)
    if current.driver == DOCKER:
        raise CollectionError(
            f"The name {wanted.name} belongs to a Docker context, whose builder has the driver docker and cannot have "
            f"the driver {wanted.driver}. Give the builder another name."
        )
    if current.driver != wanted.driver:
        return _recreate(wanted, (f"driver: {current.driver} -> {wanted.driver}",), on)
    missing = tuple(node for node in wanted.nodes if current.find_node(node.name) is None)
    extra = tuple(node for node in current.nodes if wanted.find_node(node.name) is None)
    differences = _differences(wanted, current)
    changed = tuple(node for node in wanted.nodes if node.name in differences)
    reasons = (
        *(reason for node in changed for reason in differences[node.name]),
        *(f"node {node.name} is missing" for node in missing),
        *(f"node {node.name} is not declared" for node in extra),
    )
    if not reasons:
        return _Definition()
    stays = len(current.nodes) > len(extra) + len(changed)
    in_place = wanted.driver == REMOTE or (wanted.driver == DOCKER_CONTAINER and not changed) or not (extra or changed)
    if not stays or not in_place:
        return _recreate(wanted, reasons, on)
    commands = (
        *(leave_args(current.name, node.name) for node in (*changed, *extra)),
        *_append(wanted, (*changed, *missing), on),
    )
    tidying = tuple(map(remove_container_args, extra)) if current.driver == DOCKER_CONTAINER else ()
    return _Definition(commands, reasons, (*changed, *missing), tidying)


def _recreate(wanted: BuilderDeclaration, reasons: tuple[str, ...], on: Circumstances) -> _Definition:
    if not on.may_recreate:
        raise CollectionError(
            f"Builder {wanted.name} differs ({'; '.join(reasons)}), and only a new builder can have that. "
            f"It is kept because of recreate=never: allow it with recreate=auto (the cache is kept), or take another name.",
            reasons=list(reasons),
        )
    commands = (remove_args(wanted.name, keep_state=True), *_create(wanted, on))
    return _Definition(commands, reasons, wanted.nodes)


def _create(wanted: BuilderDeclaration, on: Circumstances) -> tuple[Command, ...]:
    first, *others = wanted.nodes
    return (create_args(wanted, first, on.version, on.folder), *_append(wanted, others, on))


def _append(wanted: BuilderDeclaration, nodes: Sequence[NodeDeclaration], on: Circumstances) -> tuple[Command, ...]:
    return tuple(create_args(wanted, node, on.version, on.folder, append=True) for node in nodes)


def _differences(wanted: BuilderDeclaration, current: BuilderDeclaration) -> dict[str, tuple[str, ...]]:
    """The reasons by the node's name, for the nodes that are in both and differ."""
    pairs = ((node, current.find_node(node.name)) for node in wanted.nodes)
    found = {node.name: tuple(_node_differences(node, other)) for node, other in pairs if other and other != node}
    return {name: reasons for name, reasons in found.items() if reasons}


def _node_differences(wanted: NodeDeclaration, current: NodeDeclaration) -> Iterator[str]:
    left, right = dict(_flatten(current.to_dict())), dict(_flatten(wanted.to_dict()))
    for option in (*right, *(key for key in left if key not in right)):
        if left.get(option) != right.get(option):
            yield f"node {wanted.name}: {option}: {_shown(left.get(option))} -> {_shown(right.get(option))}"


def _flatten(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        path = f"{prefix}{key}"
        if isinstance(item, Mapping) and (item or not prefix):
            yield from _flatten(item, f"{path}.")
        else:
            yield path, item


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if value == {}:
        return "empty"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def require_platforms(builder: Builder, platforms: Sequence[Platform]) -> None:
    """The nodes, having been asked, can build for the platforms.

    :raises MissingPrerequisite: an emulator is missing on the engine's host.
    :raises CollectionError: a node does not answer, or no node builds for a platform.
    """
    require_answers(builder, platforms)
    missing = [str(platform) for platform in platforms if platform not in builder.platforms()]
    if not missing:
        return
    silent = [node for node in builder.nodes if node.status != RUNNING]
    if silent:
        raise CollectionError(
            f"Whether builder {builder.name} can build for {', '.join(missing)} cannot be told: node {silent[0].name} is "
            f"{silent[0].status or 'not reachable'}{f' ({silent[0].error})' if silent[0].error else ''}. "
            f"Start it (bootstrap=true), and check its endpoint {silent[0].endpoint or 'default'}.",
            builder=builder.name,
        )
    message = (
        f"Builder {builder.name} cannot build for {', '.join(missing)}: no node is native to it or has an emulator for "
        f"it. Register the emulator with the module imagefleet.dify.binfmt on the node's host, or add a native node. "
        f"The builder can build for {', '.join(map(str, builder.platforms()))}."
    )
    if builder.driver == DOCKER:
        raise MissingPrerequisite(message, task="the module imagefleet.dify.binfmt", platforms=missing)
    raise CollectionError(message, platforms=missing)
