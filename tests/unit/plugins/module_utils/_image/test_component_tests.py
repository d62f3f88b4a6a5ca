# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.component_tests import component_tests

ELF = {"name": "elf", "elf": "auto"}
PAGE = {"name": "page", "http": {"path": "/", "port": 3000}}
HEALTH = {"name": "health", "http": {"path": "/health", "port": 5001}}


@pytest.mark.parametrize(
    "profile, base_path, path",
    [
        pytest.param({}, "", "/", id="nothing-known"),
        pytest.param({"page": "/signin"}, "", "/signin", id="the-root-leads-elsewhere"),
        pytest.param({}, "/ai", "/ai", id="the-root-below-a-path"),
        pytest.param({"page": "/signin"}, "/ai", "/ai/signin", id="below-a-path"),
    ],
)
def test_the_page_is_the_sources(profile, base_path, path):
    tests = component_tests([ELF, PAGE, HEALTH], profile, base_path)
    assert tests == [ELF, {"name": "page", "http": {"path": path, "port": 3000}}, HEALTH]


def test_data_that_a_build_downloads_must_be_there_without_a_network():
    profile = {"downloaded_data": {"nltk": ["punkt", "stopwords"], "tiktoken": ["gpt2"]}}
    health, nltk, tiktoken = component_tests([HEALTH], profile)
    assert health == HEALTH
    assert (nltk["network"], tiktoken["network"]) == ("none", "none")
    assert nltk["command"][2:] == ["punkt", "stopwords"]
    assert tiktoken["command"][2:] == ["gpt2"]
    compile(nltk["command"][1], "nltk", "exec")
    compile(tiktoken["command"][1], "tiktoken", "exec")
