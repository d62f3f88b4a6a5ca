# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.progress import (
    Step,
    count_steps,
    duration,
    emulated_steps,
    parse_progress,
    printed_by,
    readable_log,
)

FIXTURES = Path(__file__).parent / "fixtures"
AMD64, ARM64 = "api-linux-amd64", "api-linux-arm64"


def recorded(name):
    return parse_progress((FIXTURES / name).read_text())


@pytest.mark.parametrize("version", ["0.13.1", "0.29.1"])
def test_a_build_of_two_platforms(version):
    progress = recorded(f"buildx-{version}-bake-two-platforms.txt")
    for target in (AMD64, ARM64):
        steps = progress.of_target(target)
        assert count_steps(steps) == (3, 0)
        assert 0.5 < duration(steps) < 10
        assert "[out 2/3] RUN echo hello ok && uname -m > /m" in readable_log(steps)
    assert progress.failed_targets() == ()
    assert progress.messages == ""


@pytest.mark.parametrize("version", ["0.13.1", "0.29.1"])
def test_one_target_fails(version):
    progress = recorded(f"buildx-{version}-bake-one-fails.txt")
    assert progress.failed_targets() == (ARM64,)
    log = readable_log(progress.of_target(ARM64), progress.messages)
    assert "[out 3/3] RUN test bad = ok ERROR" in log
    assert "exit code: 1" in log
    assert "    hello bad" in log


def test_a_cached_build():
    progress = recorded("buildx-0.29.1-bake-cached.txt")
    assert count_steps(progress.of_target(AMD64)) == (0, 3)
    assert "CACHED" in readable_log(progress.of_target(AMD64))


def test_emulated_steps_are_those_that_ran_foreign_programs():
    metadata = json.loads((FIXTURES / "buildx-0.29.1-bake-two-platforms-metadata.json").read_text())
    progress = recorded("buildx-0.29.1-bake-two-platforms.txt")
    counts = {
        target: emulated_steps(own["buildx.build.provenance"], progress.of_target(target))
        for target, own in metadata.items()
    }
    assert counts == {AMD64: 0, ARM64: 2}


def test_cached_steps_are_not_emulated():
    metadata = json.loads((FIXTURES / "buildx-0.29.1-bake-two-platforms-metadata.json").read_text())
    cached = recorded("buildx-0.29.1-bake-cached.txt")
    assert emulated_steps(metadata[ARM64]["buildx.build.provenance"], cached.of_target(ARM64)) == 0


@pytest.mark.parametrize(
    "provenance", [{}, {"buildConfig": {}}, {"invocation": {"environment": {"platform": "linux/amd64"}}}]
)
def test_without_a_record_the_number_is_unknown(provenance):
    assert emulated_steps(provenance, ()) is None


def test_cancelled_steps_are_no_failures():
    text = '{"vertexes":[{"digest":"sha256:a","name":"[x 1/1] RUN y","error":"context canceled"}]}'
    text += "\nERROR: target y: failed to solve"
    assert parse_progress(text).failed_targets() == ("y",)


def test_log_is_cut_to_its_end():
    lines = "".join(f"line {number}\n" for number in range(1000))
    data = base64.b64encode(lines.encode()).decode()
    text = json.dumps({"vertexes": [{"digest": "d", "name": "[t 1/1] RUN x", "started": "2026-01-01T00:00:00Z"}]})
    text += "\n" + json.dumps({"logs": [{"vertex": "d", "data": data}]})
    log = readable_log(parse_progress(text).of_target("t"))
    assert len(log.splitlines()) == 200
    assert log.endswith("line 999")


def test_what_failed_is_at_the_end_of_the_log_whatever_ran_beside_it():
    """Steps run side by side, and the one that failed is not the one that printed most."""
    lines = "".join(f"line {number}\n" for number in range(1000))
    vertexes = [
        {"digest": "a", "name": "[t 1/2] RUN fails", "started": "2026-01-01T00:00:00Z", "error": "exit code: 1"},
        {"digest": "b", "name": "[u 1/1] RUN x", "started": "2026-01-01T00:00:00Z", "error": "context canceled"},
    ]
    logs = [
        {"vertex": name, "data": base64.b64encode(data.encode()).decode()}
        for name, data in (("a", "why\n"), ("b", lines))
    ]
    text = "\n".join(json.dumps(value) for value in ({"vertexes": vertexes}, {"logs": logs}))
    log = readable_log(parse_progress(text, only_target="t").steps, "ERROR: failed to solve")
    assert log.splitlines()[-4:] == ["[t 1/2] RUN fails ERROR", "    why", "    exit code: 1", "ERROR: failed to solve"]


@pytest.mark.parametrize(
    "output, printed",
    [
        pytest.param(["a", "b"], ["a", "b", "exit code: 1"], id="short"),
        pytest.param(
            ["x", "Cannot install litellm.", *(f"Installing {n}" for n in range(50))],
            ["Cannot install litellm.", "[…]", *(f"Installing {n}" for n in range(31, 50)), "exit code: 1"],
            id="it-went-on-for-long",
        ),
        pytest.param(
            ["y"] * 50, [*["y"] * 19, "exit code: 1"], id="nothing-looks-like-an-error",
        ),
    ],
)  # fmt: skip
def test_what_a_failed_step_printed(output, printed):
    step = Step("d", None, "RUN x", True, error="exit code: 1", log=["".join(f"{line}\n" for line in output)])
    assert printed_by(step).splitlines() == printed


def test_a_solve_of_one_target_does_not_name_it():
    lines = [
        {"vertexes": [{"digest": "a", "name": "[internal] load build context", "started": "2026-01-01T00:00:00Z"}]},
        {"vertexes": [{"digest": "b", "name": "[base 2/2] RUN x", "started": "2026-01-01T00:00:00.5Z"}]},
        {"vertexes": [{"digest": "c", "name": "exporting to image", "completed": "2026-01-01T00:00:02.25Z"}]},
    ]
    progress = parse_progress("\n".join(map(json.dumps, lines)), "api")
    steps = progress.of_target("api")
    assert [step.title for step in steps] == ["[internal] load build context", "[base 2/2] RUN x", "exporting to image"]
    assert count_steps(steps) == (1, 0)
    assert duration(steps) == 2.25
