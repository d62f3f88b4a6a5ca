# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a source cannot be read, in words with a remedy, from what Git prints. Pure."""

from __future__ import annotations

import re

from ansible_collections.imagefleet.dify.plugins.module_utils._git.source import mask

_CAUSES = (
    (
        r"could not resolve host|name or service not known|temporary failure in name",
        "its host name is not known to DNS",
    ),
    (
        r"connection refused|couldn't connect to server|failed to connect",
        "it refuses the connection; is the server up?",
    ),
    (r"connection timed out|timed out|operation too slow", "it does not answer in time"),
    (r"no route to host|network is unreachable", "there is no route to it"),
    (
        r"ssl certificate problem|certificate verification failed|server certificate",
        "its certificate is not trusted; set GIT_SSL_CAINFO in the task's environment to the CA bundle",
    ),
    (
        r"could not read (user|pass)|terminal prompts disabled|authentication failed|error: 401|invalid username",
        "it wants other credentials, or does not exist; give username and password",
    ),
    (r"error: 403", "access is forbidden for these credentials (403)"),
    (r"error: 429", "it limits requests (429); wait, or use a mirror"),
    (r"error: 5\d\d", "the server fails"),
    (r"host key verification failed", "its ssh host key is not known; give known_hosts"),
    (r"permission denied \(", "it refuses the ssh key; give key_file"),
    (r"couldn't find remote ref|not our ref|unadvertised object", "it has no such ref or commit"),
    (
        r"does not appear to be a git repository|repository '.*' not found|not a git repository|does not exist|no such file",
        "there is no repository",
    ),
    (
        r"unrecognized header|bad object id|not a v\d bundle|could not read bundle|index-pack died|early eof",
        "it is damaged or cut off",
    ),
    (r"no space left on device|disk quota exceeded", "the disk of dest is full; make room"),
)


def explain_source(stderr: str) -> str:
    """The cause, where it is known, and Git's own last line: ``it refuses the connection … (fatal: …)``."""
    text = mask(stderr.strip())
    cause = next((words for pattern, words in _CAUSES if re.search(pattern, text, re.IGNORECASE)), None)
    lines = [line for line in text.splitlines() if line.startswith(("fatal:", "error:", "ERROR:"))] or text.splitlines()
    said = lines[0] if lines else "git says nothing"
    return f"{cause} ({said})" if cause else said
