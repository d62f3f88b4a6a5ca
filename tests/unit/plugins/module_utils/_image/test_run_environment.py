# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.mirrors import Mirrors
from ansible_collections.imagefleet.dify.plugins.module_utils._image.run_environment import (
    CA_PATH,
    SCRATCH,
    RunEnvironment,
    parse_run_environment,
)

SHELLS = [
    shell for shell in (["dash"], ["bash"], ["bash", "-euo", "pipefail"], ["busybox", "sh"]) if shutil.which(shell[0])
]
NOTHING = {"mirrors": None, "proxy": None, "ca_bundle": None}


@pytest.fixture(params=SHELLS, ids=" ".join)
def step(request, tmp_path):
    """Runs a command as a step of a build would, in a folder of its own with files in the place of the image's."""

    def run(environment, command, variables=None):
        (tmp_path / "scratch").mkdir(exist_ok=True)
        script = environment.script().replace(SCRATCH, str(tmp_path / "scratch")).replace(CA_PATH, str(tmp_path / "ca"))
        for folder in ("/etc/apt", "/etc/apk", "/etc/ssl", "/etc/pki"):
            script = script.replace(folder, f"{tmp_path}{folder}")
        (tmp_path / "script").write_text(script)
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        return subprocess.run(
            [*request.param, "-c", f". {tmp_path}/script; {command}"],
            cwd=work,
            env={"PATH": os.environ["PATH"], **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
        )

    run.root = tmp_path
    return run


def test_nothing_is_no_environment():
    assert not RunEnvironment()
    assert RunEnvironment(variables={"A": "1"})


def test_variables_reach_the_command_as_they_are(step):
    value = """it's "$HOME" `x` \\ % ü"""
    environment = RunEnvironment(Mirrors(pip="https://m.example/simple"), {"https": "http://p:1"}, None, {"A": value})
    done = step(environment, 'printf \'%s\\n\' "$A" "$PIP_INDEX_URL" "$UV_DEFAULT_INDEX" "$https_proxy" "$HTTPS_PROXY"')
    assert done.stdout.splitlines() == [value, *["https://m.example/simple"] * 2, "http://p:1", "http://p:1"]
    assert done.stderr == ""


@pytest.mark.parametrize("code", [0, 3])
def test_files_have_the_mirror_during_a_step_and_are_as_they_were_after_it(step, code):
    sources = step.root / "etc/apt/sources.list.d/debian.sources"
    sources.parent.mkdir(parents=True)
    hosts = ("http://old.example/debian", "https://old.example/debian-security/", "http://other.example/linux/debian")
    original = "".join(f"URIs: {address}\n" for address in hosts)
    sources.write_text(original)
    os.utime(sources, (1, 1))
    lock = step.root / "work/uv.lock"
    lock.parent.mkdir()
    path = "aa/bb/" + "c" * 60
    before = (
        f'source = {{ registry = "https://i.example/simple" }}\n{{ url = "https://f.example/packages/{path}/b.whl" }}\n'
    )
    lock.write_text(before)
    (step.root / "work/yarn.lock").write_text('resolved "https://n.example/@b/a/-/a-1.tgz#1"\n')
    mirrors = Mirrors(
        pip="https://m.example/pypi/simple",
        pip_files="https://m.example/pypi/packages",
        apt="http://debian.example",
        npm="https://u:a&b@npm.example",
    )
    done = step(RunEnvironment(mirrors), f"cat {sources} uv.lock yarn.lock; (exit {code})")
    assert done.returncode == code
    assert done.stdout.splitlines() == [
        "URIs: http://debian.example/debian/",
        "URIs: http://debian.example/debian-security/",
        "URIs: http://other.example/linux/debian",
        'source = { registry = "https://m.example/pypi/simple" }',
        f'{{ url = "https://m.example/pypi/packages/{path}/b.whl" }}',
        'resolved "https://npm.example/@b/a/-/a-1.tgz#1"',
    ]
    assert sources.read_text() == original
    assert sources.stat().st_mtime == 1
    assert lock.read_text() == before


def test_logins_are_given_apart_from_addresses(step):
    """What tools keep of an address then has no password."""
    environment = RunEnvironment(Mirrors(npm="https://u:a%26b@npm.example/x", apt="http://v:c@apt.example"))
    done = step(
        environment, 'echo "$npm_config_registry"; cat "$NPM_CONFIG_USERCONFIG" "$APT_CONFIG"; cat */netrc ../*/netrc'
    )
    assert done.stdout.splitlines()[:3] == [
        "https://npm.example/x",
        "//npm.example/x/:_auth=dTphJmI=",
        "always-auth=true",
    ]
    assert f'Dir::Etc::netrc "{step.root}/scratch/netrc";' in done.stdout
    assert "machine http://apt.example login v password c" in done.stdout


def test_what_a_step_writes_stays(step):
    apk = step.root / "etc/apk/repositories"
    apk.parent.mkdir(parents=True)
    apk.write_text("https://old.example/alpine/v3.20/main\n")
    (step.root / "work").mkdir()
    lock = "work/yarn.lock"
    (step.root / lock).write_text("https://n.example/a/-/a.tgz\n")
    environment = RunEnvironment(Mirrors(apk="http://apk.example", npm="http://npm.example"))
    done = step(environment, f"cat {apk}; echo mine > {apk}; cd /; rm {step.root}/{lock}")
    assert (done.returncode, done.stdout) == (0, "http://apk.example/alpine/v3.20/main\n")
    assert apk.read_text() == "mine\n"
    assert not (step.root / lock).exists()


def test_packages_of_a_snapshot(step):
    sources = step.root / "etc/apt/sources.list"
    sources.parent.mkdir(parents=True)
    sources.write_text(
        "deb http://mirror.example/debian bookworm main\ndeb http://security.example/debian-security b main\n"
    )
    environment = RunEnvironment(apt_snapshot="20250102T030405Z")
    done = step(environment, f"cat {sources}")
    assert done.stdout.splitlines() == [
        "deb https://snapshot.debian.org/archive/debian/20250102T030405Z/ bookworm main",
        "deb https://snapshot.debian.org/archive/debian-security/20250102T030405Z/ b main",
    ]


def test_certificates_of_the_base_stay_trusted(step):
    system = step.root / "etc/ssl/certs/ca-certificates.crt"
    system.parent.mkdir(parents=True)
    system.write_text("theirs")
    (step.root / "ca").write_text("ours\n")
    done = step(RunEnvironment(ca_bundle="/ca.pem"), 'cat "$SSL_CERT_FILE"; [ "$NODE_EXTRA_CA_CERTS" = "$PIP_CERT" ]')
    assert done.stdout == "theirs\nours\n"
    assert done.returncode == 0
    # Also what the base's own environment names, which ours takes the place of.
    (step.root / "company.pem").write_text("the base's")
    named = {"SSL_CERT_FILE": str(step.root / "company.pem"), "PIP_CERT": ""}
    done = step(RunEnvironment(ca_bundle="/ca.pem"), 'cat "$PIP_CERT"', named)
    assert done.stdout == "theirs\nthe base's\nours\n"


def test_python_asks_the_mirror_for_what_has_no_setting(step):
    (step.root / "files").mkdir()
    (step.root / "files/index.xml").write_text("the mirror's")
    environment = RunEnvironment(Mirrors(nltk=f"file://{step.root}/files"))
    program = "from urllib.request import urlopen; print(urlopen('https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/index.xml').read())"
    done = step(environment, f'python3 -c "{program}"')
    assert done.stdout == 'b"the mirror\'s"\n', done.stderr


@pytest.mark.parametrize(
    "options, variables, message",
    [
        pytest.param({"proxy": {"socks": "x"}}, {}, "proxy has socks; known are http, https, no_proxy", id="proxy-key"),
        pytest.param({}, {"A-B": "1"}, "build_env has 'A-B'", id="no-name-of-a-variable"),
        pytest.param({"mirrors": {"x": "http://a"}}, {}, "mirrors has x", id="mirror-key"),
    ],
)
def test_parse_refuses(options, variables, message):
    with pytest.raises(CollectionError, match=message):
        parse_run_environment({**NOTHING, **options}, variables)
