# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What gunicorn (``app:app``), Celery (``-A app.celery``) and ``flask`` load."""

from __future__ import annotations

from app_factory import create_app

app = create_app()
celery = app.extensions["celery"]
