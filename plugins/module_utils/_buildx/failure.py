# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a build failed, where the cause is known by what it printed, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.transport import CLOSED_SECONDS, RESTART_SECONDS

_CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        "emulator crash",
        r"uncaught target signal \d+|qemu: .*Segmentation fault|qemu-\w+: .*(?:unhandled|fatal)",
        "The emulator crashed, not the program. Raise the emulator's minimum version (binfmt: minimum_qemu_version) or add a "
        "native node for the platform.",
    ),
    (
        "no emulator",
        r"exec format error",
        "No emulator is registered for the platform where the step ran. Run the provision playbook for that host.",
    ),
    (
        "node gone",
        r"(?m)^ERROR: (?:failed to build: )?context deadline exceeded|failed to receive status: rpc error|"
        r"error reading from server: |"
        r"code = Unavailable desc = (?:error reading|connection error|closing transport|transport is closing)",
        "The node that was building does not answer any more. See that its BuildKit daemon runs (its log says why it ended, "
        "often for want of memory), and run this again: what was finished is in its cache.",
    ),
    (
        "no space",
        r"[Nn]o space left on device|ENOSPC",
        "The node's disk is full. Prune the builder's cache (docker buildx prune) or give the node more disk.",
    ),
    (
        "out of memory",
        r"exit code: 137|signal: killed|JavaScript heap out of memory|[Cc]annot allocate memory|Out of memory",
        "The step was killed for want of memory. Lower max_parallel or give the node more memory.",
    ),
    (
        "TLS",
        r"x509: |certificate verify failed|CERTIFICATE_VERIFY_FAILED|unable to get (?:local )?issuer certificate"
        r"|SELF_SIGNED_CERT|self[- ]signed certificate",
        "A certificate is not trusted. Give the corporate CA to the build, or the registry's CA in registries.",
    ),
    (
        "too many requests",
        r"429 Too Many Requests|toomanyrequests|Too Many Requests",
        "The registry limits requests. Log in, or use a mirror (registries: mirrors_of).",
    ),
    (
        "not authorised",
        r"401 Unauthorized|unauthorized: |authentication required|no basic auth credentials",
        "The registry wants a login. Give username and password in registries.",
    ),
    (
        "forbidden",
        r"403 Forbidden|denied: |insufficient_scope",
        "The account may not do that in this repository. Ask for the right to pull from or push to it.",
    ),
    (
        "registry closed",
        r"failed to push \S+: (?:unavailable: |unexpected status .*: 503 )",
        "The registry takes no images for the moment. Run this again when it does: what was built is in the builder's cache.",
    ),
    (
        "registry restarted",
        r"failed to push \S+: .*(?:connection refused|connection reset by peer|broken pipe|EOF|"
        r"unexpected status .*: 50[024] )",
        "The registry answered before the build and went away while images were pushed to it. See that it runs, and run this "
        "again: what was built is in the builder's cache.",
    ),
    (
        "push collected",
        r"failed to push \S+: .*(?:blob unknown|BLOB_UNKNOWN)",
        "The registry collected what was pushed as garbage, before the push was done. Run this again: what was built is in the "
        "builder's cache.",
    ),
    (
        "apt pin not found",
        r"Version '[^']+' for '[^']+' was not found",
        "The Dockerfile pins a package version that the archive no longer has. Set apt_pins to relax or snapshot, or the build "
        "arg that the version comes from.",
    ),
    (
        "name not resolved",
        r"Temporary failure (?:in name resolution|resolving)|no such host|EAI_AGAIN|ENOTFOUND|Could not resolve host|"
        r"Failed to resolve|Name or service not known",
        "A host name could not be resolved in the build. Check the node's DNS, proxy and mirrors.",
    ),
    (
        "connection refused",
        r"[Cc]onnection refused|ECONNREFUSED",
        "Nothing listens at the address that the message names. Start that service, or correct the address (a mirror, a proxy, a "
        "registry); on the network of a build, localhost is the build's own.",
    ),
    (
        "dockerfile step",
        r"did not complete successfully: exit code: \d+",
        "A command of the Dockerfile failed; its output is in the log.",
    ),
)

#: Causes that pass by themselves, and for how many seconds to hope so: the same build, done again, succeeds.
PASSING = {"registry closed": CLOSED_SECONDS, "push collected": CLOSED_SECONDS, "registry restarted": RESTART_SECONDS}


@dataclass(frozen=True)
class Cause:
    """A named cause and what to do about it."""

    name: str
    remedy: str


def find_cause(text: str) -> Cause | None:
    """The first known cause that ``text`` shows, the most specific ones first; None when it shows none."""
    for name, pattern, remedy in _CAUSES:
        if re.search(pattern, text):
            return Cause(name, remedy)
    return None
