# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.run_steps import as_written, with_script

MOUNTS = ("type=secret,id=s,target=/s", "type=tmpfs,target=/t")
GIVEN = "RUN --mount=type=secret,id=s,target=/s --mount=type=tmpfs,target=/t"


@pytest.mark.parametrize(
    "step, result",
    [
        pytest.param("RUN make", f"{GIVEN} . /s; make", id="shell-form"),
        pytest.param("run make", f"{GIVEN} . /s; make", id="lower-case"),
        pytest.param("RUN a \\\n    && b", f"{GIVEN} . /s; a     && b", id="continued"),
        pytest.param("RUN a \\\n  # why\n  && b", f"{GIVEN} . /s; a   && b", id="comment-between"),
        pytest.param("RUN --network=none a", f"{GIVEN} --network=none . /s; a", id="own-flags-stay"),
        pytest.param(
            "RUN --mount=type=cache,target=/c \\\n --mount=type=bind,source=x,target=/x \\\n a",
            f"{GIVEN} --mount=type=cache,target=/c --mount=type=bind,source=x,target=/x . /s; a",
            id="own-mounts-stay",
        ),
        pytest.param(
            'RUN ["pip", "install", "a b"]',
            f'{GIVEN} ["/bin/sh", "-c", ". /s; \\"$@\\"", "sh", "pip", "install", "a b"]',
            id="exec-form",
        ),
        pytest.param("RUN [ -f x ]", f"{GIVEN} . /s; [ -f x ]", id="a-test-is-no-exec-form"),
        pytest.param("RUN <<EOF\nmake\nEOF", f"{GIVEN} <<EOF\n. /s\nmake\nEOF", id="heredoc"),
        pytest.param("RUN cat <<E > /f\nmake\nE", f"{GIVEN} . /s; cat <<E > /f\nmake\nE", id="heredoc-of-a-command"),
        pytest.param(
            "RUN <<'EOF'\n#!/usr/bin/env bash\nmake\nEOF",
            f"{GIVEN} <<'EOF'\n#!/usr/bin/env bash\n. /s\nmake\nEOF",
            id="heredoc-for-a-shell",
        ),
        pytest.param("COPY <<EOF /x\nRUN y\nEOF", "COPY <<EOF /x\nRUN y\nEOF", id="a-copied-text-is-no-step"),
        pytest.param("ONBUILD RUN x", "ONBUILD RUN x", id="not-a-step-of-this-build"),
    ],
)
def test_with_script(step, result):
    before = "# syntax=docker/dockerfile:1\nARG A=1\nFROM a AS b\n# why\nENV X=1\n"
    text = f"{before}{step}\nUSER 1\nFROM b\nRUN last\n"
    assert with_script(text, "/s", MOUNTS) == f"{before}{result}\nUSER 1\nFROM b\n{GIVEN} . /s; last\n"


def test_another_interpreter_is_named():
    with pytest.raises(CollectionError, match=r"Line 2 of the Dockerfile runs a script of /usr/bin/env python3"):
        with_script("FROM a\nRUN <<EOF\n#!/usr/bin/env python3\nprint()\nEOF\n", "/s", MOUNTS)


@pytest.mark.parametrize("step", ["RUN make", "RUN --mount=type=cache,target=/c make", "RUN a && b"])
def test_people_read_their_own_steps(step):
    text = f"FROM a\n{step}\n"
    assert as_written(with_script(text, "/s", MOUNTS), "/s", MOUNTS) == text
