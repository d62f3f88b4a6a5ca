# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that appear whole: whoever reads one meanwhile, or after a run that was killed, sees the old or the new."""

from __future__ import annotations

import os

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError


def write_whole(path: str, text: str, mode: int, group: int | None = None) -> None:
    """Put a text into a file that has ``mode`` from the start; the folders around it are made.

    :param group: the number of the group that it is given to; None leaves this process's own.
    :raises CollectionError: it cannot be written.
    """
    part = f"{path}.part"
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o755, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if group is not None:
                os.fchown(file.fileno(), -1, group)
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise CollectionError(f"{path} cannot be written: {error.strerror}.") from error
