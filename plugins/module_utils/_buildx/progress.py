# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What BuildKit says while it builds (``--progress rawjson``): steps, their output, and how long they took.

Format: https://pkg.go.dev/github.com/moby/buildkit/client#SolveStatus
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Iterator, Mapping

_LABEL = re.compile(r"\[(?P<label>[^\]]*)\](?P<rest>.*)", re.DOTALL)
_STEP_NUMBER = re.compile(r"(?:^|\s)\d+/\d+$")
_LOG_LINES = 200
#: A program that does many things at once may go on for long after the one that failed.
_FAILED_LOG_LINES = 1000
_ERROR_LINE = re.compile(r"(?i)\b(?:error|fatal|cannot|could not|unable to|no such|not found)\b")
#: Of the output of what failed, in a message.
PRINTED_LINES = 20
_PRINTED_ERRORS = 8


@dataclass
class Step:
    """A vertex of the build: one instruction, a context transfer, an export.

    :param target: the bake target it belongs to, or None.
    :param title: what BuildKit calls it, without the target.
    :param log: its output so far.
    """

    digest: str
    target: str | None
    title: str
    counted: bool
    started: float | None = None
    completed: float | None = None
    cached: bool = False
    error: str | None = None
    log: list[str] = field(default_factory=list)

    @property
    def executed(self) -> bool:
        """Whether it ran to its end: it was started, and not found in the cache."""
        return self.started is not None and not self.cached

    @property
    def failed(self) -> bool:
        """Whether it is why the build failed. One that was only cancelled is not."""
        return bool(self.error) and "context canceled" not in str(self.error)

    def output(self) -> list[str]:
        """The lines that it printed."""
        return "".join(self.log).splitlines()


@dataclass(frozen=True)
class Progress:
    """A whole build."""

    steps: tuple[Step, ...]
    #: What was not JSON: buildx's own messages, the last of which is the error.
    messages: str

    def of_target(self, target: str) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.target == target)

    def failed_targets(self) -> tuple[str, ...]:
        """Targets named by buildx's error or by a failed step; a step that was only cancelled does not count."""
        named = re.findall(r"ERROR: target ([a-z0-9_-]+): ", self.messages)
        failed = [step.target for step in self.steps if step.failed]
        return tuple(dict.fromkeys([*named, *(target for target in failed if target)]))


def parse_progress(text: str, only_target: str | None = None) -> Progress:
    """Parse standard error of ``--progress rawjson``: JSON values, one per line or indented, with messages between.

    :param only_target: the target of a solve that has but one: buildx names the target in each step only when there
        are several.
    """
    steps: dict[str, Step] = {}
    messages: list[str] = []
    for value in _values(text, messages):
        for vertex in value.get("vertexes") or []:
            _update(steps, vertex, only_target)
        for log in value.get("logs") or []:
            step = steps.get(log.get("vertex", ""))
            if step:
                step.log.append(base64.b64decode(log.get("data", "")).decode("utf-8", "replace"))
    return Progress(tuple(steps.values()), "\n".join(messages).strip())


def count_steps(steps: tuple[Step, ...]) -> tuple[int, int]:
    """(executed, cached) instructions of a build; internal steps are not counted."""
    counted = [step for step in steps if step.counted]
    return sum(step.executed for step in counted), sum(step.cached for step in counted)


def duration(steps: tuple[Step, ...]) -> float:
    """Seconds from the first start to the last end."""
    starts = [step.started for step in steps if step.started is not None]
    ends = [step.completed for step in steps if step.completed is not None]
    return round(max(0.0, max(ends) - min(starts)), 3) if starts and ends else 0.0


