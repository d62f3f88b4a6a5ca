# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hooks: programs that run before the image's own entrypoint, each time a container starts. Pure."""

from __future__ import annotations

import shlex
from typing import Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._image.installed_file import OWN_FOLDER

#: Takes the entrypoint's place and ends by becoming it.
ENTRYPOINT = f"{OWN_FOLDER}/entrypoint"
HOOKS_FOLDER = f"{OWN_FOLDER}/hooks"


def entrypoint_script(hooks: Sequence[str]) -> str:
    """A script for any POSIX shell that runs ``hooks`` in order and then what it is called with.

    A hook that fails ends the start with its exit code. Signals reach the program itself: nothing stands between.
    """
    calls = "".join(f"run {shlex.quote(hook)}\n" for hook in hooks)
    return _SCRIPT.replace("@CALLS@", calls.rstrip("\n"))


_SCRIPT = """\
#!/bin/sh
# Written by imagefleet.dify: what is to run before the image's own entrypoint, in order.
run() {
    "$1" || {
        code=$?
        printf '%s\\n' "imagefleet: the hook $1 ended with exit code $code, so the container does not start" >&2
        exit "$code"
    }
}
@CALLS@
exec "$@"
"""
