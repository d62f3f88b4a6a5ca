# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option of every module that works on a deployment's folder, documented in ``plugins/doc_fragments/deployments.py``."""

from __future__ import annotations

from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec

DEPLOYMENT_SPEC = ArgumentSpec(options={"dir": {"type": "path", "required": True}})
