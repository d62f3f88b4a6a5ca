# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real browser for tests: Debian's Chromium, which is installed where it is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

_OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-proxy-server", "--virtual-time-budget=10000")


def find_browser() -> str:
    """Its name. On a machine without it this takes about a minute."""
    if shutil.which("chromium") is None:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # Another test may be at it. apt waits for dpkg, but not for its own lists.
        waits = ("--option", "DPkg::Lock::Timeout=300")
        for _attempt in range(30):
            if subprocess.run(["apt-get", *waits, "update", "--quiet"], capture_output=True).returncode == 0:
                break
            time.sleep(5)
        command = ["apt-get", *waits, "install", "--yes", "--quiet", "--no-install-recommends", "chromium"]
        subprocess.run(command, check=True, capture_output=True, env=environment)
    return "chromium"


def page_in_browser(url: str, folder: str) -> str:
    """The document of a page after its scripts ran.

    :param folder: for the browser's profile.
    """
    command = [find_browser(), *_OPTIONS, f"--user-data-dir={folder}", "--dump-dom", url]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
