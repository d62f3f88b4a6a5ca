# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.browsed_page import (
    Asked,
    judge_page,
    parse_net_log,
)

PAGE = "http://localhost/"
SETUP = Asked("http://localhost/console/api/setup", 200)
TYPES = {"URL_REQUEST_START_JOB": 7, "HTTP_TRANSACTION_READ_RESPONSE_HEADERS": 9}


def log(*events):
    found = [{"type": kind, "source": {"id": source}, "params": params} for kind, source, params in events]
    return json.dumps({"constants": {"logEventTypes": TYPES}, "events": [*found, {"type": 1, "source": {"id": 1}}]})


def test_parse_net_log():
    text = log(
        (7, 1, {"url": "https://browser.example.com/update", "initiator": "not an origin"}),
        (7, 2, {"url": PAGE, "initiator": "not an origin"}),
        (9, 2, {"headers": ["HTTP/1.1 307 Temporary Redirect", "location: /install"]}),
        (7, 2, {"url": "http://localhost/install", "initiator": "not an origin"}),
        (9, 2, {"headers": ["HTTP/1.1 200 OK"]}),
        (7, 3, {"url": SETUP.url, "initiator": "http://localhost"}),
        (7, 4, {"url": "http://localhost/none", "initiator": "http://localhost"}),
        (7, 5, {"url": "http://localhost/left", "initiator": "http://localhost"}),
        (7, 4, {"net_error": -102}),
        (7, 5, {"net_error": -3}),
        (9, 3, {"headers": ["HTTP/1.1 200 OK", "content-type: application/json"]}),
    )
    assert parse_net_log(text, "http://localhost") == [
        Asked(PAGE, 200),
        SETUP,
        Asked("http://localhost/none", None, True),
        Asked("http://localhost/left", None),
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"constants": {"logEventTypes": {}}, "events": [1]}'])
def test_what_is_no_log(text):
    with pytest.raises(CollectionError, match="log of the network cannot be read"):
        parse_net_log(text, PAGE)


@pytest.mark.parametrize(
    "asked, page, console, failed",
    [
        pytest.param([Asked(PAGE, 200), SETUP], "<p>hi</p>", "", [], id="well"),
        pytest.param([SETUP], "<p>hi</p>", "", [f"{PAGE} does not answer the browser"], id="no-page"),
        pytest.param([Asked(PAGE, 502), SETUP], "<p>hi</p>", "", [f"{PAGE} answers 502"], id="bad-page"),
        pytest.param([Asked(PAGE, 200), SETUP], "<style>p</style><p></p>", "", [f"{PAGE} shows nothing"], id="empty"),
        pytest.param(
            [Asked(PAGE, 200)],
            "<p>hi</p>",
            "",
            [f"{PAGE} asks for nothing below /console/api/ that is answered"],
            id="no-api",
        ),
        pytest.param(
            [Asked(PAGE, 200), Asked("http://api.example.com/console/api/a", 200)],
            "<p>hi</p>",
            "",
            [],
            id="api-elsewhere",
        ),
        pytest.param(
            [Asked(PAGE, 200), SETUP, Asked("http://localhost/console/api/a", 401)],
            "<p>hi</p>",
            "",
            [],
            id="not-logged-in",
        ),
        pytest.param(
            [Asked(PAGE, 200), SETUP, Asked("http://localhost/console/api/a", 500)],
            "<p>hi</p>",
            "",
            ["http://localhost/console/api/a answers 500"],
            id="an-error",
        ),
        pytest.param(
            [Asked(PAGE, 200), Asked("http://localhost/console/api/a", None, True)],
            "<p>hi</p>",
            "",
            ["http://localhost/console/api/a answers nothing"],
            id="no-answer",
        ),
        pytest.param(
            [Asked(PAGE, 200), SETUP, Asked("http://localhost/console/api/a", None)],
            "<p>hi</p>",
            "",
            [],
            id="under-way",
        ),
        pytest.param(
            [Asked(PAGE, 200), SETUP],
            "<p>hi</p>",
            '[1:INFO:CONSOLE:3] "Uncaught TypeError: x is null", source: http://localhost/a.js (3)\n',
            ["Uncaught TypeError: x is null"],
            id="a-script-fails",
        ),
    ],
)
def test_judge_page(asked, page, console, failed):
    checks = judge_page(PAGE, "/console/api/", asked, page, console)
    assert [check.detail for check in checks if not check.passed] == failed
    assert len(checks) == 3
