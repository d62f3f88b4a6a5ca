# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings, read from the environment once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Mapping
from urllib.parse import quote


@dataclass(frozen=True)
class Settings:
    """Where the things are that the program needs."""

    database_url: str
    broker_url: str
    proxy_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Settings under the names that Dify uses, with its defaults for a developer's machine."""
        value = environment.get
        database = (
            f"postgresql+psycopg2://{quote(value('DB_USERNAME', 'postgres'), safe='')}"
            f":{quote(value('DB_PASSWORD', ''), safe='')}"
            f"@{value('DB_HOST', 'localhost')}:{value('DB_PORT', '5432')}/{value('DB_DATABASE', 'dify')}"
        )
        broker = (
            f"redis://:{quote(value('REDIS_PASSWORD', ''), safe='')}"
            f"@{value('REDIS_HOST', 'localhost')}:{value('REDIS_PORT', '6379')}/1"
        )
        return cls(database, value("CELERY_BROKER_URL") or broker, value("SSRF_PROXY_HTTP_URL") or None)
