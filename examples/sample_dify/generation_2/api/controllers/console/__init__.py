# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes below ``/console/api``: what the web pages call."""

from __future__ import annotations

from flask import Blueprint

console = Blueprint("console", __name__)

# The routes register themselves on the blueprint above.
from controllers.console import notes, questions  # noqa: E402, F401
