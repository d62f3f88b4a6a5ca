# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificate authorities that a host is to trust, as files of its store. Pure."""

from __future__ import annotations

import hashlib

from ansible_collections.imagefleet.dify.plugins.module_utils._image.runtime_trust import (
    certificate_files,
    parse_certificates,
)


def authority_files(bundle: str) -> dict[str, str]:
    """A file for each certificate of a bundle, as update-ca-certificates wants them, by its name without the suffix.

    The names tell the whole bundle, so that with another one all are others: whether the store has taken them in, and has
    nothing of an earlier bundle, is seen by what it links.

    :raises CollectionError: it has no certificate, a broken one, or a private key.
    """
    certificates = parse_certificates("build_host_ca_bundle", bundle.encode())
    digest = hashlib.sha256(b"".join(certificates)).hexdigest()[:12]
    return {
        f"imagefleet-{digest}-{number}": content.decode()
        for number, content in enumerate(certificate_files(certificates).values(), start=1)
    }
