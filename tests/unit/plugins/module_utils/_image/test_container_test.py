# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.owner import this_process
from ansible_collections.imagefleet.dify.plugins.module_utils._image.container_test import (
    LABEL,
    OWNER_LABEL,
    is_leftover,
    program_paths,
)


@pytest.mark.parametrize(
    "program, config, paths",
    [
        pytest.param("/bin/sh", {"WorkingDir": "/app"}, ["/bin/sh"], id="a-path"),
        pytest.param("./server", {"WorkingDir": "/app"}, ["/app/server"], id="from-the-working-folder"),
        pytest.param("bin/server", {}, ["/bin/server"], id="without-a-working-folder"),
        pytest.param(
            "gunicorn",
            {"Env": ["A=1", "PATH=/app/.venv/bin:/usr/bin"]},
            ["/app/.venv/bin/gunicorn", "/usr/bin/gunicorn"],
            id="in-the-images-path",
        ),
        pytest.param(
            "sh",
            {"Env": None},
            [
                f"{folder}/sh"
                for folder in ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
            ],
            id="where-engines-look-without-one",
        ),
    ],
)
def test_where_a_program_may_be(program, config, paths):
    assert program_paths(program, config) == paths


NOW = 1_800_000_000
ENDED = this_process().rpartition(":")[0] + ":1"


@pytest.mark.parametrize(
    "labels, expected",
    [
        pytest.param({LABEL: str(NOW - 10), OWNER_LABEL: ENDED}, True, id="of-a-killed-run"),
        pytest.param({LABEL: str(NOW - 7200), OWNER_LABEL: this_process()}, False, id="of-a-long-run"),
        pytest.param({LABEL: str(NOW - 10), OWNER_LABEL: "b:1:2:3"}, False, id="of-another-controller"),
        pytest.param({LABEL: str(NOW - 7200), OWNER_LABEL: "b:1:2:3"}, True, id="of-another-controller-an-hour-ago"),
        pytest.param({LABEL: "?"}, True, id="of-nobody-knows-when"),
    ],
)
def test_what_is_left_over(labels, expected):
    assert is_leftover(labels, NOW) is expected
