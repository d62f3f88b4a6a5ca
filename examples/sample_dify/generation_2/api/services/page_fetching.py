# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch a page through the proxy and keep its text.

The address comes from a user, so the request goes out by a proxy that refuses private networks, never directly.
"""

from __future__ import annotations

import urllib.request
from html.parser import HTMLParser

MAXIMUM_SIZE = 1_000_000
_HIDDEN = frozenset(("script", "style", "head", "noscript", "template"))
_BLOCKS = frozenset(("p", "div", "li", "h1", "h2", "h3", "h4", "br", "tr", "section", "article"))


def fetch_page(address: str, proxy: str, timeout: float = 20) -> str:
    """The text of the page at ``address``, at most a megabyte of it; ``timeout`` in seconds.

    :raises OSError: it cannot be reached, or the proxy refuses it.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    with opener.open(address, timeout=timeout) as answer:
        text = answer.read(MAXIMUM_SIZE).decode(answer.headers.get_content_charset() or "utf-8", "replace")
        return page_text(text) if answer.headers.get_content_type() == "text/html" else text


def page_text(page: str) -> str:
    """What a reader sees of an HTML page: a paragraph for each block."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    paragraphs = (" ".join(part.split()) for part in "".join(reader.parts).split("\0"))
    return "\n\n".join(part for part in paragraphs if part)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag in _BLOCKS:
            self.parts.append("\0")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN and self._hidden > 0
        if tag in _BLOCKS:
            self.parts.append("\0")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
