# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment whose registry has a CA of its own and a password, signs what it holds, and forgets what nobody runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient, RegistrySettings
from support import registries
from support.deployed_site import Site, free_port
from support.small_deployment import make_source, small_variables

CERTIFICATES = Path("/etc/docker/certs.d")


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A registry at an address that engines trust by nothing but its CA, as an entry of ``registries``."""
    gateway = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    address = subprocess.run(gateway, check=True, capture_output=True, text=True).stdout.strip()
    folder = tmp_path_factory.mktemp("strict")
    registries.make_certificates(folder, address)
    (folder / "htpasswd").write_text(registries.HTPASSWD)
    tls = {"tls": {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")}}
    auth = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    with registries.running_registry(folder, tls, address, auth=auth) as port:
        host = f"{address}:{port}"
        yield {"host": host, "ca": str(folder / "ca.crt"), "username": "ci", "password": "hunter2"}
        shutil.rmtree(CERTIFICATES / host, ignore_errors=True)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("small") / "dify", f"s{free_port()}", free_port(), free_port())
    yield made
    made.compose("down", "--volumes", "--remove-orphans", "--timeout", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("small-source")
    make_source(made / "source")
    return made


@pytest.fixture
def play(run_playbook, repository_root, small, folder, strict):
    def run(playbook, *options, **variables):
        return run_playbook(
            f"playbooks/{playbook}.yml",
            "-i", str(repository_root / "examples/inventory.yml"),
            *options,
            **{**small_variables(small, folder, strict), **variables},
        )  # fmt: skip

    return run


@pytest.fixture
def promote(modules, registry, strict):
    """Puts busybox into the strict registry under a component's name; its reference by digest."""

    def run(component, tag, reference=f"{registry}/bases/busybox:latest"):
        repository = f"{strict['host']}/dify/dify-{component}"
        done = modules.run(
            "image_promote", reference=reference, target_repository=repository, tags=[tag], registries=[strict]
        )
        return f"{repository}@{done['digest']}"

    return run


@pytest.fixture
def one_platform(modules, registry):
    """Busybox for this machine's platform alone: another digest than that of the index."""
    found = modules.run("image_info", reference=f"{registry}/bases/busybox:latest")["image"]
    return f"{registry}/bases/busybox@{found['platforms'][0]['digest']}"


@pytest.fixture(scope="module")
def keys(tmp_path_factory, playbook_environment, repository_root):
    """A folder with two pairs of keys, ``ours`` and ``theirs``."""
    made = tmp_path_factory.mktemp("keys")
    bring = ["ansible-playbook", str(repository_root / "tests/integration/run_target.yml"), "--extra-vars"]
    variables = {"target": "setup_cosign", "test_dir": str(made), "test_python": sys.executable}
    subprocess.run([*bring, json.dumps(variables)], env=playbook_environment, check=True, capture_output=True)
    return made


@pytest.fixture
def sign(keys, strict, tmp_path):
    def run(reference):
        login = {"auths": {strict["host"]: {"auth": b64encode(b"ci:hunter2").decode()}}}
        (tmp_path / "config.json").write_text(json.dumps(login))
        environment = {**os.environ, "COSIGN_PASSWORD": "", "DOCKER_CONFIG": str(tmp_path)}
        signs = subprocess.run(["cosign", "sign", "--help"], check=True, capture_output=True, text=True).stdout
        newer = ["--use-signing-config=false"] if "--use-signing-config" in signs else []
        options = ["--yes", "--key", str(keys / "ours/cosign.key"), "--tlog-upload=false", *newer]
        command = ["cosign", "sign", *options, "--registry-cacert", strict["ca"], reference]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return run


def changed_of(output):
    return int(output.rsplit("changed=", 1)[1].split()[0])


def in_engine(reference):
    return subprocess.run(["docker", "image", "inspect", reference], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        pytest.param({"password": "wrong"}, "wants another user or password", id="wrong-password"),
        pytest.param({"username": None, "password": None}, "wants another user or password", id="no-login"),
        pytest.param({"ca": "/etc/ssl/certs/ca-certificates.crt"}, "is not trusted", id="another-ca"),
        pytest.param({"insecure": True}, "it is not in its insecure-registries", id="engine-knows-better"),
    ],
)
def test_what_is_said_before_anything_changes(play, promote, small, strict, entry, says):
    promote("api", "1.0.0")
    promote("web", "1.0.0")
    wrong = {name: value for name, value in {**strict, **entry}.items() if value is not None}
    with pytest.raises(pytest.fail.Exception) as failed:
        play("deploy", deployment_registries=[wrong])
    output = str(failed.value)
    assert says in output
    assert strict["host"] in output
    assert "hunter2" not in output
    assert changed_of(output) == 0
    assert not small.folder.exists()
    assert not (CERTIFICATES / strict["host"]).exists()


