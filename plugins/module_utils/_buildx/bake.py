# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bake definitions: many builds in one solve, so that BuildKit shares what they have in common.

Format: https://docs.docker.com/build/bake/reference/
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

#: buildx below this has no rawjson progress for bake.
MINIMUM_VERSION = (0, 13, 0)
#: From here on bake refuses to read outside its working directory without ``--allow``.
_ENTITLEMENTS_VERSION = (0, 20, 0)
#: From here on the docker driver pushes from BuildKit, without leaving the image in the engine.
_STORELESS_VERSION = (0, 14, 0)

#: Memory that one build is given: the web component's bundler alone takes 4 GiB.
BYTES_PER_BUILD = 4 * 1024**3


@dataclass(frozen=True)
class BuildTarget:
    """One build of one bake definition.

    :param context: folder of the exported context.
    :param dockerfile: path of the exported Dockerfile.
    :param contexts: named contexts, by the name the Dockerfile uses, each pinned to a digest or a folder.
    :param secrets: ``type=env,id=…,env=…`` or ``type=file,id=…,src=…``, never a value.
    :param tags: references, when the output has names.
    :param output: as ``--output`` takes it.
    """

    name: str
    context: str
    dockerfile: str
    platforms: tuple[str, ...]
    output: str
    tags: tuple[str, ...] = ()
    target: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    attest: tuple[str, ...] = ()
    network: str | None = None
    no_cache: bool = False

    def definition(self) -> dict[str, Any]:
        """This target as bake's JSON has it; what is empty is left out."""
        fields = {
            "context": self.context,
            "dockerfile": self.dockerfile,
            "platforms": list(self.platforms),
            "output": [self.output],
            "tags": list(self.tags),
            "target": self.target,
            "args": dict(self.args),
            "contexts": dict(self.contexts),
            "secret": list(self.secrets),
            "ssh": list(self.ssh),
            "labels": dict(self.labels),
            "annotations": list(self.annotations),
            "cache-from": list(self.cache_from),
            "cache-to": list(self.cache_to),
            "attest": list(self.attest),
            "network": self.network,
            "no-cache": self.no_cache,
        }
        return {key: _escaped(value) for key, value in fields.items() if value not in (None, {}, [], False)}


def bake_definition(targets: Sequence[BuildTarget]) -> str:
    """The JSON text of a definition whose default group is all ``targets``."""
    return json.dumps(
        {
            "group": {"default": {"targets": [target.name for target in targets]}},
            "target": {target.name: target.definition() for target in targets},
        },
        sort_keys=True,
    )


def bake_args(
    builder: str, targets: Sequence[BuildTarget], metadata_file: str, version: tuple[int, int, int]
) -> tuple[str, ...]:
    """Arguments of ``docker``; the definition goes to standard input."""
    arguments = ["buildx", "bake", "--builder", builder, "--file", "-", "--progress", "rawjson"]
    arguments += ["--metadata-file", metadata_file]
    if version >= _ENTITLEMENTS_VERSION:
        arguments += [f"--allow={entitlement}" for entitlement in _entitlements(targets)]
    return tuple(arguments)


def needs_engine_cleanup(driver: str, version: tuple[int, int, int]) -> bool:
    """Whether a push leaves the image in the engine: the docker driver of old buildx pushes by way of the engine."""
    return driver == "docker" and version < _STORELESS_VERSION


def time_attributes(source_date_epoch: int | None, rewrite: bool) -> tuple[str, ...]:
    """Attributes of ``--output`` that give an image its time.

    They are the exporter's, and not the build arg of the same name: that one goes into every ``WORKDIR`` and ``COPY``, so
    that each commit would do all steps after them again.

    :param source_date_epoch: seconds since 1970.
    :param rewrite: whether files in layers get that time too, where they are younger.
    """
    if source_date_epoch is None:
        return ()
    return (f"source-date-epoch={source_date_epoch}", *(("rewrite-timestamp=true",) if rewrite else ()))


def registry_output(driver: str, version: tuple[int, int, int], attributes: Sequence[str] = ()) -> str:
    """``--output`` of a push by tag that leaves nothing in the engine where buildx can do that."""
    stores_not = driver == "docker" and not needs_engine_cleanup(driver, version)
    return ",".join(["type=registry", *(["store=false"] if stores_not else []), *attributes])


def tolerant_cache(exports: Sequence[str]) -> tuple[str, ...]:
    """Cache exports that warn instead of failing a good build, unless the user said otherwise."""
    return tuple(
        export if "ignore-error=" in export or export.startswith("type=inline") else f"{export},ignore-error=true"
        for export in exports
    )


def registry_cache_from(reference: str | None) -> tuple[str, ...]:
    """``cache-from`` of a cache in a registry. BuildKit goes on where there is none, or one that it cannot read."""
    return () if reference is None else (f"type=registry,ref={reference}",)


def registry_cache_to(reference: str | None) -> tuple[str, ...]:
    """``cache-to`` of all steps, as an image that every registry takes.

    https://docs.docker.com/build/cache/backends/registry/
    """
    if reference is None:
        return ()
    return (f"type=registry,ref={reference},mode=max,image-manifest=true,oci-mediatypes=true",)


def batch_size(memory_bytes: int | None, wanted: int | None = None) -> int:
    """How many builds run at once on a node: one where nobody can tell its memory.

    :param memory_bytes: the node's memory; None when it cannot be asked.
    :param wanted: the user's own number, which wins.
    """
    if wanted is not None:
        return max(1, wanted)
    return 1 if memory_bytes is None else max(1, memory_bytes // BYTES_PER_BUILD)


def batches(
    targets: Sequence[BuildTarget], node_of: Mapping[str, str], sizes: Mapping[str, int]
) -> list[tuple[BuildTarget, ...]]:
    """``targets`` in rounds, in which no node has more builds than its size; those of one node stay in their order.

    :param node_of: name of the node, by name of the target.
    :param sizes: builds at once, by name of the node.
    """
    rounds: list[list[BuildTarget]] = []
    placed: Counter[str] = Counter()
    for target in targets:
        node = node_of[target.name]
        number = placed[node] // sizes[node]
        placed[node] += 1
        rounds += [[] for _missing in range(number + 1 - len(rounds))]
        rounds[number].append(target)
    return [tuple(targets) for targets in rounds]


def _entitlements(targets: Sequence[BuildTarget]) -> list[str]:
    found: dict[str, None] = {}
    for target in targets:
        folders = [
            target.context,
            target.dockerfile,
            *(path for path in target.contexts.values() if path.startswith("/")),
        ]
        found.update((f"fs.read={path}", None) for path in folders)
        found.update((f"fs.read={_option(secret, 'src')}", None) for secret in target.secrets if _option(secret, "src"))
        found.update((f"fs.read={_option(cache, 'src')}", None) for cache in target.cache_from if _option(cache, "src"))
        found.update(
            (f"fs.write={_option(cache, 'dest')}", None) for cache in target.cache_to if _option(cache, "dest")
        )
        if _option(target.output, "dest"):
            found[f"fs.write={_option(target.output, 'dest')}"] = None
        if target.ssh:
            found["ssh"] = None
        if target.network == "host":
            found["network.host"] = None
    return list(found)


def _option(text: str, name: str) -> str | None:
    return next((part.split("=", 1)[1] for part in text.split(",") if part.startswith(f"{name}=")), None)


def _escaped(value: Any) -> Any:
    """Bake reads ``${…}`` and ``%{…}`` in JSON texts as HCL templates; doubled signs are literal."""
    if isinstance(value, str):
        return value.replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    return value