def emulated_steps(provenance: Mapping[str, Any], steps: tuple[Step, ...]) -> int | None:
    """Steps that ran (were not cached) a program for a platform foreign to the node.

    :param provenance: the SLSA predicate with ``mode=max``; only there is a step's platform recorded.
    :return: None when the provenance has no build definition.
    """
    config = provenance.get("buildConfig") or _internal_parameters(provenance).get("buildConfig") or {}
    definition, mapping = config.get("llbDefinition"), config.get("digestMapping")
    native = node_platform(provenance)
    if not definition or not mapping or not native:
        return None
    ran = {step.digest for step in steps if step.executed}
    foreign = {
        item["id"]
        for item in definition
        if "exec" in ((item.get("op") or {}).get("Op") or {}) and _platform(item["op"].get("platform")) != native
    }
    return sum(1 for digest, name in mapping.items() if name in foreign and digest in ran)


def node_platform(provenance: Mapping[str, Any]) -> str | None:
    """The platform of the node itself, as the provenance of a build there says; None when it does not.

    :param provenance: the SLSA predicate, of version 0.2 or 1.
    """
    environment = (provenance.get("invocation") or {}).get("environment") or {}
    return environment.get("platform") or _internal_parameters(provenance).get("builderPlatform")


def readable_log(steps: tuple[Step, ...], messages: str = "") -> str:
    """The last lines of a build as a person would want to read them: what failed comes last, whatever ran beside it."""
    lines: list[str] = []
    limit = _LOG_LINES
    for step in sorted(steps, key=lambda step: step.failed):
        if step.started is None and not step.cached:
            continue
        state = "CACHED" if step.cached else "ERROR" if step.error else f"{duration((step,)):.1f}s"
        lines.append(f"{step.title} {state}")
        lines.extend(f"    {line}" for line in step.output())
        if step.failed:
            limit = max(_LOG_LINES, min(_FAILED_LOG_LINES, len(step.output())))
        if step.error:
            lines.append(f"    {step.error}")
    if messages:
        lines.append(messages)
    return "\n".join(lines[-limit:])


def printed_by(step: Step) -> str:
    """The end of what a step that failed printed, and what looks like errors before that."""
    lines = [*step.output(), step.error or ""]
    end = lines[-PRINTED_LINES:]
    errors = [line for line in lines[: -len(end)] if _ERROR_LINE.search(line)][-_PRINTED_ERRORS:]
    return "\n".join([*errors, "[…]", *end] if errors else end)


def _internal_parameters(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where SLSA 1 has what is the builder's own."""
    return (provenance.get("buildDefinition") or {}).get("internalParameters") or {}


def _values(text: str, messages: list[str]) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    position = 0
    while position < len(text):
        if text[position] == "{" and (position == 0 or text[position - 1] == "\n"):
            try:
                value, position = decoder.raw_decode(text, position)
            except ValueError:
                value = None
            if isinstance(value, dict):
                yield value
                continue
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        if text[position:end].strip():
            messages.append(text[position:end])
        position = end + 1


def _update(steps: dict[str, Step], vertex: Mapping[str, Any], only_target: str | None) -> None:
    step = steps.get(vertex["digest"])
    if step is None:
        step = steps[vertex["digest"]] = _step(vertex["digest"], vertex.get("name", ""), only_target)
    step.started = _seconds(vertex.get("started")) or step.started
    step.completed = _seconds(vertex.get("completed")) or step.completed
    step.cached = step.cached or bool(vertex.get("cached"))
    step.error = vertex.get("error") or step.error


def _step(digest: str, name: str, only_target: str | None) -> Step:
    match = _LABEL.fullmatch(name)
    label, rest = (match["label"], match["rest"]) if match else ("", name)
    target = only_target
    if only_target is None and match:
        target, _space, label = label.partition(" ")
    title = f"[{label}]{rest}" if label else rest.strip()
    return Step(digest, target, title, bool(_STEP_NUMBER.search(label)))


def _seconds(text: str | None) -> float | None:
    if not text:
        return None
    whole, _dot, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")


def _platform(value: Mapping[str, str] | None) -> str | None:
    if not value:
        return None
    return "/".join(part for part in (value.get("OS"), value.get("Architecture"), value.get("Variant")) if part)