def test_what_has_to_be_pulled_comes_with_the_login(play, small, strict):
    output = play("deploy", "-vvv")
    assert "hunter2" not in output
    release = small.release(small.state["active"])
    references = {image["wanted"].rpartition(":")[0] + "@" + image["digest"] for image in release["images"].values()}
    assert len(references) == 2
    assert all(in_engine(reference) for reference in references)
    for path in (Path.home() / ".docker/config.json", *Path.home().glob(".ansible/tmp/**/config.json")):
        assert not path.exists() or strict["host"] not in path.read_text()
    assert (CERTIFICATES / strict["host"] / "ca.crt").read_text() == Path(strict["ca"]).read_text()
    assert changed_of(play("deploy")) == 0
    assert changed_of(play("deploy", "--check")) == 0


def test_rollback_logs_in_too(play, promote, one_platform, small, strict):
    first = small.state["active"]
    promote("web", "2.0.0", one_platform)
    image = f"{strict['host']}/dify/dify-web:2.0.0"
    predicted = play("deploy", "--check", deployment_images={"web": image})
    assert changed_of(predicted) > 0
    play("deploy", deployment_images={"web": image})
    web = small.release(first)["images"]["web"]
    pinned = f"{web['wanted'].rpartition(':')[0]}@{web['digest']}"
    subprocess.run(["docker", "image", "rm", "--force", pinned], check=True, capture_output=True)
    assert not in_engine(pinned)
    before = small.state
    with pytest.raises(pytest.fail.Exception, match="cannot pull .*dify-web@sha256.*give username and password"):
        play("rollback", deployment_registries=[{**strict, "password": "wrong"}])
    assert small.state == before
    play("rollback")
    assert small.state["active"] == first
    assert in_engine(pinned)


def test_tags_hold_what_is_on_the_host(play, modules, small, strict):
    def tags():
        found = {}
        for component in ("api", "web"):
            reference = parse_reference(f"{strict['host']}/dify/dify-{component}")
            client = RegistryClient([RegistrySettings(**strict)])
            found[component] = [tag for tag in client.list_tags(reference) if tag.startswith("keep-")]
        return found

    def expected():
        return sorted(f"keep-localhost-{small.project}-{path.name}" for path in (small.folder / "releases").iterdir())

    assert set(tags()["api"]) == set(expected())
    gone = {path.name for path in (small.folder / "releases").iterdir()} - {small.state["active"]}
    change = {"deployment_environment": {"COLOUR": "blue"}, "deployment_keep_releases": 0}
    predicted = play("deploy", "--check", "--diff", **change)
    assert changed_of(predicted) > 0
    play("deploy", **change)
    assert not gone & {path.name for path in (small.folder / "releases").iterdir()}
    assert set(tags()["api"]) == set(tags()["web"]) == set(expected())
    for name in ("api", "web"):
        modules.run("image_info", reference=f"{strict['host']}/dify/dify-{name}:1.0.0", registries=[strict])["image"]
    assert changed_of(play("deploy", **change)) == 0


def test_tags_that_cannot_go(run_playbook, tmp_path):
    gone = f"localhost:{free_port()}"
    tasks = [{"ansible.builtin.include_role": {"name": "imagefleet.dify.deployment", "tasks_from": "expire.yml"}}]
    playbook = tmp_path / "expire.json"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    recorded = {"removed": ["1.0-a"], "removed_images": {"1.0-a": [f"{gone}/dify/dify-api:1.0"]}}
    output = run_playbook(playbook, __deployment_recorded=recorded, ansible_python_interpreter=sys.executable)
    assert "The tags keep-localhost-dify-1.0-a stay in the registry" in output
    assert f"The registry {gone} cannot be reached" in output


def test_only_what_is_signed(play, run_playbook, sign, keys, small, strict):
    before = small.state
    change = {"deployment_environment": {"COLOUR": "green"}, "deployment_keep_releases": 0}
    ours = {"key": str(keys / "ours/cosign.pub")}
    for mode in ("--diff", "--check"):
        with pytest.raises(pytest.fail.Exception) as unsigned:
            play("deploy", mode, **change, deployment_signatures=ours)
        assert all(f"dify-{name}@sha256:" in str(unsigned.value) for name in ("api", "web"))
        assert "is not signed" in str(unsigned.value)
        assert small.state == before
    for image in small.release(before["active"])["images"].values():
        sign(f"{image['wanted'].rpartition(':')[0]}@{image['digest']}")
    theirs = {"key": (keys / "theirs/cosign.pub").read_text()}
    with pytest.raises(pytest.fail.Exception, match="is signed by somebody else than the owner of the key"):
        play("deploy", **change, deployment_signatures=theirs)
    assert small.state == before
    output = play("deploy", "-vvv", **change, deployment_signatures=ours)
    assert "hunter2" not in output
    assert small.state["active"] != before["active"]
    assert changed_of(play("deploy", **change, deployment_signatures=ours)) == 0


def test_a_registry_that_is_not_there(play, small):
    before = small.state
    gone = f"127.0.0.1:{free_port()}"
    with pytest.raises(pytest.fail.Exception, match=f"The registry {gone} cannot be reached"):
        play("deploy", deployment_registry=gone)
    assert small.state == before
