# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment and an upgrade killed at moments of their whole length: the next run ends what was begun, nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest

from support.deployed_site import ACKNOWLEDGED, NEW, OLD, variables_of

MOMENTS = int(os.environ["IMAGEFLEET_MOMENTS"])


@pytest.fixture
def kill_after(playbook_environment, repository_root, site, source, registry):
    """Starts the deploy playbook and kills all of it after some seconds; gives whether it was still running."""

    def run(version, seconds):
        variables = {**variables_of(site, version, source, registry), "deployment_acknowledge": ACKNOWLEDGED}
        inventory = str(repository_root / "examples/inventory.yml")
        command = ["ansible-playbook", "-i", inventory, "playbooks/deploy.yml", "--extra-vars", json.dumps(variables)]
        process = subprocess.Popen(
            command, cwd=repository_root, env=playbook_environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        return False

    return run


def seconds_of(work):
    started = time.monotonic()
    work()
    return time.monotonic() - started


def changed_of(output):
    return int(output.rsplit("changed=", 1)[1].split()[0])


def test_first_release(build, play, kill_after, site):
    build(images_version=OLD)
    whole = seconds_of(lambda: play("deploy", OLD))
    for number in range(MOMENTS):
        site.remove()
        moment = whole * (number + 0.5) / MOMENTS
        killed = kill_after(OLD, moment)
        play("deploy", OLD)
        assert site.ask("/health")["version"] == OLD, f"killed after {moment:.1f} s: {killed}"
        assert site.state["pending"] is None
        assert changed_of(play("deploy", OLD)) == 0
        site.ask("/console/api/notes", {"title": "ours", "text": "Kept."})
        assert "ours" in site.notes()


def test_upgrade(build, play, kill_after, site):
    build(images_version=OLD)
    build(images_version=NEW)
    site.remove()
    play("deploy", OLD)
    site.ask("/console/api/notes", {"title": "ours", "text": "Kept over the upgrade."})
    notes, secrets = site.notes(), site.secrets()
    whole = seconds_of(lambda: play("deploy", NEW, deployment_acknowledge=ACKNOWLEDGED))
    for number in range(MOMENTS):
        play("rollback", NEW, deployment_restore=True)
        assert (site.ask("/health")["version"], site.notes()) == (OLD, notes)
        moment = whole * (number + 0.5) / MOMENTS
        killed = kill_after(NEW, moment)
        play("deploy", NEW, deployment_acknowledge=ACKNOWLEDGED)
        assert site.ask("/health")["version"] == NEW, f"killed after {moment:.1f} s: {killed}"
        assert site.state["pending"] is None
        assert site.notes() == notes
        assert secrets.items() <= site.secrets().items()
        assert changed_of(play("deploy", NEW)) == 0
