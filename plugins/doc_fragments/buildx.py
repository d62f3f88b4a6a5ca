# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options in ``plugins/module_utils/_buildx/spec.py``."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  docker_cli:
    description:
      - The C(docker) program, as a path or as a name looked up in E(PATH).
    type: path
    default: docker
  buildx_config:
    description:
      - The folder in which buildx keeps its builders (E(BUILDX_CONFIG)). All who use a builder must name the same
        folder; the P(imagefleet.dify.build_host#role) role uses C(/var/lib/imagefleet/buildx).
      - Without it buildx takes E(BUILDX_CONFIG) from the environment, else the folder C(buildx) in E(DOCKER_CONFIG),
        else C(~/.docker/buildx).
    type: path
requirements:
  - buildx 0.12 or newer
"""
