# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Git in a test's repository: always the same person and date, and nobody's configuration."""

from __future__ import annotations

import os
import subprocess

PERSON = {"NAME": "t", "EMAIL": "t@example.com", "DATE": "2025-01-01T00:00:00Z"}
ENVIRONMENT = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in PERSON.items()}


def git(folder, *arguments):
    """What Git prints, without the line's end."""
    environment = {**os.environ, **ENVIRONMENT, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()
