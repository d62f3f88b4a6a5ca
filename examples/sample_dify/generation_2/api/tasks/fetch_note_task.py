# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch the page of a note that was given as an address."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from flask import current_app

from extensions.ext_database import db
from models.note import FAILED, READY, Note
from services.page_fetching import fetch_page


@shared_task(name="note.fetch")
def fetch_note_task(note_id: str) -> None:
    note = db.session.get(Note, UUID(note_id))
    if note is None:
        return  # deleted meanwhile
    proxy = current_app.config["SETTINGS"].proxy_url
    if not proxy:
        note.status, note.problem = FAILED, "SSRF_PROXY_HTTP_URL is not set, and pages are fetched by a proxy only."
    else:
        try:
            note.text, note.status = fetch_page(note.source, proxy), READY
        except (OSError, ValueError) as error:
            note.status, note.problem = FAILED, f"{note.source} cannot be fetched: {error}"
    db.session.commit()
