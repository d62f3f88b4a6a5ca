# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build args against the Dockerfile that they are for. Pure."""

from __future__ import annotations

from typing import Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import PLATFORM_ARGUMENTS, Dockerfile
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import UNCOUNTED_ARGUMENTS

#: What BuildKit takes without an ARG line: https://docs.docker.com/reference/dockerfile/#predefined-args
_PREDEFINED = frozenset(("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"))
_OF_BUILDKIT = "BUILDKIT_"


def check_declared(image: str, args: Mapping[str, str], dockerfile: Dockerfile, target: str | None) -> None:
    """Refuse args that would do nothing: BuildKit itself only mentions them in its output.

    What is not counted among the inputs is for every image, and may do nothing in one.

    :raises CollectionError: no stage that is built declares an arg.
    """
    declared = dockerfile.declared_arguments(args, target)
    missing = sorted(name for name in set(args) - declared if not _is_predefined(name))
    if missing:
        there = f"only for {', '.join(sorted(declared))}" if declared else "for none"
        raise CollectionError(
            f"args of {image} has {', '.join(missing)}, and nothing would come of it: the Dockerfile has ARG lines {there}. "
            "Correct the name, or leave it out. Mirrors and proxies go by options of their own.",
            image=image,
        )


def _is_predefined(name: str) -> bool:
    return (
        name in UNCOUNTED_ARGUMENTS
        or name in PLATFORM_ARGUMENTS
        or name.upper() in _PREDEFINED
        or name.startswith(_OF_BUILDKIT)
    )
