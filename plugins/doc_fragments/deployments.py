# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of ``_deployment/spec.py``."""

    DOCUMENTATION = r"""
options:
  dir:
    description:
      - Folder of the deployment on the host, with its releases, its secrets and C(docker), the Compose project as it runs.
    type: path
    required: true
"""
