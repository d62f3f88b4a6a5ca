# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Chromium's log of the network says of a page that it loaded. Pure.

The log is what ``--log-net-log`` writes: ``constants`` name the numbers of ``events``, and events of one request have one source
(https://www.chromium.org/developers/design-documents/network-stack/netlog/).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Mapping, Sequence
from urllib.parse import urlsplit

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.verification import Check

_STARTED = "URL_REQUEST_START_JOB"
_ANSWERED = ("HTTP_TRANSACTION_READ_RESPONSE_HEADERS", "HTTP_TRANSACTION_HTTP2_READ_RESPONSE_HEADERS")
#: Success, what is under way, and what the browser gives up on its own when the page is left.
_NO_FAILURE = (0, -1, -3)
_STATUS = re.compile(r"^HTTP/\S+ (\d{3})|^:status: (\d{3})")


@dataclass(frozen=True)
class Asked:
    """A request of the browser.

    :param status: of the answer; None where none came.
    :param failed: whether that is a failure: otherwise the page was looked at before the answer came.
    """

    url: str
    status: int | None
    failed: bool = False


def parse_net_log(text: str, url: str) -> list[Asked]:
    """The requests of a page in their order; an address that leads to another one has the answer of that.

    :param url: of the page. What the browser asks for on its own is left out.
    :raises CollectionError: it is no such log.
    """
    try:
        document = json.loads(text)
        types = {number: name for name, number in document["constants"]["logEventTypes"].items()}
        found: dict[int, Asked] = {}
        for event in document["events"]:
            name, source, params = types.get(event["type"]), event["source"]["id"], event.get("params") or {}
            if name == _STARTED and _is_of_page(params, url):
                found.setdefault(source, Asked(params["url"], None))
            elif name in _ANSWERED and source in found:
                found[source] = replace(found[source], status=_status(params.get("headers") or ()))
            elif source in found and params.get("net_error", 0) not in _NO_FAILURE:
                found[source] = replace(found[source], failed=True)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CollectionError(f"The browser's log of the network cannot be read: {error!r}.") from error
    return list(found.values())


def judge_page(url: str, api_path: str, asked: Sequence[Asked], page: str, console: str) -> list[Check]:
    """Whether the page loaded, reached the api, and had no script that failed.

    :param api_path: the start of the paths that are the api's, on whatever host.
    :param page: the document after its scripts ran.
    :param console: what the browser wrote to standard error.
    """
    first = next((each for each in asked if _is_same(each.url, url)), None)
    text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL | re.IGNORECASE).strip()
    if first is None or first.status is None:
        loaded = f"{url} does not answer the browser"
    elif not 200 <= first.status < 400:
        loaded = f"{url} answers {first.status}"
    else:
        loaded = "" if text else f"{url} shows nothing"
    calls = [each for each in asked if urlsplit(each.url).path.startswith(api_path)]
    bad = [
        f"{each.url} answers {each.status or 'nothing'}" for each in calls if each.failed or (each.status or 0) >= 500
    ]
    if not bad and not any(each.status and each.status < 300 for each in calls):
        bad = [f"{url} asks for nothing below {api_path} that is answered"]
    failed = re.findall(r'CONSOLE[^"\n]*"(Uncaught [^"\n]*)"', console)
    return [
        Check("its page loads in a browser", "web", not loaded, loaded),
        Check("its page reaches the api", "web", not bad, ", ".join(bad[:5])),
        Check("no script of its page fails", "web", not failed, ", ".join(failed[:5])),
    ]


def _is_of_page(params: Mapping[str, Any], url: str) -> bool:
    """Whether the page was asked for, or asked itself; the browser's own requests have no origin."""
    asked = str(params.get("url", ""))
    return asked.startswith("http") and (_is_same(asked, url) or str(params.get("initiator", "")).startswith("http"))


def _is_same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def _status(headers: Any) -> int | None:
    for line in headers:
        match = _STATUS.match(line)
        if match:
            return int(match[1] or match[2])
    return None
