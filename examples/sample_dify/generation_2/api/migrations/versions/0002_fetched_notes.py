# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notes that are fetched from an address."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notes", sa.Column("source", sa.Text(), nullable=False, server_default=""))
    op.add_column("notes", sa.Column("status", sa.String(16), nullable=False, server_default="ready"))
    op.add_column("notes", sa.Column("problem", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    for name in ("problem", "status", "source"):
        op.drop_column("notes", name)
