# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the images role turns images_customisation into tasks: its templates, rendered as Ansible does."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_spec import IMAGE_OPTIONS
from ansible_collections.imagefleet.dify.plugins.module_utils._image.customisation import CUSTOMISATION_SPEC

ROLE = Path(__file__).resolve().parents[3] / "roles" / "images"
VARIABLES = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())

UPSTREAM = "localhost:5000/dify/dify-api:fp-1@sha256:1"
BUILT = {"name": "api", "reference": UPSTREAM, "digest": "sha256:1", "built": True, "reasons": ["first build"]}
UNKNOWN = {"name": "api", "reference": "localhost:5000/dify/dify-api:fp-1", "built": True, "reasons": ["first build"]}
DERIVED = {"name": "api", "reference": "derived", "digest": "sha256:2", "built": False, "reasons": []}
CUSTOMISED = {"item": "api", "customised": True, "smoke_tests": [{"name": "an import"}]}


@pytest.fixture(scope="module", autouse=True)
def plugins():
    """Ansible finds filters of ours by an importer of its own, which must not stay for tests that import modules."""
    init_plugin_loader([])
    yield
    _AnsibleCollectionFinder._remove()


def trusted(value):
    """What stands in the role's files is a template; what comes from elsewhere is none."""
    if isinstance(value, dict):
        return {key: trusted(part) for key, part in value.items()}
    if isinstance(value, list):
        return [trusted(part) for part in value]
    return trust_as_template(value) if isinstance(value, str) else value


def value_of(name, **variables):
    """A variable of the role, with others given."""
    given = {
        "images_source_dest": "/srv/source",
        "images_registry": "localhost:5000",
        "images_namespace": "dify",
        "images_staging_namespace": "staging",
        "images_tags": ["used"],
        "images_version": "1.0",
        "images_source": {},
        "images_components": ["api", "web"],
        "images_build_options": {},
        "images_build_env": {},
        "images_customisation": {},
        "images_runtime_ca": False,
        "images_ca_bundle": "",
        "ansible_search_path": [str(ROLE)],
        **variables,
    }
    return Templar(loader=DataLoader(), variables={**trusted(VARIABLES), **given}).template(
        trust_as_template("{{ " + name + " }}")
    )


def template(name, **variables):
    return value_of(f"lookup('ansible.builtin.template', '{name}') | from_json", **variables)


def test_customised_images_are_built_as_the_others_are():
    """What both share stands once, in main.yml: an option of build.yml alone would be missing in derive.yml."""

    def options_of(name):
        tasks = yaml.safe_load((ROLE / "tasks" / name).read_text())
        return [set(task["imagefleet.dify.image_build"]) for task in tasks if "imagefleet.dify.image_build" in task]

    assert options_of("build.yml") == [{"images", "commit", "base_images"}]
    assert options_of("derive.yml") == [{"images"}]


def test_the_role_takes_what_the_module_takes():
    assert VARIABLES["__images_customisation_on_top"] == list(CUSTOMISATION_SPEC.options)
    assert set(VARIABLES["__images_derived_options"]) <= set(IMAGE_OPTIONS)


@pytest.mark.parametrize("preview, workspace", [({}, "/srv/source-customisation"), ({"path": "/tmp/x"}, "/tmp/x")])
def test_files_of_the_controller_are_brought_to_where_they_are_read(preview, workspace):
    wanted = {
        "api": {
            "pip_requirements": "/here/requirements.txt",
            "files": [{"src": "a/two words", "dest": "/x"}, {"content": "x", "dest": "/y"}, {"src": "b", "dest": "/z"}],
            "scripts": [{"content": "#!/bin/sh"}, {"src": "/here/hook.sh", "hook": True}],
        },
        "ssrf_proxy": {"squid_config_template": "/here/squid.template"},
    }
    variables = {
        "images_customisation": wanted,
        "images_components": ["api", "ssrf_proxy"],
        "__images_preview": preview,
    }
    brought = {
        f"{one['folder']}/{Path(one['src']).name}" for one in template("customisation_files.json.j2", **variables)
    }
    customisations = value_of("__images_customisations", **variables)
    entries = [*customisations["api"]["files"], *customisations["api"]["scripts"]]
    read = {entry["src"] for entry in entries if "src" in entry}
    read |= {customisations["api"]["pip_requirements"], customisations["ssrf_proxy"]["squid_config_template"]}
    assert read == brought
    assert len(brought) == 5
    assert all(path.startswith(f"{workspace}/given/") for path in brought)
    assert [entry.get("dest") for entry in entries] == ["/x", "/y", "/z", None, None]
    assert entries[4]["hook"] is True


@pytest.mark.parametrize(
    "wanted, components",
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"api": {}}, [], id="no-options"),
        pytest.param({"api": {"pip_packages": [], "env": None}}, [], id="empty-options"),
        pytest.param({"web": {"default_locale": "zh-Hans", "brand": {"a": "b"}}}, [], id="what-changes-the-source"),
        pytest.param({"web": {"default_locale": "zh-Hans", "env": {"A": 1}}}, ["web"], id="both"),
        pytest.param({"api": {"env": {"A": 1}}, "web": {"apt_packages": ["x"]}}, ["api", "web"], id="two"),
    ],
)
def test_which_components_get_an_image_on_top(wanted, components):
    assert list(value_of("__images_customisations", images_customisation=wanted)) == components


