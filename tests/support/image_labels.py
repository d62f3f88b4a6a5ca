# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an image in a registry says of itself, asked of an engine that pulls it."""

from __future__ import annotations

import docker


def image_labels(reference: str, platform: str = "linux/amd64") -> dict[str, str]:
    """The labels of an image, which is removed from the engine afterwards."""
    engine = docker.from_env()
    image = engine.images.pull(reference, platform=platform)
    try:
        return image.labels
    finally:
        engine.images.remove(image.id, force=True)
