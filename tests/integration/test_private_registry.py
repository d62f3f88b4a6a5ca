# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image modules with a registry that has TLS by a CA of its own and a password."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.engine import EngineClient
from support import registries

RUNS = [{"name": "it runs", "command": ["true"]}]
PLATFORMS = ["linux/amd64", "linux/arm64"]


@pytest.fixture
def run_module(repository_root):
    def run(module, check_mode=False, **options):
        command = [sys.executable, "-m", f"ansible_collections.imagefleet.dify.plugins.modules.{module}"]
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check_mode}})
        environment = {**os.environ, "PYTHONPATH": str(repository_root / ".collections")}
        done = subprocess.run(command, input=arguments, env=environment, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        assert "hunter2" not in done.stdout
        return json.loads(done.stdout)

    return run


def test_promote_into_it_and_test_there(run_module, registry, prefix, registry_with_password):
    target = f"{registry_with_password['host']}/{prefix}/image"
    options = {
        "reference": f"{registry}/bases/busybox:latest",
        "target_repository": target,
        "tags": ["one", "two"],
        "platforms": PLATFORMS,
        "registries": [registry_with_password],
    }
    predicted = run_module("image_promote", check_mode=True, **options)
    assert not run_module("image_info", reference=f"{target}:one", registries=[registry_with_password])["exists"]
    promoted = run_module("image_promote", **options)
    again = run_module("image_promote", **options)
    assert (predicted["changed"], promoted["changed"], again["changed"]) == (True, True, False)
    assert predicted["tags"] == promoted["tags"]
    found = run_module("image_info", reference=f"{target}:two", registries=[registry_with_password])
    assert found["image"]["digest"] == promoted["digest"]
    assert [platform["platform"] for platform in found["image"]["platforms"]] == PLATFORMS

    test = {"reference": f"{target}@{promoted['digest']}", "tests": RUNS, "registries": [registry_with_password]}
    tested = run_module("image_smoke_test", **test)
    assert [platform["passed"] for platform in tested["platforms"]] == [True, True]
    assert not run_module("image_smoke_test", **test)["changed"]
    assert EngineClient().client.api.images(name=target) == []

    back = {"target_repository": f"{registry}/{prefix}/back", "tags": ["one"], "tests": RUNS}
    returned = run_module("image_promote", **{**options, "reference": test["reference"], **back})
    assert returned["digest"] == promoted["digest"]


def test_the_login_of_docker(run_module, prefix, registry_with_password, tmp_path):
    host, ca = registry_with_password["host"], registry_with_password["ca"]
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": "Y2k6aHVudGVyMg=="}}}))
    reference = f"{host}/{prefix}/image:one"
    found = run_module(
        "image_info", reference=reference, registries=[{"host": host, "ca": ca}], docker_config=str(tmp_path)
    )
    assert found["exists"] is False


def test_a_credential_helper_is_asked_again_at_the_end_of_a_build(run_module, registry, prefix, tmp_path, monkeypatch):
    asked = tmp_path / "asked"
    helper = tmp_path / "docker-credential-counted"
    helper.write_text(
        f"#!/bin/sh\ncat > /dev/null\ndate +%s.%N >> {asked}\n"
        'echo \'{"ServerURL": "", "Username": "ci", "Secret": "hunter2"}\'\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "Dockerfile").write_text(f"FROM {registry}/bases/busybox:latest\nRUN sleep 5; echo {prefix} > /x\n")
    (tmp_path / "htpasswd").write_text(registries.HTPASSWD)
    login = {"htpasswd": {"realm": "test", "path": str(tmp_path / "htpasswd")}}
    with registries.running_registry(tmp_path, {}, auth=login) as port:
        (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {f"localhost:{port}": "counted"}}))
        built = run_module(
            "image_build",
            images=[{"name": "one", "repository": f"localhost:{port}/{prefix}/one", "context": str(tmp_path)}],
            platforms=PLATFORMS[:1],
            docker_config=str(tmp_path),
        )
    assert built["changed"], built
    moments = [float(moment) for moment in asked.read_text().split()]
    assert max(after - before for before, after in itertools.pairwise(moments)) >= 5, "not asked after the step"


