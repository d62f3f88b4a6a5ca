# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""BuildKit itself as the role buildkitd runs it, in a container of an image, and a builder with it as a node.

From an archive, as a service of systemd, it is Molecule's scenario ``fleet`` with IMAGEFLEET_REAL_BUILDKIT=1.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from support.builder_under_test import REMOTE
from support.buildkit_nodes import Real
from support.registries import free_port, registry_with_login

CONTAINER = "imagefleet-buildkitd"
FOLDER = Path("/etc/buildkit")


@pytest.fixture
def run_role(playbook_environment, tmp_path, images):
    """Run it on this machine: what it printed. What it made goes at the end."""
    assert not FOLDER.exists(), f"{FOLDER} is somebody's"
    play = [{"hosts": "localhost", "roles": ["imagefleet.dify.buildkitd"]}]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    given = {
        "buildkitd_source": "image",
        "buildkitd_image": images[0],
        "buildkitd_address": "127.0.0.1",
        "buildkitd_port": free_port(),
        "buildkitd_names": ["127.0.0.1"],
        "buildkitd_data_directory": str(tmp_path / "data"),
        "buildkitd_authority_host": "localhost",
        "buildkitd_authority_folder": str(tmp_path / "authority"),
        # A container's own overlay takes no other one.
        "buildkitd_config": {"worker": {"oci": {"snapshotter": "native"}}},
    }

    def run(**variables):
        values = {**given, **variables}
        command = ["ansible-playbook", str(tmp_path / "play.yml"), "--extra-vars", json.dumps(values)]
        done = subprocess.run(command, env=playbook_environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout, values

    yield run
    subprocess.run(["docker", "rm", "--force", "--volumes", CONTAINER], check=True, capture_output=True)
    shutil.rmtree(FOLDER)


def started_at():
    command = ["docker", "inspect", "--format", "{{.State.StartedAt}}", CONTAINER]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def node_of(given):
    """The daemon, as a node of a builder behind mutual TLS."""
    authority = Path(given["buildkitd_authority_folder"])
    files = {"ca": "ca.crt", "cert": "client.crt", "key": "client.key"}
    return {
        "name": "n",
        "endpoint": f"tcp://127.0.0.1:{given['buildkitd_port']}",
        "platforms": ["linux/amd64"],
        "tls": {option: str(authority / file) for option, file in files.items()},
    }


@pytest.mark.parametrize("buildkit", [Real], indirect=True)
def test_in_a_container(make, run_role, plain_registry, registry, prefix, tmp_path):
    builder = make(REMOTE)
    _printed, given = run_role()
    printed, _given = run_role()
    assert "changed=0" in printed
    started = started_at()
    (FOLDER / "buildkitd.toml").touch()
    printed, _given = run_role()
    assert "changed=0" not in printed
    assert started_at() != started, "what a killed run had written was not read"
    printed, _given = run_role()
    assert "changed=0" in printed
    authority = tmp_path / "authority"
    node = node_of(given)
    made = builder.builder(driver=REMOTE, nodes=[node], platforms=["linux/amd64"])
    assert not made.get("failed"), made
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM {registry}/bases/busybox:latest\nRUN echo {prefix} > /x\n")
    image = {"name": "page", "repository": f"{plain_registry[0]}/{prefix}/page", "context": str(context)}
    arguments = {"images": [image], "platforms": ["linux/amd64"], "builder": builder.name}
    built = builder.run("image_build", buildx_config=str(builder.folder), **arguments)
    assert built.get("changed"), built
    assert (tmp_path / "data" / "cache.db").exists()
    builder.tried("the role buildkitd, from an image: image_build", "built")

    shown = (FOLDER / "tls" / "server.crt").read_text()
    (authority / "issued" / "localhost.crt").unlink()
    ends_soon = builder.run(
        "certificate",
        request=builder.run("certificate_request", key=str(FOLDER / "tls" / "server.key"))["request"],
        path=str(authority / "issued" / "localhost.crt"),
        ca_path=node["tls"]["ca"],
        ca_key=str(authority / "ca.key"),
        names=given["buildkitd_names"],
        days=40,
        renew_before=39,
    )
    assert ends_soon["changed"], ends_soon
    printed, _given = run_role(buildkitd_renew_before=41)
    assert "changed=0" not in printed
    assert (FOLDER / "tls" / "server.crt").read_text() not in (shown, ends_soon["certificate"])
    again = builder.builder(driver=REMOTE, nodes=[node], platforms=["linux/amd64"])
    assert not again.get("failed"), again
    builder.tried("the role buildkitd, whose certificate ends too soon: platforms", "renewed, and shown")


@pytest.fixture
def cache_with_password(registry, tmp_path):
    """A pull-through cache with users: an entry of ``registries``, and the folder of its repositories."""
    folder = tmp_path / "cache"
    folder.mkdir()
    with registry_with_login(folder, proxy={"remoteurl": f"http://{registry}"}) as entry:
        yield {**entry, "mirrors_of": ["cached.test"]}, folder / "data/docker/registry/v2/repositories"


@pytest.fixture
def push_from(registry_with_password, cache_with_password, prefix, tmp_path):
    """``push_from(builder, base)``: build on it and push, without modules in between, by a login to both registries."""
    entries = (registry_with_password, cache_with_password[0])
    logins = {
        each["host"]: {"auth": b64encode(f"{each['username']}:{each['password']}".encode()).decode()}
        for each in entries
    }
    (tmp_path / "login").mkdir()
    (tmp_path / "login" / "config.json").write_text(json.dumps({"auths": logins}))
    (tmp_path / "context").mkdir()

    def push(builder, base):
        (tmp_path / "context" / "Dockerfile").write_text(f"FROM {base}\nRUN echo {prefix} > /x\n")
        options = ["--builder", builder.name, "--platform", "linux/amd64", "--push", str(tmp_path / "context")]
        tag = f"{registry_with_password['host']}/{prefix}/{base.partition('/')[0]}:1"
        done = subprocess.run(
            ["docker", "--config", str(tmp_path / "login"), "buildx", "build", *options, "--tag", tag],
            env={**os.environ, "BUILDX_CONFIG": str(builder.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return push


@pytest.mark.parametrize("buildkit", [Real], indirect=True)
def test_its_registries_are_those_of_the_list(
    make, run_role, registry, registry_with_password, cache_with_password, push_from
):
    """From mirrors of registries that nobody has, one of them a cache with users, to one that only its CA vouches for."""
    builder = make(REMOTE)
    mirror = {"host": registry, "http": True, "mirrors_of": ["upstream.test"]}
    cache, cached = cache_with_password
    _printed, given = run_role(buildkitd_registries=[registry_with_password, mirror, cache])
    made = builder.builder(driver=REMOTE, nodes=[node_of(given)], platforms=["linux/amd64"])
    assert not made.get("failed"), made
    push_from(builder, "upstream.test/bases/busybox:latest")
    builder.tried("the role buildkitd, with registries: from a mirror, to one with a CA", "built")
    push_from(builder, "cached.test/bases/busybox:latest")
    assert (cached / "bases" / "busybox").exists()
    builder.tried("the role buildkitd, with registries: from a cache with users", "built")
