# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of ``image_build``: the same keys for each image and, as defaults for all of them, at top level."""

from __future__ import annotations

from typing import Any

from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec

#: Values of the option ``recipe``.
UPSTREAM, OPTIMISED = "upstream", "optimised"

_SECRET = {
    "id": {"type": "str", "required": True},
    "src": {"type": "path"},
    "env": {"type": "str"},
    "value": {"type": "str", "no_log": True},
    "version": {"type": "str"},
}

_CONTEXT_FILE = {"path": {"type": "str", "required": True}, "src": {"type": "path"}, "content": {"type": "str"}}
_REPLACEMENT = {name: {"type": "str", "required": True} for name in ("path", "before", "after")}

#: Options that an image may set for itself; what it leaves out comes from the top level.
IMAGE_OPTIONS: dict[str, dict[str, Any]] = {
    "repository": {"type": "str"},
    "context": {"type": "path"},
    "commit": {"type": "str"},
    "dockerfile": {"type": "str"},
    "dockerfile_inline": {"type": "str"},
    "recipe": {"type": "str", "choices": [UPSTREAM, OPTIMISED]},
    "build_on_target": {"type": "list", "elements": "str"},
    "target": {"type": "str"},
    "platforms": {"type": "list", "elements": "str"},
    "args": {"type": "dict"},
    "contexts": {"type": "dict"},
    "base_images": {"type": "dict"},
    "locked_bases": {"type": "dict"},
    "context_files": {
        "type": "list",
        "elements": "dict",
        "options": _CONTEXT_FILE,
        "mutually_exclusive": [("src", "content")],
        "required_one_of": [("src", "content")],
    },
    "replacements": {"type": "list", "elements": "dict", "options": _REPLACEMENT},
    "apt_pins": {"type": "str", "choices": ["keep", "relax", "snapshot"]},
    "build_env": {"type": "dict"},
    "mirrors": {"type": "dict"},
    "proxy": {"type": "dict"},
    "ca_bundle": {"type": "path"},
    "secrets": {
        "type": "list",
        "elements": "dict",
        "options": _SECRET,
        "mutually_exclusive": [("src", "env", "value")],
        "required_one_of": [("src", "env", "value")],
        "no_log": False,
    },
    "ssh": {"type": "list", "elements": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "version": {"type": "str"},
    "revision": {"type": "str"},
    "source": {"type": "str"},
    "created": {"type": "str"},
    "cache_from": {"type": "list", "elements": "str"},
    "cache_to": {"type": "list", "elements": "str"},
    "registry_cache": {"type": "bool"},
    "provenance": {"type": "str", "choices": ["max", "min", "none"]},
    "sbom": {"type": "str"},
    "network": {"type": "str", "choices": ["default", "none", "host"]},
    "source_date_epoch": {"type": "int"},
    "reproducible": {"type": "bool"},
    "output": {"type": "str", "choices": ["registry", "engine", "oci_layout"]},
    "output_path": {"type": "path"},
    "rebuild": {"type": "str", "choices": ["changed", "always", "never"]},
    "max_age": {"type": "str"},
    "exact_revision": {"type": "bool"},
    "compare_to": {"type": "str"},
}

#: What holds when neither the image nor the top level says anything.
IMAGE_DEFAULTS: dict[str, Any] = {
    "dockerfile": "Dockerfile",
    "recipe": UPSTREAM,
    "apt_pins": "keep",
    "provenance": "max",
    "network": "default",
    "output": "registry",
    "rebuild": "changed",
    "exact_revision": False,
    "registry_cache": False,
    "reproducible": False,
}

BUILD_SPEC = ArgumentSpec(
    options={
        **IMAGE_OPTIONS,
        "images": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {"name": {"type": "str", "required": True}, **IMAGE_OPTIONS},
        },
        "builder": {"type": "str", "default": "default"},
        "max_parallel": {"type": "int"},
        "unreachable_nodes": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
    }
)
