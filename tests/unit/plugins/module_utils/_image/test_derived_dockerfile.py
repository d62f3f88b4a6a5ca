# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.customisation import Customisation
from ansible_collections.imagefleet.dify.plugins.module_utils._image.derived_dockerfile import context_files
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import parse_dockerfile
from ansible_collections.imagefleet.dify.plugins.module_utils._image.import_test import import_test
from ansible_collections.imagefleet.dify.plugins.module_utils._image.installed_file import InstalledFile
from ansible_collections.imagefleet.dify.plugins.module_utils._image.pip_requirements import parse_packages
from ansible_collections.imagefleet.dify.plugins.module_utils._image.run_environment import (
    SCRATCH,
    SCRIPT_PATH,
    RunEnvironment,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.run_steps import with_script
from ansible_collections.imagefleet.dify.plugins.module_utils._image.start_hooks import ENTRYPOINT
from ansible_collections.imagefleet.dify.plugins.module_utils._image.upstream import Upstream

API = ("/bin/bash", "/entrypoint.sh")
VENV = "/app/api/.venv"
# The api of Dify by what its packages are installed with, and by its user.
POETRY = Upstream("api", "", API, (), VENV)
UV_AS_ROOT = Upstream("api", "", API, (), VENV, uses_uv=True)
UV = Upstream("api", "dify", API, (), VENV, uses_uv=True)
PIP = Upstream("api", "1001", API, (), VENV)
WEB = Upstream("web", "1001", ("/bin/sh", "./entrypoint.sh"), ("pm2", "start"))
SQUID = Upstream("ssrf_proxy", "", ("sh", "-c", "tr -d '\\r' < $A && exec \"$B\""), ())

PACKAGES = Customisation(packages=parse_packages(["six==1.16.0"]))
DEBIAN = Customisation(apt_packages=("tini", "fonts-noto-cjk"))
ENVIRONMENT = Customisation(env={"GREETING": "hello"})
TRUST = Customisation(certificates=(b"\x30\x00",))


def instructions(upstream, wanted):
    """Pairs of keyword and value of what follows FROM."""
    text = context_files(upstream, wanted)["Dockerfile"].decode()
    (stage,) = parse_dockerfile(text).stages
    assert stage.base == "upstream"
    return [(one.keyword, one.value) for one in stage.instructions]


def keywords(upstream, wanted):
    return [keyword for keyword, _value in instructions(upstream, wanted)]


def hook(dest="/usr/local/lib/imagefleet/hooks/00-wait"):
    return Customisation(files=(InstalledFile("scripts[0]", dest, b"#!/bin/sh\n", mode="0755"),), hooks=(dest,))


@pytest.mark.parametrize("wanted", [PACKAGES, DEBIAN], ids=["pip", "apt"])
@pytest.mark.parametrize(
    "upstream, users",
    [
        pytest.param(POETRY, [], id="poetry-root"),
        pytest.param(UV_AS_ROOT, [], id="uv-root"),
        pytest.param(UV, ["root", "dify"], id="uv-dify"),
        pytest.param(PIP, ["root", "1001"], id="pip-1001"),
    ],
)
def test_g6_packages_are_installed_as_root_and_the_user_stays(upstream, users, wanted):
    """The guide's RUN pip install runs as the image's user, which may write neither to the environment nor to /usr."""
    found = instructions(upstream, wanted)
    assert [value for keyword, value in found if keyword == "USER"] == users
    assert [keyword for keyword, _value in found] == (["USER", "RUN", "USER"] if users else ["RUN"])


@pytest.mark.parametrize(
    "upstream, tools",
    [
        pytest.param(POETRY, ["pip"], id="poetry"),
        pytest.param(PIP, ["pip"], id="pip"),
        pytest.param(UV, ["uv", "pip"], id="uv-then-pip"),
    ],
)
def test_g6_packages_go_into_the_virtual_environment(upstream, tools):
    """The guide's bare pip is the base image's where uv made the environment, and installs for another Python."""
    ((_keyword, command),) = [one for one in instructions(upstream, PACKAGES) if one[0] == "RUN"]
    asked = [tool for tool in ("uv", "pip") if f"command -v {tool} " in command]
    assert asked == tools
    assert command.count(f"--python {VENV}/bin/python") == len(tools)
    assert "pip install six" not in command


@pytest.mark.parametrize(
    "wanted, keyword_list",
    [
        pytest.param(ENVIRONMENT, ["ENV"], id="env"),
        pytest.param(Customisation(files=(InstalledFile("files[0]", "/x", b""),)), ["COPY"], id="files"),
        pytest.param(hook(), ["COPY", "COPY", "ENTRYPOINT", "CMD"], id="hooks"),
    ],
)
def test_what_needs_no_root_changes_no_user(wanted, keyword_list):
    assert keywords(WEB, wanted) == keyword_list


def test_nothing_wanted_is_nothing_to_build():
    assert context_files(WEB, Customisation()) == {}


def test_packages_are_named_in_files_of_their_own():
    """So the reason of a rebuild names the list, and the Dockerfile is the same for another package."""
    one = context_files(UV, PACKAGES)
    other = context_files(UV, Customisation(packages=parse_packages(["six==1.16.0", "tomli"])))
    assert {path for path in one if one[path] != other[path]} == {"pip_packages.txt"}
    assert one["pip_packages.txt"] == b"six==1.16.0\n"
    debian = context_files(WEB, DEBIAN)
    assert debian["apt_packages.txt"] == b"tini\nfonts-noto-cjk\n"
    assert "tini" not in debian["Dockerfile"].decode()


def test_the_dockerfile_is_no_second_reason():
    assert context_files(WEB, ENVIRONMENT)[".dockerignore"].splitlines() == [b"Dockerfile", b".dockerignore"]


def test_a_requirements_file_is_used_as_it_is_and_with_its_hashes():
    content = b"six==1.16.0 --hash=sha256:aa\n"
    wanted = Customisation(
        packages=parse_packages(["tomli"]), requirements=parse_packages(["six"]), requirements_file=content,
        require_hashes=True,
    )  # fmt: skip
    assert context_files(UV, wanted)["pip_requirements.txt"] == content
    ((_keyword, command),) = [one for one in instructions(UV, wanted) if one[0] == "RUN"]
    assert command.count("--require-hashes") == 2
    assert command.count("--requirement /run/customisation/pip_packages.txt") == 2
    assert command.count("--requirement /run/customisation/pip_requirements.txt") == 2


def test_certificates_are_trusted_after_packages_came():
    """Packages bring stores of their own; and a variable of the user's has the last word."""
    wanted = Customisation(
        packages=PACKAGES.packages, certificates=TRUST.certificates, env={"NODE_EXTRA_CA_CERTS": "/x"}
    )
    assert list(keywords(UV, wanted)) == ["USER", "RUN", "RUN", "USER", "ENV"]
    assert "certifi/cacert.pem" in instructions(UV, wanted)[2][1]
    assert 'ENV NODE_EXTRA_CA_CERTS="/x"' in context_files(UV, wanted)["Dockerfile"].decode().splitlines()
    alone = context_files(WEB, TRUST)
    assert [path for path in alone if path.startswith("runtime_ca/imagefleet-")]
    assert b"certifi/" not in alone["Dockerfile"]
    assert b'ENV NODE_EXTRA_CA_CERTS="/usr/local/lib/imagefleet/runtime_ca.pem"' in alone["Dockerfile"].splitlines()


def test_hashes_are_required_only_when_asked():
    assert "--require-hashes" not in context_files(UV, PACKAGES)["Dockerfile"].decode()


@pytest.mark.parametrize("upstream", [UV, PIP], ids=["uv", "pip"])
def test_caches_are_mounted_and_lists_of_apt_removed(upstream):
    text = context_files(upstream, Customisation(packages=PACKAGES.packages, apt_packages=("tini",)))["Dockerfile"]
    assert b"type=cache,id=imagefleet-customisation,target=/run/customisation/cache" in text
    assert b"CACHE_DIR=/run/customisation/cache/" in text
    assert b"--no-install-recommends" in text
    assert b"rm -rf /var/lib/apt/lists/*" in text


@pytest.mark.parametrize(
    "wanted", [PACKAGES, Customisation(requirements_file=b"six\n", requirements=parse_packages(["six"]))]
)
def test_a_component_without_a_virtual_environment_takes_no_packages(wanted):
    with pytest.raises(CollectionError, match="The image of web has no virtual environment.* that has one is api"):
        context_files(WEB, wanted)


@pytest.mark.parametrize(
    "dest, word",
    [
        pytest.param("/etc/x.conf", "/etc/x.conf", id="plain"),
        pytest.param("/etc/two words", "/etc/two words", id="a-space"),
        pytest.param("/etc/$HOME", "/etc/\\$HOME", id="a-variable"),
        pytest.param("/it's", "/it\\'s", id="a-quote"),
        pytest.param('/say "x"', '/say \\"x\\"', id="double-quotes"),
        pytest.param("/back\\slash", "/back\\\\slash", id="a-backslash"),
        pytest.param("/größe", "/größe", id="not-ascii"),
    ],
)
def test_names_of_files_are_quoted_for_buildkit(dest, word):
    file = InstalledFile("files[0]", dest, b"", "dify", "1001", "0600")
    ((keyword, value),) = instructions(WEB, Customisation(files=(file,)))
    assert keyword == "COPY"
    assert json.loads(value)[1] == word
    text = context_files(WEB, Customisation(files=(file,)))["Dockerfile"].decode()
    assert "COPY --chown=dify:1001 --chmod=0600 [" in text


@pytest.mark.parametrize(
    "value, line",
    [
        ("hello", 'ENV A="hello"'),
        ("", 'ENV A=""'),
        ("two  words", 'ENV A="two  words"'),
        ('say "x" for $5 \\', 'ENV A="say \\"x\\" for \\$5 \\\\"'),
        ("it's # no comment", 'ENV A="it\'s # no comment"'),
    ],
)
def test_values_of_env_are_quoted(value, line):
    assert line in context_files(WEB, Customisation(env={"A": value}))["Dockerfile"].decode().splitlines()


@pytest.mark.parametrize(
    "upstream, entrypoint, command",
    [
        pytest.param(UV, [ENTRYPOINT, *API], None, id="an-entrypoint-alone"),
        pytest.param(WEB, [ENTRYPOINT, "/bin/sh", "./entrypoint.sh"], ["pm2", "start"], id="the-command-is-said-again"),
        pytest.param(SQUID, [ENTRYPOINT, *SQUID.entrypoint], None, id="quotes"),
        pytest.param(Upstream("x", "", (), ("run",)), [ENTRYPOINT], ["run"], id="a-command-alone"),
    ],
)
def test_hooks_run_before_the_entrypoint(upstream, entrypoint, command):
    found = dict(instructions(upstream, hook()))
    assert json.loads(found["ENTRYPOINT"]) == entrypoint
    assert ("CMD" in found) is (command is not None)
    assert command is None or json.loads(found["CMD"]) == command
    assert b"/usr/local/lib/imagefleet/hooks/00-wait" in context_files(upstream, hook())["entrypoint"]


def test_hooks_need_something_to_run_before():
    with pytest.raises(CollectionError, match="the image of x starts nothing by itself"):
        context_files(Upstream("x", "", (), ()), hook())


def test_a_script_that_is_no_hook_changes_no_entrypoint():
    wanted = Customisation(files=hook().files)
    assert keywords(WEB, wanted) == ["COPY"]
    assert "entrypoint" not in context_files(WEB, wanted)


@pytest.mark.parametrize("wanted", [PACKAGES, DEBIAN], ids=["pip", "apt"])
def test_mirrors_and_a_ca_reach_the_steps(wanted):
    """What image_build gives to RUN steps is mounted beside what these mount, and read before their commands."""
    around = RunEnvironment(proxy={"http": "http://proxy:1"}, ca_bundle="/ca.pem")
    text = with_script(context_files(UV, wanted)["Dockerfile"].decode(), SCRIPT_PATH, around.mounts())
    (stage,) = parse_dockerfile(text).stages
    (step,) = [one for one in stage.instructions if one.keyword == "RUN"]
    assert step.value.startswith(f". {SCRIPT_PATH}; set -eu;")
    mounts = [dict(part.split("=") for part in value.split(",")) for name, value in step.flags if name == "mount"]
    targets = [mount["target"] for mount in mounts]
    assert len(targets) == len(set(targets)) > len(around.mounts())
    assert not any(target.startswith(f"{SCRATCH}/") for target in targets)


# The commands themselves, by a real shell and a real pip.


def run_step(folder, upstream, wanted, **environment):
    """Run the Dockerfile's RUN here, with its lists where it expects them."""
    for path, content in context_files(upstream, wanted).items():
        if path.endswith(".txt"):
            (folder / path).write_bytes(content)
    ((_keyword, command),) = [one for one in instructions(upstream, wanted) if one[0] == "RUN"]
    return subprocess.run(
        ["/bin/sh", "-c", command.replace("/run/customisation", shlex.quote(str(folder)))],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A base Python with pip, the application's environment without, and a package in a folder."""
    root = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", root / "base"], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "venv"], check=True)
    (root / "wheels").mkdir()
    with zipfile.ZipFile(root / "wheels" / "greeting-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("greeting/__init__.py", "")
        wheel.writestr("greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        wheel.writestr("greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("greeting-1.0.dist-info/RECORD", "greeting/__init__.py,,\n")
    return root


def environment(image):
    return {
        "PATH": f"{image}/venv/bin:{image}/base/bin:/usr/bin:/bin",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(image / "wheels"),
        "HOME": str(image),
    }


def can_import(image, packages):
    test = import_test(f"{image}/venv/bin/python", packages)
    return subprocess.run([*test["entrypoint"], *test["command"]], capture_output=True, text=True, check=False)


def test_g6_a_bare_pip_install_lands_outside_and_the_import_test_says_so(image, tmp_path):
    """What the guide's text does, where uv made the environment: all is green until the program imports the package."""
    greeting = parse_packages(["greeting"])
    done = subprocess.run(
        ["pip", "install", "greeting"], env=environment(image), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    tested = can_import(image, greeting)
    assert tested.returncode == 1
    assert f"greeting is not installed in {image}/venv" in tested.stdout

    upstream = Upstream("api", "", API, (), str(image / "venv"), uses_uv=True)
    done = run_step(tmp_path, upstream, Customisation(packages=greeting), **environment(image))
    assert done.returncode == 0, done.stdout + done.stderr
    tested = can_import(image, greeting)
    assert (tested.returncode, tested.stdout) == (0, "all can be imported\n")


@pytest.mark.parametrize("there, used", [(["uv", "pip"], "uv"), (["pip"], "pip")], ids=["with-uv", "without-uv"])
def test_uv_is_used_where_the_image_has_it(tmp_path, there, used):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in there:
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (programs / name).chmod(0o755)
    done = run_step(tmp_path, UV, PACKAGES, PATH=f"{programs}:/usr/bin:/bin")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == used
    assert f"--python {VENV}/bin/python" in done.stdout


@pytest.mark.parametrize(
    "upstream, wanted, message",
    [
        pytest.param(UV, PACKAGES, "needs uv or pip in the image, and it has neither", id="no-installer"),
        pytest.param(WEB, DEBIAN, "needs a base of Debian or Ubuntu.*On Alpine packages come by apk", id="alpine"),
    ],
)
def test_a_base_that_cannot_says_so(tmp_path, upstream, wanted, message):
    done = run_step(tmp_path, upstream, wanted, PATH="/no/such/folder")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert re.search(message, done.stderr)


def test_a_failing_installer_fails_the_build(tmp_path):
    (tmp_path / "uv").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "uv").chmod(0o755)
    assert run_step(tmp_path, UV, PACKAGES, PATH=f"{tmp_path}:{os.environ['PATH']}").returncode == 3
