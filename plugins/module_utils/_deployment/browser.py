# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A browser without a window that loads one page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: How long its scripts may run, in the page's own time, which does not wait for timers.
_SCRIPTS_SECONDS = 10


@dataclass(frozen=True)
class Seen:
    """What it saw.

    :param page: the document after its scripts ran.
    :param net_log: Chromium's log of the network, JSON.
    :param console: what it wrote to standard error, with the page's own messages.
    """

    page: str
    net_log: str
    console: str


@dataclass(frozen=True)
class Browser:
    """Chromium, or one that is called as it is.

    :param folder: for its profile and its log; it goes with the task.
    :param timeout: seconds that a page may take.
    """

    program: Cli
    folder: str
    timeout: int

    def load(self, url: str, trusted: str | None) -> Seen:
        """Load a page and run its scripts.

        :param trusted: hash of a key whose certificates are taken besides those that the system trusts.
        :raises CollectionError: the browser does not start.
        """
        log = Path(self.folder) / "net-log.json"
        # Its sandbox does not work for root, and this loads a page of the user's own.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        options += [f"--ignore-certificate-errors-spki-list={trusted}"] if trusted else []
        done = self.program.run(
            "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
            f"--user-data-dir={self.folder}/profile", f"--log-net-log={log}", "--enable-logging=stderr",
            f"--timeout={self.timeout * 1000}", f"--virtual-time-budget={_SCRIPTS_SECONDS * 1000}", *options, "--dump-dom", url,
            environment={"HOME": self.folder, "XDG_CONFIG_HOME": self.folder, "XDG_CACHE_HOME": self.folder},
            check=False,
        )  # fmt: skip
        if done.rc != 0 or not log.exists():
            raise CollectionError(f"The browser {self.program.program} does not load {url}: {done.last_lines(3)}")
        return Seen(done.stdout, log.read_text(encoding="utf-8"), done.stderr)
