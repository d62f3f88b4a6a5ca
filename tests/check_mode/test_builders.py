# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""buildx_builder and buildx_builder_info over generated declarations: what there is, and what is wanted."""

from __future__ import annotations

import shutil

from hypothesis import given
from hypothesis import strategies as st

PLATFORMS = st.lists(st.sampled_from(["linux/amd64", "linux/arm64", "linux/riscv64"]), unique=True, max_size=2)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "env.A": st.sampled_from(["1", "2"]),
        "memory": st.sampled_from(["1g", "2g"]),
        "network": st.sampled_from(["host", "bridge"]),
    },
)

REMOTE_NODES = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["n1", "n2", "n3"]),
            "endpoint": st.sampled_from(["tcp://127.0.0.1:1", "tcp://h:2", "tcp://h:3"]),
        },
        optional={"platforms": PLATFORMS},
    ),
    unique_by=(lambda node: node["name"], lambda node: node["endpoint"]),
    min_size=1,
    max_size=3,
)
CONTAINER_NODES = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["n1", "n2"])},
        optional={
            "platforms": PLATFORMS,
            "driver_opts": OPTIONS,
            "buildkitd_flags": st.sampled_from([[], ["--debug"], ["--trace", "--debug"]]),
        },
    ),
    unique_by=lambda node: node["name"],
    min_size=1,
    max_size=1,
)
CONFIGS = st.sampled_from([{}, {"debug": True}, {"registry": {"r.lan:5000": {"http": True}}}])

BUILDERS = st.one_of(
    st.fixed_dictionaries({"driver": st.just("remote"), "nodes": REMOTE_NODES}, optional={"use": st.booleans()}),
    st.fixed_dictionaries(
        {"driver": st.just("docker-container"), "nodes": CONTAINER_NODES},
        optional={"buildkitd_config": CONFIGS, "use": st.booleans()},
    ),
)
WANTED = st.one_of(
    BUILDERS,
    st.just({"state": "absent"}),
    st.just({"state": "absent", "keep_state": True}),
    st.just({"recreate": "never", "driver": "remote", "nodes": [{"name": "n9", "endpoint": "tcp://h:9"}]}),
    st.just({"driver": "docker"}),
)


@given(current=st.one_of(st.none(), BUILDERS), wanted=WANTED)
def test_buildx_builder(truth, modules, tmp_path, current, wanted):
    folder = tmp_path / "buildx"
    shutil.rmtree(folder, ignore_errors=True)
    if current:
        made = modules.run("buildx_builder", name="b1", buildx_config=str(folder), **current)
        assert not made.get("failed"), made
    truth("buildx_builder", name="b1", buildx_config=str(folder), **wanted)
    info = truth("buildx_builder_info", buildx_config=str(folder))
    assert [builder["name"] for builder in info["builders"] if builder["name"] == "b1"] == (
        ["b1"] if (folder / "instances" / "b1").exists() else []
    )
