# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that an option was not made for, by its type in an argument specification."""

from __future__ import annotations

import os
from pathlib import Path

#: What a hostile text would make, were it carried out by a shell.
TRACE = Path("/tmp/imagefleet-bad-input")

#: What a name may be by mistake or on purpose: name of the case -> text.
HOSTILE_TEXTS = {
    "empty": "",
    "a space": " ",
    "spaces inside": "two words",
    "a newline": "one\ntwo",
    "a leading dash": "-rf",
    "an option": "--help",
    "up and away": "../../../etc",
    "not ASCII": "größe/ß日本",
    "a shell's command": f"$(touch {TRACE})",
    "a shell's other command": f"a; touch {TRACE}",
    "a NUL": "a\x00b",
    "very long": "x" * 5000,
    "a template": "{{ 7 * 7 }}",
    "quotes": "'\"`",
    "a colon": ":",
    "an at sign": "@",
}

_OF_WRONG_TYPE = {
    "int": {"a word": "many", "a fraction": "1.5", "a list": [1, 2], "a dict": {"a": 1}},
    "float": {"a word": "many", "a list": [1, 2]},
    "bool": {"a word": "perhaps", "a number": 7, "a list": [True, False]},
    "dict": {"a word": "nothing", "a number": 3, "a list": [1, 2]},
    "list": {"a dict": {"a": 1}},
}


def bad_values(option):
    """Pairs of case and value for an option of an argument specification.

    Of a list, each case is a list with the one bad element.
    """
    kind = option.get("type", "str")
    if option.get("choices"):
        yield "no choice", "nonsense"
    for case, value in _OF_WRONG_TYPE.get(kind, {}).items():
        yield case, value
    if kind in ("str", "path", "raw") and not option.get("choices"):
        yield from HOSTILE_TEXTS.items()
    if kind == "int":
        yield from (("negative", -1), ("huge", 2**70))
    if kind == "list":
        element = {"type": option.get("elements", "raw"), "choices": option.get("choices")}
        if not option.get("options"):
            yield from ((f"one: {case}", [value]) for case, value in bad_values(element) if case != "a list")
        yield "a list with nothing in it", [None]
    if kind == "dict" and not option.get("options"):
        for case, text in HOSTILE_TEXTS.items():
            yield f"a key: {case}", {text: "value"}
            yield f"a value: {case}", {"key": text}
        yield "a nested value", {"key": {"deep": [1]}}


def options_of(spec, path=()):
    """Every option of a specification, options of options too: pairs of path and option."""
    for name, option in spec.items():
        yield (*path, name), option
        yield from options_of(option.get("options") or {}, (*path, name))


def with_value(arguments, spec, path, value):
    """The arguments with one more, in the first entry where a list is on the way."""
    name, *rest = path
    if not rest:
        return {**arguments, name: value}
    option = spec[name]
    given = arguments.get(name)
    if option.get("type") == "list":
        first, *others = given or [{}]
        return {**arguments, name: [with_value(first, option["options"], rest, value), *others]}
    return {**arguments, name: with_value(given or {}, option["options"], rest, value)}


def write_table(rows):
    """Add rows to the file that IMAGEFLEET_BAD_INPUT_TABLE names, if it does."""
    table = os.environ.get("IMAGEFLEET_BAD_INPUT_TABLE")
    if table:
        with Path(table).open("a", encoding="utf-8") as file:
            file.write("\n".join([*rows, ""]))
