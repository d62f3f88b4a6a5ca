# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.generation import (
    DIFY_RELEASES,
    PLUGIN_DAEMON_RELEASES,
    SANDBOX_RELEASES,
    TOLERATED,
    Finding,
    check_release,
)

#: What a release from 1.0 to 1.2 has.
PNPM = {"web package manager": Finding("use pnpm", "pnpm-lock.yaml")}
YARN = {"web package manager": Finding("use yarn", "yarn.lock")}
WEB_ROOT = {"web context": Finding("start in the repository's root", "web/Dockerfile copies from the root")}
WEB_FOLDER = {"web context": Finding("start in web", "web/Dockerfile copies from web")}
AGENT = {"agent images": Finding("have them", "dify-agent/Dockerfile")}
NO_AGENT = {"agent images": Finding("have none", "no dify-agent/Dockerfile")}


@pytest.mark.parametrize(
    "releases, version, known",
    [
        pytest.param(DIFY_RELEASES, "0.15.0", True, id="first"),
        pytest.param(DIFY_RELEASES, "1.17.1", True, id="last"),
        pytest.param(DIFY_RELEASES, "1.10.1-fix.1", True, id="fix"),
        pytest.param(DIFY_RELEASES, "0.14.2", False, id="before-the-first"),
        pytest.param(DIFY_RELEASES, "1.18.0", False, id="after-the-last"),
        pytest.param(DIFY_RELEASES, "2.0.0", False, id="next-major"),
        pytest.param(DIFY_RELEASES, "1.10.0-rc1", False, id="release-candidate"),
        pytest.param(DIFY_RELEASES, "1.12.1-ours", False, id="fork"),
        pytest.param(DIFY_RELEASES, "1.12.1+dirty", False, id="uncommitted-changes"),
        pytest.param(DIFY_RELEASES, "v1.12.1", False, id="another-tag"),
        pytest.param(DIFY_RELEASES, "1.12", False, id="two-numbers"),
        pytest.param(DIFY_RELEASES, "main", False, id="branch"),
        pytest.param(DIFY_RELEASES, "", False, id="empty"),
        pytest.param(DIFY_RELEASES, "1.12.1\n", False, id="a-line"),
        pytest.param(DIFY_RELEASES, f"1.{'1' * 5000}.1", False, id="more-digits-than-python-takes"),
        pytest.param(SANDBOX_RELEASES, "0.2.15", True, id="sandbox"),
        pytest.param(SANDBOX_RELEASES, "0.1.0", False, id="old-sandbox"),
        pytest.param(PLUGIN_DAEMON_RELEASES, "0.6.10", True, id="plugin-daemon"),
        pytest.param(PLUGIN_DAEMON_RELEASES, "0.3.0b1", False, id="beta-of-the-plugin-daemon"),
    ],
)
def test_which_versions_are_checked(releases, version, known):
    assert releases.knows(version) is known


@pytest.mark.parametrize(
    "version, findings",
    [
        pytest.param("0.15.3", YARN, id="yarn-before-1.0"),
        pytest.param("1.0.0", PNPM, id="pnpm-since-1.0"),
        pytest.param("1.12.1", WEB_FOLDER | NO_AGENT, id="folder-up-to-1.12"),
        pytest.param("1.14.2", WEB_FOLDER, id="folder-in-1.14"),
        pytest.param("1.14.2", WEB_ROOT, id="root-in-1.14"),
        pytest.param("1.15.0", WEB_ROOT | NO_AGENT, id="root-since-1.15"),
        pytest.param("1.15.0", AGENT, id="agent-in-1.15"),
        pytest.param("1.17.1", WEB_ROOT | AGENT, id="agent-since-1.16"),
        pytest.param("main", YARN, id="what-is-no-release-is-not-checked"),
        pytest.param(None, YARN, id="nothing-is-expected"),
    ],
)
def test_agreement(version, findings):
    assert check_release(DIFY_RELEASES, version, findings, {}) == ()


