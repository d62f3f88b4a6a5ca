# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one kind of image, Python's or the pages', brings to the recipe."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.downloaded_data import DownloadedData


@dataclass(frozen=True)
class Kind:
    """What the stages before the last one make, and how the image is finished.

    :param stages: their lines.
    :param copied_apart: names of stages whose files the image takes as they are.
    :param finish: shell script over the files that the last stage copies; ``for_target`` when each platform has its own.
    :param tidy: shell commands that remove from the root file system what such an image does not need.
    :param check: the program of the image's health check.
    :param owned: folders that the program writes in, beside those that the source says.
    :param data: what packages download for themselves.
    """

    stages: tuple[str, ...]
    copied_apart: frozenset[str]
    finish: str
    tidy: tuple[str, ...]
    check: str
    for_target: bool = False
    owned: tuple[str, ...] = ()
    data: DownloadedData = DownloadedData()
