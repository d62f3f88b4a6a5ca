# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task queue: the api puts in, the worker takes out."""

from __future__ import annotations

from typing import Any

from celery import Celery, Task
from flask import Flask

from configs import Settings


def init_app(app: Flask, settings: Settings) -> None:
    class ContextTask(Task):
        """A task that finds the application's database, as a request does."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            with app.app_context():
                return self.run(*args, **kwargs)

    celery = Celery(app.name, task_cls=ContextTask, broker=settings.broker_url, include=["tasks"])
    celery.conf.update(
        broker_connection_retry_on_startup=True,
        # A worker that dies over a task leaves it to the next one.
        task_acks_late=True,
        task_ignore_result=True,
        task_routes={"question.*": {"queue": "question"}, "note.*": {"queue": "note"}},
    )
    celery.set_default()
    app.extensions["celery"] = celery