def test_a_ca_for_every_image_is_brought_once_and_gives_way_to_a_components_own():
    variables = {
        "images_runtime_ca": True,
        "images_ca_bundle": "files/company.pem",
        "images_customisation": {"web": {"runtime_ca": "/here/webs.pem"}},
    }
    given = "/srv/source-customisation/given"
    assert template("customisation_files.json.j2", **variables) == [
        {"src": "/here/webs.pem", "folder": f"{given}/web/runtime_ca"},
        {"src": "files/company.pem", "folder": f"{given}/runtime_ca"},
    ]
    customisations = value_of("__images_customisations", **variables)
    assert {component: wanted["runtime_ca"] for component, wanted in customisations.items()} == {
        "api": f"{given}/runtime_ca/company.pem",
        "web": f"{given}/web/runtime_ca/webs.pem",
    }
    assert value_of("__images_customising", **variables) is True
    assert value_of("__images_customising") is False


TAGGED = {"item": "api", "image": {"inputs": {"by_platform": {"linux/amd64": {"images": {"upstream": "sha256:0"}}}}}}
PLAIN = {"item": "api", "image": {"inputs": {"by_platform": {"linux/amd64": {"images": {"python:3.12": "sha256:0"}}}}}}


@pytest.mark.parametrize(
    "tagged, before",
    [
        pytest.param(TAGGED, {"api": "sha256:0"}, id="a-customised-image"),
        pytest.param(PLAIN, {}, id="a-plain-one"),
        pytest.param(
            {"item": "api", "image": {"inputs": {"by_platform": {"linux/amd64": {}}}}}, {}, id="without-a-base"
        ),
        pytest.param({"item": "api", "image": {"inputs": None}}, {}, id="built-by-somebody-else"),
        pytest.param({"item": "api", "exists": False}, {}, id="nothing"),
        pytest.param({"item": "api", "skipped": True}, {}, id="not-asked"),
    ],
)
def test_what_customised_images_were_built_on(tagged, before):
    assert value_of("__images_customised_before", __images_tagged={"results": [tagged]}) == before


def test_reasons_are_told_against_an_image_of_the_same_kind():
    def compared(tagged):
        (image,) = value_of(
            "__images_to_derive",
            images_customisation={"api": {"env": {"A": 1}}},
            __images_build={"images": [BUILT]},
            __images_customised={"results": [CUSTOMISED]},
            __images_tagged={"results": [tagged]},
        )
        return image.get("compare_to")

    assert compared(TAGGED) == "localhost:5000/dify/dify-api:used"
    assert compared(PLAIN) is None


def test_the_image_on_top_is_built_on_the_one_that_was_built():
    options = {"labels": {"team": "ai"}, "target": "base", "cache_to": ["x"], "context": "/elsewhere"}
    (image,) = value_of(
        "__images_to_derive",
        images_customisation={"api": {"env": {"A": 1}}},
        images_build_options={"api": options},
        images_build_env={"api": {"B": "2"}},
        __images_build={"images": [BUILT]},
        __images_customised={"results": [CUSTOMISED, {"item": "web", "skipped": True}]},
    )
    assert image == {
        "name": "api",
        "version": "1.0+customised",
        "repository": "localhost:5000/staging/dify-api",
        "context": "/srv/source-customisation/api",
        "base_images": {"upstream": UPSTREAM},
        "build_env": {"B": "2"},
        "registry_cache": False,
        "labels": {"team": "ai"},
    }


@pytest.mark.parametrize(
    "plain, derived, reference, built, reasons",
    [
        pytest.param(BUILT, {"images": [DERIVED]}, "derived", False, [], id="the-image-on-top"),
        pytest.param(
            UNKNOWN,
            {"skipped": True},
            UNKNOWN["reference"],
            True,
            ["base upstream: unknown until api is built"],
            id="not-known-in-check-mode",
        ),
    ],
)
def test_what_is_tested_and_promoted(plain, derived, reference, built, reasons):
    web = {**BUILT, "name": "web", "reference": "web"}
    images = value_of(
        "__images_built",
        images_customisation={"api": {"env": {"A": 1}}},
        __images_build={"images": [plain, web]},
        __images_derived=derived,
    )
    assert images[1] == web
    assert (images[0]["reference"], images[0]["built"], images[0]["reasons"]) == (reference, built, reasons)
    assert images[0]["upstream"]["reference"] == plain["reference"]
    assert images[0]["upstream"]["reasons"] == ["first build"]


def test_without_customisation_nothing_is_otherwise():
    assert value_of("__images_built", images_customisation={}, __images_build={"images": [BUILT]}) == [BUILT]
    assert value_of("__images_built", images_customisation={}, __images_build={"skipped": True}) == []
    assert value_of("__images_to_derive", images_customisation={}) == []


def test_tests_of_what_was_added():
    results = {"results": [CUSTOMISED, {"item": "web", "skipped": True}]}
    assert value_of("__images_added_tests", __images_customised=results) == {"api": [{"name": "an import"}]}
    assert value_of("__images_added_tests") == {}


@pytest.mark.parametrize(
    "config, told",
    [
        pytest.param({"User": "dify", "Entrypoint": ["a"], "Cmd": ["b"]}, ("dify", ["a"], ["b"]), id="all"),
        pytest.param({"Entrypoint": None, "Cmd": None}, ("", [], []), id="nothing"),
    ],
)
def test_the_image_itself_tells_its_user_and_what_it_starts(config, told):
    profile = template(
        "upstream_profile.json.j2",
        item="api",
        __images_profile={"components": {"api": {"user": "1", "virtual_env": "/venv"}}},
        __images_upstream_info={"results": [{"item": "api", "image": {"platforms": [{"config": config}]}}]},
    )
    assert (profile["user"], profile["entrypoint"], profile["command"]) == told
    assert profile["virtual_env"] == "/venv"
