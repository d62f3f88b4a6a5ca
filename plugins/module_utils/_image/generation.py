# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How releases are known to be built, to be held against what a source's files say. Pure.

The table is about releases: a fork, a branch or a later release may be built in a way of its own, so only the number of a
release that the table knows is checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

Version = tuple[int, ...]

#: ``1.10.1`` or ``1.10.1-fix.1``. Betas and release candidates are built like anything between two releases.
_RELEASE = re.compile(r"(?P<number>[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4})(?:-fix\.?[0-9]+)?")


@dataclass(frozen=True)
class Finding:
    """What a source's files say about one thing.

    :param phrase: what it does, in the words of the table.
    :param evidence: what shows it, as a user would look for it.
    """

    phrase: str
    evidence: str


@dataclass(frozen=True)
class Generations:
    """What a repository's releases do.

    :param name: of the repository, as a user reads it.
    :param first, last: the releases that are known, without their last number.
    :param table: by subject, what releases do from a version on; None where both are found.
    """

    name: str
    first: str
    last: str
    table: Mapping[str, tuple[tuple[str, str | None], ...]]

    def knows(self, version: str) -> bool:
        """Whether it is the number of a release that the table is about."""
        match = _RELEASE.fullmatch(version)
        return bool(match) and _number(self.first) <= _number(version)[:2] <= _number(self.last)


ROOT_CONTEXT = "start in the repository's root"

DIFY_RELEASES = Generations(
    "Dify",
    "0.15",
    "1.17",
    {
        "api package manager": (("0.15.0", "use poetry"), ("1.3.0", "use uv")),
        "api context": (("0.15.0", "start in api"), ("1.15.0", ROOT_CONTEXT)),
        "api user": (("0.15.0", "run as root"), ("1.10.1", "run as another user than root")),
        "web package manager": (("0.15.0", "use yarn"), ("1.0.0", "use pnpm")),
        "web corepack": (("0.15.0", "do without corepack"), ("1.8.0", "let corepack bring the package manager")),
        # Between the last one that was seen to start in web and the first that starts in the root.
        "web context": (("0.15.0", "start in web"), ("1.13.0", None), ("1.15.0", ROOT_CONTEXT)),
        "plugin daemon": (("0.15.0", "name none"), ("1.0.0", "name one")),
        "agent images": (("0.15.0", "have none"), ("1.15.0", None), ("1.16.0", "have them")),
    },
)

SANDBOX_RELEASES = Generations(
    "dify-sandbox",
    "0.2",
    "0.2",
    {"sandbox layout": (("0.2.0", "keep a dockerfile per architecture"), ("0.2.13", "keep templates"))},
)

PLUGIN_DAEMON_RELEASES = Generations(
    "dify-plugin-daemon",
    "0.0",
    "0.6",
    {
        "plugin daemon entry point": (
            ("0.0.0", "start by a script"),
            ("0.5.8", "migrate by itself"),
            ("0.6.0", "start by tini"),
        )
    },
)

#: What is let pass where a release does something else, and why.
TOLERATED = {
    ("api package manager", "use pip"): "no release of Dify does, so this is a program of its own in Dify's layout, "
    "and every image of Python has pip",
    ("web package manager", "use npm"): "no release of Dify does, so this is a program of its own in Dify's layout, "
    "and every image of Node has npm",
    ("api user", "run as another user than root"): "fewer rights than expected break nothing that is built on it",
    ("web corepack", "do without corepack"): "the Dockerfile brings its package manager itself",
    ("plugin daemon", "name none"): "nothing that is built from this source needs one",
}


def check_release(
    generations: Generations,
    version: str | None,
    findings: Mapping[str, Finding],
    versions: Mapping[str, str],
) -> tuple[str, ...]:
    """Hold what a source's files say against what is known of a release.

    :param version: the release that is expected. What is no number of a known release is not checked.
    :param versions: by file, the version that it says the source is.
    :return: what deviates and is let pass, with the reason.
    :raises CollectionError: they disagree.
    """
    if version is None or not generations.knows(version):
        return ()
    wrong = _other_versions(version, versions)
    tolerated = []
    for subject, finding in findings.items():
        disagreement = _disagreement(generations.table[subject], version, finding)
        reason = TOLERATED.get((subject, finding.phrase))
        if disagreement and reason:
            tolerated.append(f"{subject}: {disagreement}: {reason}")
        elif disagreement:
            wrong.append(f"{subject}: {disagreement}")
    if wrong:
        raise CollectionError(
            f"The source is not what {generations.name} {version} is known to be. {'. '.join(wrong)}. "
            "Correct the version, or the ref that was checked out. A fork or branch that is built in its own way is not "
            f"checked under a version that is no release's number, such as {version}-ours.",
            version=version,
            disagreements=wrong,
        )
    return tuple(tolerated)


def _other_versions(expected: str, versions: Mapping[str, str]) -> list[str]:
    """Files that name another version. A fix is released with the number that it fixes."""
    release = _RELEASE.fullmatch(expected)
    allowed = {expected, release["number"] if release else expected}
    return [
        f"version: {found} in {file}, but {expected} is expected"
        for file, found in versions.items()
        if found not in allowed
    ]


def _disagreement(eras: Iterable[tuple[str, str | None]], version: str, finding: Finding) -> str | None:
    known = list(eras)
    index = max(number for number, (since, _phrase) in enumerate(known) if _number(since) <= _number(version))
    since, phrase = known[index]
    if phrase is None or phrase == finding.phrase:
        return None
    when = f"it does since {since}" if index else f"releases before {known[1][0]} do"
    return f"{finding.evidence}, but {version} is expected to {phrase} ({when})"


def _number(version: str) -> Version:
    return tuple(int(part) for part in re.findall(r"[0-9]+", version.partition("-")[0]))
