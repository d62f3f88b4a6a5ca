# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.customisation import (
    CUSTOMISATION_SPEC,
    Customisation,
    parse_customisation,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.installed_file import InstalledFile

FILES = {
    "/here/start.sh": b"#!/bin/sh\n",
    "/here/two words": b"#!/bin/sh\n",
    "/here/program": b"\x7fELF\x00",
    "/here/dos": b"#!/bin/sh\r\nexit\r\n",
    "/here/squid.template": b"http_port 1\n",
    "/here/requirements.txt": b"six==1.16.0\n",
    "/here/ca.pem": b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
}


def parse(component="api", **options):
    """With defaults filled in as Ansible does it."""
    complete = {name: option.get("default") for name, option in CUSTOMISATION_SPEC.options.items()}
    for name, value in options.items():
        of_entry = CUSTOMISATION_SPEC.options[name].get("options")
        if of_entry:
            value = [{**{key: part.get("default") for key, part in of_entry.items()}, **entry} for entry in value]
        complete[name] = value
    return parse_customisation(component, complete, lambda _option, path: FILES[path])


def test_nothing_is_asked_for():
    assert parse() == Customisation()
    assert not parse()


@pytest.mark.parametrize(
    "option, value",
    [
        ("pip_packages", ["six"]),
        ("pip_requirements", "/here/requirements.txt"),
        ("apt_packages", ["tini"]),
        ("files", [{"content": "", "dest": "/etc/x"}]),
        ("scripts", [{"src": "/here/start.sh"}]),
        ("env", {"A": ""}),
        ("runtime_ca", "/here/ca.pem"),
    ],
)
def test_each_option_is_something(option, value):
    assert parse(**{option: value})


@pytest.mark.parametrize(
    "entry, dest, hooks",
    [
        pytest.param({"src": "/here/start.sh"}, "/usr/local/bin/start.sh", (), id="its-name-in-the-path"),
        pytest.param({"src": "/here/program"}, "/usr/local/bin/program", (), id="a-program"),
        pytest.param({"content": "#!/bin/sh", "dest": "/opt/x"}, "/opt/x", (), id="a-place-of-its-own"),
        pytest.param(
            {"src": "/here/two words", "hook": True},
            "/usr/local/lib/imagefleet/hooks/00-two words",
            ("/usr/local/lib/imagefleet/hooks/00-two words",),
            id="a-hook",
        ),
        pytest.param(
            {"content": "#!/bin/sh", "hook": True},
            "/usr/local/lib/imagefleet/hooks/00-hook",
            ("/usr/local/lib/imagefleet/hooks/00-hook",),
            id="a-hook-without-a-name",
        ),
        pytest.param({"content": "#!/bin/sh", "dest": "/h", "hook": True}, "/h", ("/h",), id="a-hook-with-a-place"),
    ],
)
def test_scripts(entry, dest, hooks):
    parsed = parse(scripts=[entry])
    assert [(file.dest, file.mode, file.owner) for file in parsed.files] == [(dest, "0755", "0")]
    assert parsed.hooks == hooks


def test_hooks_keep_their_order_and_scripts_are_none():
    parsed = parse(
        scripts=[
            {"content": "#!/bin/sh", "hook": True, "dest": "/z"},
            {"content": "#!/bin/sh", "dest": "/m"},
            {"content": "#!/bin/sh", "hook": True, "dest": "/a"},
        ]
    )
    assert parsed.hooks == ("/z", "/a")


def test_files_have_owner_and_mode():
    parsed = parse(files=[{"content": "é", "dest": "/etc/x", "owner": "dify", "group": "1001", "mode": "0600"}])
    assert parsed.files == (InstalledFile("files[0]", "/etc/x", "é".encode(), "dify", "1001", "0600"),)


def test_squids_template_takes_the_place_of_the_one_in_the_image():
    """G5: the guide copies /etc/squid/squid.conf, which is made anew of the template at each start."""
    parsed = parse("ssrf_proxy", squid_config_template="/here/squid.template")
    assert [(file.dest, file.content) for file in parsed.files] == [
        ("/etc/squid/squid.conf.template", b"http_port 1\n")
    ]


def test_values_of_env_are_texts():
    assert parse(env={"A": True, "B": 1, "C": "x y", "_D": ""}).env == {"A": "true", "B": "1", "C": "x y", "_D": ""}


@pytest.mark.parametrize(
    "options, words",
    [
        pytest.param({"apt_packages": ["--reinstall"]}, "apt_packages has '--reinstall'", id="an-option-of-apt"),
        pytest.param({"apt_packages": ["a b"]}, "apt_packages has 'a b'", id="two-packages"),
        pytest.param({"apt_packages": ["$(id)"]}, "apt_packages has '$(id)'", id="a-command"),
        pytest.param({"apt_packages": ["tini-"]}, "apt_packages has 'tini-'", id="apt-would-remove-it"),
        pytest.param({"apt_packages": [""]}, "apt_packages has ''", id="no-package"),
        pytest.param({"scripts": [{"content": "#!/bin/sh"}]}, "scripts[0] has content and no dest", id="no-place"),
        pytest.param({"scripts": [{"content": "exit 0", "dest": "/x"}]}, "scripts[0] is no program", id="no-shebang"),
        pytest.param({"scripts": [{"src": "/here/dos"}]}, "scripts[0] has Windows line ends", id="windows"),
        pytest.param(
            {"files": [{"content": "", "dest": "/usr/local/lib/imagefleet/entrypoint"}]},
            "files[0] has the dest '/usr/local/lib/imagefleet/entrypoint', and /usr/local/lib/imagefleet is where",
            id="our-place",
        ),
        pytest.param({"runtime_ca": "/here/dos"}, "runtime_ca /here/dos has no certificate", id="no-certificate"),
        pytest.param({"env": {"A-B": "1"}}, "env has the name 'A-B'", id="name-of-env"),
        pytest.param({"env": {"A": None}}, "env.A must be a text", id="null"),
        pytest.param({"env": {"A": ["x"]}}, "env.A must be a text", id="list"),
        pytest.param({"env": {"A": "x\ny"}}, "env.A is 'x\\ny', and a line break", id="line-break"),
        pytest.param({"env": {"DB_PASSWORD": "hunter2"}}, "env.DB_PASSWORD looks like a secret", id="secret-name"),
        pytest.param({"env": {"OPENAI_API_KEY": "x"}}, "env.OPENAI_API_KEY looks like a secret", id="api-key"),
        pytest.param({"env": {"DB": "postgres://a:hunter2@db/x"}}, "env.DB looks like a secret", id="secret-in-a-url"),
        pytest.param({"squid_config_template": "/here/squid.template"}, "for ssrf_proxy alone, and api", id="no-squid"),
        pytest.param({"pip_require_hashes": True}, "there is no package", id="hashes-of-nothing"),
        pytest.param({"pip_require_hashes": True, "pip_packages": ["six"]}, "six has no --hash", id="no-hash"),
    ],
)
def test_what_is_refused(options, words):
    with pytest.raises(CollectionError) as error:
        parse(**options)
    assert words in error.value.msg
    assert "hunter2" not in error.value.msg


@pytest.mark.parametrize(
    "name", ["fonts-noto-cjk", "g++", "libstdc++6:arm64", "zlib1g=1:1.2.13.dfsg-1", "tini/bookworm-backports", "r0"]
)
def test_names_of_apt_packages(name):
    assert parse(apt_packages=[name]).apt_packages == (name,)
