# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions: asked here, answered by the worker, read here again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request
from werkzeug.exceptions import BadRequest

from controllers.console import console
from extensions.ext_database import db
from models.question import Question
from tasks.answer_question_task import answer_question_task

MAXIMUM_QUESTION = 1000


@console.get("/questions")
def list_questions() -> dict[str, Any]:
    questions = db.session.scalars(db.select(Question).order_by(Question.asked_at.desc()).limit(20))
    return {"data": [question.to_dict() for question in questions]}


@console.get("/questions/<uuid:question_id>")
def get_question(question_id: UUID) -> dict[str, Any]:
    return db.get_or_404(Question, question_id, description="There is no such question.").to_dict()


@console.post("/questions")
def ask_question() -> tuple[dict[str, Any], int]:
    body = request.get_json()
    text = body.get("question") if isinstance(body, dict) else None
    if not isinstance(text, str) or not 0 < len(text.strip()) <= MAXIMUM_QUESTION:
        raise BadRequest(f"question is a text of 1 to {MAXIMUM_QUESTION} characters, in a JSON object.")
    question = Question(text=text.strip())
    db.session.add(question)
    db.session.commit()
    answer_question_task.delay(str(question.id))
    return question.to_dict(), 202
