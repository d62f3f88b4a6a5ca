# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.apt_pins import (
    find_pins,
    snapshot_time,
    without_pins,
)


@pytest.mark.parametrize(
    "step, pins, relaxed",
    [
        pytest.param("RUN apt-get install -y jq=1.0-2", ("jq=1.0-2",), "RUN apt-get install -y jq", id="one"),
        pytest.param(
            "RUN apt-get update \\\n  && apt-get install -y --no-install-recommends \\\n     zlib1g=1:1.2.13.dfsg-1 \\\n"
            "     # why\n     libsqlite3-0=3.40.1-2+deb12u2 curl \\\n  && rm -rf /var/lib/apt",
            ("zlib1g=1:1.2.13.dfsg-1", "libsqlite3-0=3.40.1-2+deb12u2"),
            "RUN apt-get update \\\n  && apt-get install -y --no-install-recommends \\\n     zlib1g \\\n"
            "     # why\n     libsqlite3-0 curl \\\n  && rm -rf /var/lib/apt",
            id="in-many-lines",
        ),
        pytest.param(
            "RUN apt install zlib1g:arm64=1:1.2",
            ("zlib1g:arm64=1:1.2",),
            "RUN apt install zlib1g:arm64",
            id="of-an-architecture",
        ),
        pytest.param("RUN apt-get install nodejs=${V}", (), "RUN apt-get install nodejs=${V}", id="a-variable-is-none"),
        pytest.param("RUN pip install aa==1 bb=2", (), "RUN pip install aa==1 bb=2", id="another-installer"),
        pytest.param(
            "RUN apt-get install aa && X=1 make bb=2",
            (),
            "RUN apt-get install aa && X=1 make bb=2",
            id="another-command",
        ),
        pytest.param("ENV aa=1", (), "ENV aa=1", id="no-step"),
        pytest.param(
            "RUN <<EOF\napt-get install -y jq=1.2\necho bb=1\nEOF",
            ("jq=1.2",),
            "RUN <<EOF\napt-get install -y jq\necho bb=1\nEOF",
            id="heredoc",
        ),
    ],
)
def test_pins(step, pins, relaxed):
    assert find_pins(f"FROM x\n{step}\nRUN y\n") == pins
    assert without_pins(f"FROM x\n{step}\nRUN y\n") == f"FROM x\n{relaxed}\nRUN y\n"


def test_snapshot_time():
    assert snapshot_time(1735787045) == "20250102T030405Z"
