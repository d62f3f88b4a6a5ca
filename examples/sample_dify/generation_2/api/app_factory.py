# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program put together: settings, database, task queue, routes. Nothing here connects to anything yet."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from configs import Settings
from controllers.console import console
from extensions import ext_celery, ext_database


#: The version stands in pyproject.toml alone, as since Dify 1.x.
VERSION = tomllib.loads((Path(__file__).parent / "pyproject.toml").read_text())["project"]["version"]


def create_app(settings: Settings | None = None) -> Flask:
    """The api. ``settings`` come from the environment unless they are given."""
    settings = settings or Settings.from_environment()
    app = Flask(__name__)
    app.config["SETTINGS"] = settings
    ext_database.init_app(app, settings)
    ext_celery.init_app(app, settings)
    app.register_blueprint(console, url_prefix="/console/api")
    app.add_url_rule("/health", view_func=health)
    app.register_error_handler(HTTPException, error_as_json)
    return app


def health() -> dict[str, Any]:
    """Whether the program answers. It asks no database, so that a slow one does not take the api down with it."""
    return {"status": "ok", "version": VERSION}


def error_as_json(error: HTTPException) -> tuple[dict[str, Any], int]:
    """Clients read JSON, errors too."""
    return {"code": error.name, "message": error.description}, error.code or 500
