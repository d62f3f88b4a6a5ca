# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answer a question from the notes."""

from __future__ import annotations

from datetime import datetime, timezone
from uuid import UUID

from celery import shared_task

from extensions.ext_database import db
from models.note import READY, Note
from models.question import ANSWERED, UNANSWERED, Question
from services.answering import find_answer


@shared_task(name="question.answer")
def answer_question_task(question_id: str) -> None:
    question = db.session.get(Question, UUID(question_id))
    if question is None:
        return  # deleted meanwhile
    usable = (Note.status == READY, Note.archived_at.is_(None))
    notes = db.session.execute(db.select(Note.title, Note.text).where(*usable).order_by(Note.created_at))
    passage = find_answer(question.text, notes.tuples())
    question.status = ANSWERED if passage else UNANSWERED
    question.answer = passage.text if passage else ""
    question.note_title = passage.title if passage else ""
    question.answered_at = datetime.now(timezone.utc)
    db.session.commit()
