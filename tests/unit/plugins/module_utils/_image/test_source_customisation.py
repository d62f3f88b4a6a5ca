# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.source_customisation import source_customisation

LINE = "  defaultLocale: 'en-US',"
IN_FOLDER = {"context": "web", "default_locale": {"file": "web/i18n/index.ts", "value": "en-US", "line": LINE}}
FROM_ROOT = {
    "context": ".",
    "default_locale": {
        "file": "web/i18n-config/index.ts",
        "value": "en-US",
        "line": LINE,
        "known": ["en-US", "zh-Hans"],
    },
    "base_path_argument": "NEXT_PUBLIC_BASE_PATH",
}
NOTHING = {"args": {}, "replacements": [], "context_files": []}


@pytest.mark.parametrize(
    "component, profile, customisation, changed",
    [
        pytest.param("web", IN_FOLDER, {}, {}, id="nothing"),
        pytest.param("api", {"context": "api"}, {"pip_packages": ["x"], "patches": ["p"]}, {}, id="what-others-honour"),
        pytest.param(
            "web",
            FROM_ROOT,
            {"base_path": "/ai"},
            {"args": {"NEXT_PUBLIC_BASE_PATH": "/ai"}},
            id="base-path-is-an-argument",
        ),
        pytest.param(
            "web",
            IN_FOLDER,
            {"brand": [{"path": "logo/logo.svg", "src": "/b/l.svg"}]},
            {"context_files": [{"path": "public/logo/logo.svg", "src": "/b/l.svg"}]},
            id="brand-in-a-folder",
        ),
        pytest.param(
            "web",
            FROM_ROOT,
            {"brand": [{"path": "favicon.ico", "src": "/b/f"}]},
            {"context_files": [{"path": "web/public/favicon.ico", "src": "/b/f"}]},
            id="brand-from-the-root",
        ),
    ],
)
def test_source_customisation(component, profile, customisation, changed):
    assert source_customisation(component, profile, customisation) == {**NOTHING, **changed}


@pytest.mark.parametrize(
    "profile, path",
    [
        pytest.param(IN_FOLDER, "i18n/index.ts", id="in-a-folder"),
        pytest.param(FROM_ROOT, "web/i18n-config/index.ts", id="from-the-root"),
    ],
)
def test_g4_the_default_language_is_a_literal_of_the_source_and_no_variable_sets_it(profile, path):
    """The guide's ENV NEXT_PUBLIC_DEFAULT_LOCALE is read nowhere: the image would have gone on in English."""
    options = source_customisation("web", profile, {"default_locale": "zh-Hans"})
    assert options == {
        **NOTHING,
        "replacements": [{"path": path, "before": LINE, "after": "  defaultLocale: 'zh-Hans',"}],
    }


@pytest.mark.parametrize(
    "component, profile, customisation, message",
    [
        pytest.param("api", IN_FOLDER, {"default_locale": "de-DE"}, "api.default_locale: only web has that", id="api"),
        pytest.param("web", {"context": "web"}, {"default_locale": "de-DE"}, "no line was found", id="no-such-line"),
        pytest.param("web", FROM_ROOT, {"default_locale": "de-DE"}, "It has en-US, zh-Hans", id="no-such-language"),
        pytest.param("web", FROM_ROOT, {"default_locale": "'; x"}, "not a language", id="no-language-at-all"),
        pytest.param("web", IN_FOLDER, {"base_path": "/ai"}, "Dify has it since 1.11.3", id="no-base-path-yet"),
        pytest.param("web", FROM_ROOT, {"base_path": "ai/"}, "write it as /ai", id="no-slash"),
        pytest.param("web", FROM_ROOT, {"brand": [{"path": "../x", "src": "/b"}]}, "below web/public", id="outside"),
    ],
)
def test_source_customisation_refuses(component, profile, customisation, message):
    with pytest.raises(CollectionError, match=message):
        source_customisation(component, profile, customisation)
