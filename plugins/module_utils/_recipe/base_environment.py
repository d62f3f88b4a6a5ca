# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a base image sets in its environment, for an image that takes only its files.

An image made of files inherits nothing. What its base sets follows from the base's digest, which counts among the inputs, so it
is read only when something is built.
"""

from __future__ import annotations

from typing import Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._image.description import stored_config
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import environment_lines
from ansible_collections.imagefleet.dify.plugins.module_utils._image.store import ImageStore
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import Manifest, platform_descriptors
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform

#: The line of a Dockerfile in whose place the environment is put.
MARK = "# Here stands the environment of the base image."


def with_environment(text: str, environment: Mapping[str, str]) -> str:
    """The Dockerfile with the base's environment in the place of :data:`MARK`."""
    lines = "\n".join(environment_lines(environment))
    return text.replace(MARK, lines or "# The base image sets no environment.", 1)


def read_environment(store: ImageStore, manifest: Manifest, platform: Platform) -> dict[str, str]:
    """The environment that an image in ``store`` sets; that of ``platform`` where it is an index.

    :raises CollectionError: what the index names is not there.
    """
    if manifest.is_index:
        descriptors = platform_descriptors(manifest)
        if not descriptors:
            return {}
        descriptor = descriptors.get(platform) or next(iter(descriptors.values()))
        manifest = store.get(descriptor["digest"])
    pairs = (stored_config(manifest, store).get("config") or {}).get("Env") or []
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
