# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.smoke_test import (
    TESTS_OPTION,
    HttpProbe,
    PlatformTest,
    SmokeTest,
    definition_hash,
    parse_tests,
    plan_platform_tests,
    record_tag,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.smoke_test import (
    TestResult as Result,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import OCI_MANIFEST, json_manifest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import is_tag, parse_reference

AMD64, ARM64, S390X = (Platform("linux", name) for name in ("amd64", "arm64", "s390x"))
IMAGE = parse_reference("localhost:5000/a/b@sha256:" + "1" * 64)
MANIFESTS = {
    platform: json_manifest({"mediaType": OCI_MANIFEST, "annotations": {"for": str(platform)}})
    for platform in (AMD64, ARM64)
}


@pytest.mark.parametrize(
    "entry, test",
    [
        pytest.param({"name": "a"}, SmokeTest("a"), id="defaults"),
        pytest.param({"name": "a", "command": ["x", "y"]}, SmokeTest("a", command=("x", "y")), id="command"),
        pytest.param({"name": "a", "entrypoint": ["sh"]}, SmokeTest("a", entrypoint=("sh",)), id="entrypoint"),
        pytest.param({"name": "a", "elf": "auto"}, SmokeTest("a", elf="auto"), id="elf"),
        pytest.param({"name": "a", "http": {"port": 80}}, SmokeTest("a", http=HttpProbe("/", 80)), id="http"),
        pytest.param(
            {"name": "a", "http": {"port": 80, "path": "/x", "status": 404, "body": "no"}},
            SmokeTest("a", http=HttpProbe("/x", 80, 404, "no")),
            id="http-with-everything",
        ),
        pytest.param({"name": "a", "network": "none"}, SmokeTest("a", network="none"), id="network"),
        pytest.param({"name": "a", "user": "1000"}, SmokeTest("a", user="1000"), id="user"),
        pytest.param({"name": "a", "env": {"N": 3}}, SmokeTest("a", env={"N": "3"}), id="a-number-in-env-is-text"),
        pytest.param({"name": "a", "timeout": 5}, SmokeTest("a", timeout=5), id="timeout"),
        pytest.param({"name": "a", "exit_code": 3}, SmokeTest("a", exit_code=3), id="exit-code"),
        pytest.param({"name": "a", "output": "^x$"}, SmokeTest("a", output="^x$"), id="output"),
    ],
)
def test_parse(entry, test):
    assert parse_tests([entry]) == (test,)


def test_what_is_left_out_is_as_the_option_says():
    defaults = {name: option.get("default") for name, option in TESTS_OPTION["options"].items()}
    assert parse_tests([{**defaults, "name": "a"}]) == parse_tests([{"name": "a"}])


@pytest.mark.parametrize(
    "entries, says",
    [
        pytest.param([{"name": " "}], "give it a name", id="no-name"),
        pytest.param([{"name": "a\nb"}], "a name of one line", id="two-lines"),
        pytest.param([{"name": "a"}, {"name": "a"}], "same name: a", id="same-name"),
        pytest.param(
            [{"name": "a", "http": {"port": 1}, "network": "none"}], "http and network: none", id="no-network"
        ),
        pytest.param([{"name": "a", "http": {"port": 0}}], "port 0", id="port-zero"),
        pytest.param([{"name": "a", "http": {"port": 65536}}], "port 65536", id="port-too-large"),
        pytest.param([{"name": "a", "http": {"port": 1, "path": "x"}}], "starts with /", id="path"),
        pytest.param([{"name": "a", "http": {"port": 1, "body": "["}}], "http.body '\\['", id="body-pattern"),
        pytest.param([{"name": "a", "output": "("}], "output '\\('.*no regular expression", id="output-pattern"),
        pytest.param([{"name": "a", "elf": "auto", "command": ["x"]}], "Make it two", id="elf-and-command"),
        pytest.param([{"name": "a", "elf": "auto", "http": {"port": 1}}], "Make it two", id="elf-and-http"),
        pytest.param([{"name": "a", "timeout": 0}], "1 at least", id="timeout"),
    ],
)
def test_contradictions(entries, says):
    with pytest.raises(CollectionError, match=says):
        parse_tests(entries)


DEFINITION = {"name": "a", "command": ["x"]}


@pytest.mark.parametrize(
    "other, same",
    [
        pytest.param({**DEFINITION, "timeout": 60, "network": "bridge", "env": {}, "user": None}, True, id="defaults"),
        pytest.param({"command": ["x"], "name": "a"}, True, id="order-of-keys"),
        pytest.param({**DEFINITION, "command": ["x", "y"]}, False, id="command"),
        pytest.param({**DEFINITION, "entrypoint": ["x"]}, False, id="entrypoint"),
        pytest.param({**DEFINITION, "name": "b"}, False, id="name"),
        pytest.param({**DEFINITION, "timeout": 61}, False, id="timeout"),
        pytest.param({**DEFINITION, "network": "none"}, False, id="network"),
        pytest.param({**DEFINITION, "env": {"A": "1"}}, False, id="env"),
        pytest.param({**DEFINITION, "user": "me"}, False, id="user"),
        pytest.param({**DEFINITION, "exit_code": 1}, False, id="exit-code"),
        pytest.param({**DEFINITION, "output": "x"}, False, id="output"),
        pytest.param({**DEFINITION, "http": {"port": 80}}, False, id="http"),
    ],
)
def test_the_hash_counts_what_is_tested(other, same):
    assert (definition_hash(parse_tests([other])) == definition_hash(parse_tests([DEFINITION]))) is same


def test_the_hash_stays():
    """Records in registries carry it: it may never change for the same tests."""
    assert definition_hash(()) == "4f53cda18c2baa0c"
    assert definition_hash(parse_tests([DEFINITION])) == "8ac312420a991dd3"


def test_the_order_of_tests_counts():
    one, two = {"name": "a"}, {"name": "b"}
    assert definition_hash(parse_tests([one, two])) != definition_hash(parse_tests([two, one]))


def test_a_record_is_a_tag_of_the_manifest_and_the_tests():
    tag = record_tag("sha256:" + "a" * 64, "b" * 16)
    assert tag == f"ok-{'a' * 64}-{'b' * 16}"
    assert is_tag(tag)


@pytest.mark.parametrize(
    "wanted, planned",
    [
        pytest.param((), [AMD64, ARM64], id="all-that-are-there"),
        pytest.param((ARM64,), [ARM64], id="one"),
        pytest.param((ARM64, AMD64), [ARM64, AMD64], id="in-the-order-asked-for"),
    ],
)
def test_plan(wanted, planned):
    tests = plan_platform_tests(IMAGE, wanted, MANIFESTS, "c" * 16)
    assert tests == [
        PlatformTest(platform, MANIFESTS[platform], record_tag(MANIFESTS[platform].digest, "c" * 16))
        for platform in planned
    ]


def test_a_platform_that_the_image_lacks():
    with pytest.raises(CollectionError, match="lacks linux/s390x; it has linux/amd64, linux/arm64. Build"):
        plan_platform_tests(IMAGE, (AMD64, S390X), MANIFESTS, "")


def test_results_of_a_platform():
    (test,) = plan_platform_tests(IMAGE, (ARM64,), MANIFESTS, "c" * 16)
    facts = {"platform": "linux/arm64", "digest": MANIFESTS[ARM64].digest, "record": test.record}
    assert test.due() == {**facts, "tested": True}
    assert test.skipped() == {**facts, "tested": False, "passed": True}
    assert test.ended([Result("a", "")], True, 1.23456) == {
        **facts,
        "tested": True,
        "passed": True,
        "emulated": True,
        "duration": 1.235,
        "failures": [],
        "log": "",
    }
    failed = test.ended([Result("a", ""), Result("b", "it broke", "line"), Result("c", "too")], False, 1)
    assert not failed["passed"]
    assert failed["failures"] == ["b: it broke", "c: too"]
    assert failed["log"] == "b:\nline"
