# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests without a pause while something else happens: how many there were, and which of them failed."""

from __future__ import annotations

import threading
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field

TIMEOUT_SECONDS = 30


@dataclass
class Load:
    """What became of the requests.

    :param sent: how many there were.
    :param failures: address and error of those that failed.
    """

    sent: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def load_on(*addresses: str, each: int = 1):
    """Asks each address from ``each`` threads until the block ends; gives the :class:`Load`."""
    load, lock, ended = Load(), threading.Lock(), threading.Event()

    def ask(address: str) -> None:
        while not ended.is_set():
            problem = None
            try:
                with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:
                    answer.read()
            except OSError as error:
                problem = f"{address}: {error}"
            with lock:
                load.sent += 1
                if problem:
                    load.failures.append(problem)

    threads = [threading.Thread(target=ask, args=(address,)) for address in addresses for _number in range(each)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        ended.set()
        for thread in threads:
            thread.join()
