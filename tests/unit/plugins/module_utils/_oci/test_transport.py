# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
from contextlib import closing
from email.message import Message
from http.client import RemoteDisconnected
from itertools import chain, repeat
from urllib.error import HTTPError, URLError

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci import transport
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.transport import RegistrySettings, send

QUARTER_OF_AN_HOUR = 900
CLOSED, BUSY, LIMITED, DONE = (503, "5"), (500, None), (429, "2"), (201, None)
ABSENT, BROKEN = URLError(ConnectionRefusedError()), RemoteDisconnected()


class Clock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Registry:
    """Answers in turn, with a status and what Retry-After says, or not at all; the last one for ever. Keeps what it was sent."""

    def __init__(self, *answers):
        self.answers, self.sent = chain(answers, repeat(answers[-1])), []

    def open(self, _method, address, data=None, **_options):
        self.sent.append(data if data is None or isinstance(data, bytes) else data.read())
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        status, retry_after = answer
        headers = Message()
        if retry_after is not None:
            headers["Retry-After"] = retry_after
        raise HTTPError(address, status, "", headers, io.BytesIO())


@pytest.fixture(autouse=True)
def answered_to_nobody(monkeypatch):
    """Whoever has answered once is waited for, also by the tests that come later in this process."""
    monkeypatch.setattr(transport, "_answered", set())


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(transport, "time", clock)
    return clock


@pytest.mark.parametrize(
    "method, answers, status, tries, seconds",
    [
        pytest.param("PUT", [DONE], 201, 1, 0, id="taken"),
        pytest.param("PUT", [CLOSED], 503, 181, QUARTER_OF_AN_HOUR, id="closed-for-good"),
        pytest.param("PUT", [(503, "0")], 503, 901, QUARTER_OF_AN_HOUR, id="closed-and-ask-again-at-once"),
        pytest.param("PUT", [CLOSED, CLOSED, DONE], 201, 3, 10, id="closed-for-a-while"),
        pytest.param("PUT", [BUSY], 500, 4, 1.5, id="busy-for-good"),
        pytest.param("PUT", [BUSY, CLOSED, BUSY, LIMITED, DONE], 201, 5, 7.5, id="busy-and-closed-in-turn"),
        pytest.param("PUT", [BUSY, CLOSED], 503, 182, QUARTER_OF_AN_HOUR + 0.1, id="closed-after-it-was-busy"),
        pytest.param("POST", [CLOSED, DONE], 201, 2, 5, id="begun-once-it-is-open"),
        pytest.param("POST", [BUSY], 500, 1, 0, id="what-may-have-been-begun-is-not-sent-again"),
        pytest.param("DELETE", [(503, None)], 503, 1, 0, id="closed-does-not-say-when-to-ask"),
        pytest.param("GET", [CLOSED], 503, 4, 15, id="a-reader-waits-for-three-answers"),
    ],
)
def test_how_long_a_registry_is_waited_for(monkeypatch, clock, method, answers, status, tries, seconds):
    registry = Registry(*answers)
    monkeypatch.setattr(transport, "Request", lambda: registry)
    data = b"{}" if method == "PUT" else None
    assert send(RegistrySettings("r.test", http=True), method, "http://localhost:1/v2/", {}, data).status == status
    assert registry.sent == [data] * tries
    assert clock.now == pytest.approx(seconds)


def test_a_file_is_sent_again_from_where_it_was(monkeypatch, clock):
    registry = Registry(CLOSED, CLOSED, DONE)
    monkeypatch.setattr(transport, "Request", lambda: registry)
    with closing(io.BytesIO(b"before the blob")) as file:
        file.seek(7)
        send(RegistrySettings("r.test", http=True), "PUT", "http://localhost:1/v2/", {}, file)
    assert registry.sent == [b"the blob"] * 3


@pytest.mark.parametrize(
    "method, before, answers, status, seconds",
    [
        pytest.param("PUT", [DONE], [ABSENT, ABSENT, DONE], 201, 2, id="restarted"),
        pytest.param("GET", [DONE], [BROKEN, ABSENT, DONE], 201, 2, id="restarted-before-it-answers"),
        pytest.param("POST", [DONE], [ABSENT, DONE], 201, 1, id="nothing-was-sent"),
        pytest.param("POST", [DONE], [BROKEN, DONE], None, 0, id="what-may-have-been-begun-is-not-sent-again"),
        pytest.param("PUT", [DONE], [ABSENT], None, 60, id="gone-for-good"),
        pytest.param("PUT", [], [ABSENT, DONE], None, 0, id="never-there"),
    ],
)
def test_how_long_a_registry_is_waited_for_that_is_gone(monkeypatch, clock, method, before, answers, status, seconds):
    registry = Registry(*before, *answers)
    monkeypatch.setattr(transport, "Request", lambda: registry)
    settings = RegistrySettings("localhost:1")
    for _answer in before:
        send(settings, "GET", "http://localhost:1/v2/", {})
    if status:
        assert send(settings, method, "http://localhost:1/v2/", {}, b"{}").status == status
    else:
        with pytest.raises(CollectionError, match="cannot be reached|breaks off"):
            send(settings, method, "http://localhost:1/v2/", {}, b"{}")
    assert clock.now == pytest.approx(seconds)