@pytest.mark.parametrize(
    "options, says",
    [
        pytest.param({"password": "wrong"}, "wants another user or password", id="wrong-password"),
        pytest.param({"ca": "/etc/ssl/certs/ca-certificates.crt"}, "is not trusted", id="another-ca"),
        pytest.param({"ca": "/no/such/file"}, "The CA /no/such/file cannot be used", id="no-ca"),
    ],
)
@pytest.mark.parametrize(
    "module, more",
    [
        pytest.param("image_info", {}, id="info"),
        pytest.param("image_smoke_test", {"tests": RUNS}, id="smoke-test"),
        pytest.param("image_promote", {"tags": ["one"]}, id="promote"),
    ],
)
def test_refusals(run_module, prefix, registry_with_password, module, more, options, says):
    entry = {**registry_with_password, **options}
    result = run_module(module, reference=f"{entry['host']}/{prefix}/image:one", registries=[entry], **more)
    assert result["failed"]
    assert says in result["msg"]


def test_a_target_that_refuses_changes_nothing(run_module, registry, prefix, registry_with_password):
    entry = {**registry_with_password, "password": "wrong"}
    result = run_module(
        "image_promote",
        reference=f"{registry}/bases/busybox:latest",
        target_repository=f"{entry['host']}/{prefix}/refused",
        tags=["one"],
        registries=[entry],
    )
    assert result["failed"]
    reference = f"{entry['host']}/{prefix}/refused:one"
    assert not run_module("image_info", reference=reference, registries=[registry_with_password])["exists"]


def test_the_engine_may_not_pull_without_the_login(run_module, registry, prefix, registry_with_password):
    """What the task knows goes to the engine with the pull; here the engine alone is asked, and says so."""
    target = f"{registry_with_password['host']}/{prefix}/pulled"
    promoted = run_module(
        "image_promote",
        reference=f"{registry}/bases/busybox:latest",
        target_repository=target,
        tags=["one"],
        registries=[registry_with_password],
    )
    failed = subprocess.run(
        ["docker", "--config", "/no/such/config", "pull", "--quiet", f"{target}@{promoted['digest']}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode != 0
    assert "no basic auth credentials" in failed.stderr


def test_what_is_told_of_it(run_module, prefix, registry_with_password, tmp_path):
    host = registry_with_password["host"]
    nobody = {name: value for name, value in registry_with_password.items() if name not in ("username", "password")}
    asked = {"repositories": [f"{host}/{prefix}/asked"]}
    found = run_module("registry_info", registries=[registry_with_password], warn_days=0, **asked)
    (told,) = found["registries"]
    assert (told["scheme"], told["username"], found["problems"]) == ("https", "ci", [])
    assert found["repositories"] == [{"repository": f"{host}/{prefix}/asked", "push": True}]
    own = told["certificates"][0]
    assert (own["subject"], own["issuer"], own["days"]) == ("CN=localhost", "CN=test CA", 1)
    assert own["names"] == ["127.0.0.1", "localhost"]

    stranger = run_module("registry_info", registries=[nobody], docker_config=str(tmp_path), warn_days=0, **asked)
    assert stranger["registries"][0]["scheme"] is None
    assert stranger["repositories"][0]["push"] is False
    assert all("it wants another user or password" in problem for problem in stranger["problems"])

    untrusted = run_module("registry_info", registries=[{"host": host}], docker_config=str(tmp_path))
    assert "is not trusted" in untrusted["problems"][0]
    assert untrusted["registries"][0]["certificates"] == told["certificates"]

    ending = run_module("registry_info", registries=[registry_with_password], warn_days=30)
    assert [problem.partition(" ends on ")[0] for problem in ending["problems"]] == [
        f"The certificate CN=localhost that {host} shows"
    ]


def test_a_build_tells_of_registries_that_will_be_in_the_way(
    run_module, registry, prefix, registry_with_password, tmp_path
):
    (tmp_path / "Dockerfile").write_text(f"FROM {registry}/bases/busybox:latest\nRUN true\n")
    options = {
        "images": [{"name": "one"}],
        "repository": f"{registry}/{prefix}/warned",
        "context": str(tmp_path),
        "platforms": PLATFORMS[:1],
        "registries": [registry_with_password, {"host": "localhost:1", "http": True}],
    }
    ending, down = map(json.dumps, run_module("image_build", **options)["warnings"])
    assert f"The certificate CN=localhost that {registry_with_password['host']} shows ends on " in ending
    assert "localhost:1 cannot be reached" in down
    again = run_module("image_build", **options)
    assert (again["changed"], again.get("warnings")) == (False, None), "what is there asks no other registry"
