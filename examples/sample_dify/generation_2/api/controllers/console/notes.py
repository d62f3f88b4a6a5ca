# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notes: what the program knows."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from flask import request
from werkzeug.exceptions import BadRequest

from controllers.console import console
from extensions.ext_database import db
from models.note import FETCHING, Note
from tasks.fetch_note_task import fetch_note_task

MAXIMUM_TEXT = 100_000


@console.get("/notes")
def list_notes() -> dict[str, Any]:
    """The notes that answers come from; with ``?archived=true`` those that were put away."""
    archived = Note.archived_at.is_not(None) if request.args.get("archived") == "true" else Note.archived_at.is_(None)
    notes = db.session.scalars(db.select(Note).where(archived).order_by(Note.created_at.desc()).limit(100))
    return {"data": [note.to_dict() for note in notes]}


@console.put("/notes/<uuid:note_id>/archived")
def archive_note(note_id: UUID) -> dict[str, Any]:
    """Put a note away: it stays, but no answer comes from it."""
    return _set_archived(note_id, datetime.now(timezone.utc))


@console.delete("/notes/<uuid:note_id>/archived")
def restore_note(note_id: UUID) -> dict[str, Any]:
    return _set_archived(note_id, None)


@console.post("/notes")
def add_note() -> tuple[dict[str, Any], int]:
    """Keep a text, or have the worker fetch a page through the proxy."""
    body = request.get_json()
    title, text, address = (_text(body, name) for name in ("title", "text", "url"))
    if bool(text) == bool(address):
        raise BadRequest("A note has either a text or a url.")
    if address and not address.startswith(("http://", "https://")):
        raise BadRequest("The url starts with http:// or https://.")
    note = Note(title=title or address or text[:60], text=text, source=address)
    if address:
        note.status = FETCHING
    db.session.add(note)
    db.session.commit()
    if address:
        fetch_note_task.delay(str(note.id))
    return note.to_dict(), 201


def _set_archived(note_id: UUID, when: datetime | None) -> dict[str, Any]:
    note = db.get_or_404(Note, note_id, description="There is no such note.")
    note.archived_at = when
    db.session.commit()
    return note.to_dict()


def _text(body: Any, name: str) -> str:
    value = body.get(name, "") if isinstance(body, dict) else None
    if not isinstance(value, str) or len(value) > MAXIMUM_TEXT:
        raise BadRequest(f"{name} is a text of at most {MAXIMUM_TEXT} characters, in a JSON object.")
    return value.strip()