@pytest.mark.parametrize(
    "version, findings, disagreement",
    [
        pytest.param(
            "1.2.0",
            YARN,
            "web package manager: yarn.lock, but 1.2.0 is expected to use pnpm (it does since 1.0.0)",
            id="older-than-expected",
        ),
        pytest.param(
            "0.15.3",
            PNPM,
            "web package manager: pnpm-lock.yaml, but 0.15.3 is expected to use yarn (releases before 1.0.0 do)",
            id="newer-than-expected",
        ),
        pytest.param(
            "1.15.0",
            WEB_FOLDER,
            "web context: web/Dockerfile copies from web, but 1.15.0 is expected to start in the repository's root "
            "(it does since 1.15.0)",
            id="folder-in-1.15",
        ),
        pytest.param(
            "1.12.1",
            WEB_ROOT,
            "web context: web/Dockerfile copies from the root, but 1.12.1 is expected to start in web "
            "(releases before 1.13.0 do)",
            id="root-in-1.12",
        ),
        pytest.param(
            "1.10.1-fix.1",
            {"api user": Finding("run as root", "no USER line")},
            "api user: no USER line, but 1.10.1-fix.1 is expected to run as another user than root (it does since 1.10.1)",
            id="root-in-a-fix",
        ),
        pytest.param(
            "1.16.0",
            NO_AGENT,
            "agent images: no dify-agent/Dockerfile, but 1.16.0 is expected to have them (it does since 1.16.0)",
            id="agent-is-missing",
        ),
    ],
)
def test_disagreement_is_named(version, findings, disagreement):
    with pytest.raises(CollectionError) as error:
        check_release(DIFY_RELEASES, version, findings, {})
    assert error.value.facts == {"version": version, "disagreements": [disagreement]}
    assert error.value.msg == (
        f"The source is not what Dify {version} is known to be. {disagreement}. Correct the version, or the ref that was "
        "checked out. A fork or branch that is built in its own way is not checked under a version that is no release's "
        f"number, such as {version}-ours."
    )


def test_all_disagreements_are_named_at_once():
    with pytest.raises(CollectionError) as error:
        check_release(DIFY_RELEASES, "1.2.0", YARN | WEB_ROOT, {"web/package.json": "1.1.0"})
    assert [reason.partition(":")[0] for reason in error.value.facts["disagreements"]] == [
        "version",
        "web package manager",
        "web context",
    ]


@pytest.mark.parametrize(
    "expected, said, disagreements",
    [
        pytest.param("1.12.1", {"api/pyproject.toml": "1.12.1", "web/package.json": "1.12.1"}, [], id="both-agree"),
        pytest.param("1.10.1-fix.1", {"api/pyproject.toml": "1.10.1"}, [], id="a-fix-keeps-the-number"),
        pytest.param(
            "1.12.1",
            {"api/pyproject.toml": "1.12.1", "web/package.json": "1.11.4"},
            ["version: 1.11.4 in web/package.json, but 1.12.1 is expected"],
            id="second-witness",
        ),
        pytest.param(
            "1.10.1",
            {"api/pyproject.toml": "1.10.1-fix.1"},
            ["version: 1.10.1-fix.1 in api/pyproject.toml, but 1.10.1 is expected"],
            id="a-fix-is-not-what-it-fixes",
        ),
        pytest.param("1.12.1", {}, [], id="no-file-says-it"),
    ],
)
def test_the_version_that_the_files_say(expected, said, disagreements):
    try:
        found = check_release(DIFY_RELEASES, expected, {}, said)
    except CollectionError as error:
        found = error.facts["disagreements"]
    assert list(found) == disagreements


@pytest.mark.parametrize(
    "subject, phrase", [pytest.param(*key, id=" ".join(key).replace(" ", "-")) for key in TOLERATED]
)
def test_tolerated_deviations_are_told_with_their_reason(subject, phrase):
    version = "0.15.3" if subject == "api user" else "1.15.0"
    (told,) = check_release(DIFY_RELEASES, version, {subject: Finding(phrase, "the evidence")}, {})
    assert told.startswith(f"{subject}: the evidence, but {version} is expected to ")
    assert told.endswith(f": {TOLERATED[subject, phrase]}")


def test_what_is_tolerated_hides_nothing_else():
    npm = {"web package manager": Finding("use npm", "package-lock.json")}
    with pytest.raises(CollectionError) as error:
        check_release(DIFY_RELEASES, "1.12.1", npm | WEB_ROOT, {})
    assert [reason.partition(":")[0] for reason in error.value.facts["disagreements"]] == ["web context"]


def test_what_is_tolerated_is_a_subject_of_the_table():
    assert {subject for subject, _phrase in TOLERATED} <= set(DIFY_RELEASES.table)


def test_eras_are_in_their_order():
    for releases in (DIFY_RELEASES, SANDBOX_RELEASES, PLUGIN_DAEMON_RELEASES):
        for eras in releases.table.values():
            starts = [[int(part) for part in since.split(".")] for since, _phrase in eras]
            assert starts == sorted(starts)
            assert releases.knows(eras[0][0])
            assert eras[0][0] == f"{releases.first}.0"
