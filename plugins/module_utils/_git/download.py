# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that a source is made of: local ones in place, others downloaded, each against its checksum."""

from __future__ import annotations

import os
import shutil
from http.client import HTTPException
from urllib.error import HTTPError, URLError

from ansible.module_utils.urls import open_url

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._git.archive import Checksum, require_checksum
from ansible_collections.imagefleet.dify.plugins.module_utils._git.client import SourceFailure
from ansible_collections.imagefleet.dify.plugins.module_utils._git.source import Source, mask


def local_file(source: Source, checksum: Checksum | None, workspace: str, timeout: int) -> str:
    """The path of a bundle's or archive's file, downloaded into ``workspace`` when it lies elsewhere.

    :raises SourceFailure: it is not there, cannot be downloaded, or has another checksum.
    """
    if source.is_http:
        path = os.path.join(workspace, os.path.basename(source.address.partition("?")[0]) or "download")
        _download(source, path, timeout)
    elif source.is_remote and not source.address.startswith("file://"):
        raise SourceFailure(f"{source}: a {source.kind} is read from a file or by http(s), not by ssh or git")
    else:
        path = source.address[len("file://") :] if source.is_remote else source.address
    if not os.path.isfile(path):
        raise SourceFailure(f"{source}: there is no such file on this host")
    if checksum:
        try:
            require_checksum(path, checksum, str(source))
        except CollectionError as error:
            raise SourceFailure(f"{source}: {error.msg}") from error
    return path


def _download(source: Source, path: str, timeout: int) -> None:
    login = source.credentials
    try:
        with (
            open_url(
                source.address,
                timeout=timeout,
                http_agent="imagefleet.dify source_checkout",
                url_username=login.username if login else None,
                url_password=login.password if login else None,
                force_basic_auth=bool(login),
                unredirected_headers=["Authorization"],
                ca_path=os.environ.get("GIT_SSL_CAINFO"),
            ) as response,
            open(path, "wb") as file,
        ):
            shutil.copyfileobj(response, file)
    except HTTPError as error:
        raise SourceFailure(f"{source}: the server answers {error.code} {error.reason}") from error
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise SourceFailure(f"{source}: {mask(str(reason))}") from error
