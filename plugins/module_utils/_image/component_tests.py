# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a component's image must do, as far as its source decides it. Pure."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

# A download that fails ends with status 0 in nltk, and leaves an image that downloads at its first use, or never.
_NLTK = """\
import sys
import nltk

def there(name):
    for kind in ("tokenizers", "taggers", "corpora", "chunkers", "models"):
        for suffix in ("", ".zip"):
            try:
                return nltk.data.find(f"{kind}/{name}{suffix}")
            except LookupError:
                pass

missing = [name for name in sys.argv[1:] if not there(name)]
sys.exit(f"nltk's data is not in the image: {', '.join(missing)}" if missing else 0)
"""
#: An environment whose programs are for another platform, or that lacks its packages, is of no use.
_PACKAGES = """\
import sys
from importlib import metadata

if sys.prefix == sys.base_prefix:
    sys.exit(f"{sys.prefix} is no virtual environment")
names = sorted({package.metadata["Name"] for package in metadata.distributions()})
print(f"{len(names)} packages in {sys.prefix}")
sys.exit(0 if names else f"{sys.prefix} has no packages")
"""
_TIKTOKEN = """\
import sys
import tiktoken

for name in sys.argv[1:]:
    tiktoken.encoding_for_model(name)
"""


def component_tests(
    tests: Sequence[Mapping[str, Any]], profile: Mapping[str, Any], base_path: str = ""
) -> list[dict[str, Any]]:
    """Smoke tests of a component: those for all sources, and what this one needs.

    :param tests: those for all sources, as ``image_smoke_test`` takes them.
    :param profile: the component's, as ``source_profile`` returns it.
    :param base_path: the path that the pages are served below, when it is not the root.
    """
    page = base_path + str(profile.get("page") or "/")
    # Below a path, a slash at the end is answered with a redirection.
    found = [_asks_page(test, page if page == "/" else page.rstrip("/")) for test in tests]
    if profile.get("virtual_env") and not any(test.get("http") for test in tests):
        found.append(
            {
                "name": "its Python environment works",
                "entrypoint": [f"{profile['virtual_env']}/bin/python"],
                "command": ["-c", _PACKAGES],
                "network": "none",
                "timeout": 300,
            }
        )
    data = profile.get("downloaded_data") or {}
    for name, program in (("nltk", _NLTK), ("tiktoken", _TIKTOKEN)):
        if data.get(name):
            found.append(
                {
                    "name": f"{name} has its data without a network",
                    "entrypoint": ["python"],
                    "command": ["-c", program, *data[name]],
                    "network": "none",
                    "timeout": 300,
                }
            )
    return found


def _asks_page(test: Mapping[str, Any], page: str) -> dict[str, Any]:
    http = test.get("http")
    if http and http.get("path") == "/" and http.get("port") == 3000:
        return {**test, "http": {**http, "path": page}}
    return dict(test)
