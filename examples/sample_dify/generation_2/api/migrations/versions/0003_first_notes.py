# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Something to ask about from the start."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NOTES = [
    {
        "id": UUID(int=1),
        "title": "Platforms",
        "text": "An index lists one image for each platform. The engine pulls the image of its own platform. "
        "An emulator lets a machine run programs of another platform, about ten times slower.",
    },
    {
        "id": UUID(int=2),
        "title": "Tags and digests",
        "text": "A tag is a name that can be moved. A digest names the content itself and never changes. "
        "A deployment that is pinned to digests runs what was tested.",
    },
    {
        "id": UUID(int=3),
        "title": "平台",
        "text": "索引为每个平台列出一个镜像。标签可以移动。摘要标识内容本身，永远不变。",
    },
]
_TABLE = sa.table("notes", sa.column("id", sa.Uuid()), sa.column("title"), sa.column("text"))


def upgrade() -> None:
    op.bulk_insert(_TABLE, _NOTES)


def downgrade() -> None:
    op.execute(_TABLE.delete().where(_TABLE.c.id.in_([note["id"] for note in _NOTES])))
