# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode held against the run that follows it.

What holds for every module and every state:

* check mode changes nothing, by the snapshots before and after it;
* whatever check mode returns, the run returns too, with the same values (see ``UNPREDICTABLE`` for what is left out);
* the run changed something exactly when it says so, by the snapshots before and after it;
* what fails in the run fails in check mode, with the same message, unless only trying could tell;
* check mode says ``unknown until TASK has run`` exactly where the run fails because something is missing;
* after the run, check mode finds nothing left to do, and changes nothing either.
"""

from __future__ import annotations

from support.machine_snapshot import differences

#: What a run alone can tell: digests, test results and measurements are no part of a prediction.
UNPREDICTABLE = frozenset({"invocation", "warnings", "deprecations", "proved", "log"})


def hold_against_run(runner, snapshot, module, only_trying_tells=False, store=None, **args):
    """Predict, run, and predict again, and compare all three; the run's result.

    :param runner: has ``run(module, check, **args)``.
    :param snapshot: takes a snapshot of the machine.
    :param only_trying_tells: the run may fail where check mode does not (a build, a test).
    :param store: a folder in which a run that fails may keep what it fetched, and clear what a killed one left.
    :raises AssertionError: check mode lied.
    """
    before = snapshot()
    predicted = runner.run(module, check=True, **args)
    checked = snapshot()
    changed = differences(before, checked)
    assert changed == [], f"check mode changed something: {changed}"
    actual = runner.run(module, **args)
    after = snapshot()
    if predicted.get("unknown"):
        assert predicted["changed"] is False
        assert predicted["msg"].startswith("unknown until "), predicted["msg"]
        assert actual.get("failed"), "check mode knew nothing, and the run had all it needs"
        assert predicted["msg"].endswith(actual["msg"]), (predicted["msg"], actual["msg"])
        return actual
    if actual.get("failed"):
        assert predicted.get("failed") or only_trying_tells, ("only the run failed", actual["msg"])
        if predicted.get("failed"):
            assert predicted["msg"] == actual["msg"]
            changed = [
                one
                for one in differences(checked, after)
                if not (store and one.startswith((f"files: {store}/", f"files: {store} ")))
            ]
            assert changed == [], f"a run that check mode refuses changed something: {changed}"
        return actual
    assert not predicted.get("failed"), ("only check mode failed", predicted["msg"])
    untrue = list(contradictions(predicted, actual))
    assert untrue == [], f"the run did something else than check mode said: {untrue}"
    changes = differences(checked, after)
    assert bool(actual.get("changed")) == bool(changes), ("changed is not the truth", actual.get("changed"), changes)
    again = runner.run(module, check=True, **args)
    assert again["changed"] is False, ("there is still something to do", again)
    changed = differences(after, snapshot())
    assert changed == [], f"check mode changed something after the run: {changed}"
    return actual


def contradictions(predicted, actual, path=""):
    """Where a run's result is not what check mode returned, one sentence each."""
    if isinstance(predicted, dict) and isinstance(actual, dict):
        for key in predicted.keys() - UNPREDICTABLE:
            if key in actual:
                yield from contradictions(predicted[key], actual[key], f"{path}.{key}")
            else:
                yield f"{path}.{key} was predicted and is missing"
    elif isinstance(predicted, list) and isinstance(actual, list):
        if len(predicted) != len(actual):
            yield f"{path} has {len(actual)} entries, not {len(predicted)}"
        for position, (one, other) in enumerate(zip(predicted, actual)):
            yield from contradictions(one, other, f"{path}[{position}]")
    elif path.endswith(".reference") and str(actual).startswith(f"{predicted}@sha256:"):
        return
    elif predicted != actual:
        yield f"{path} is {actual!r}, and check mode said {predicted!r}"
