# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What check mode says of a host that drifted is what the run then mends. For `make faults`: an example takes two minutes."""

from __future__ import annotations

import os
import re
import subprocess

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support.fresh_host import (  # noqa: F401 - fixtures
    docker,
    fresh_host,
    play_on_host,
    provision_host,
    run_on_host,
)

#: Each takes as long as dozens of states of a module.
EXAMPLES = max(1, int(os.environ.get("IMAGEFLEET_STATES", "1")) // 10)
#: What may befall a build host with a registry: name -> what does it.
DRIFTS = {
    "settings of the engine replaced": "echo '{}' > /etc/docker/daemon.json",
    "settings of the engine for root only": "chmod 0600 /etc/docker/daemon.json",
    "settings of the registry gone": "rm /etc/docker/registry/config.yml",
    "engine stopped": "service docker stop",
    "registry stopped": "service docker-registry stop",
    "both killed": "pkill -9 dockerd; pkill -9 docker-registry; sleep 1",
    "git removed": "apt-get remove -y -q git",
    "init script's settings gone": "rm /etc/default/docker",
    "pins gone": "rm /etc/apt/preferences.d/*",
    "images' folder of another user": "chown root /var/lib/docker-registry",
}
#: Tasks that do the same at another time: the pattern of a name -> the other name.
SAME = {
    "Say what would be installed": "Install the packages",
    "Keep the other packages of those suites out .*": "Keep the suite's other packages out",
}
#: Every file with what it is, without what programs write while they run.
SNAPSHOT = """
find / /run -xdev \\( -path /proc -o -path /sys -o -path /tmp -o -path /var/tmp -o -path /root/.ansible -o -path /var/log \\
    -o -path /run/docker -o -path /run/containerd \\) -prune -o -printf '%p %y %m %u:%g %s %T@ %l\\n' | sort
"""


def plainly(task):
    """The same name for tasks that do the same."""
    for name, other in SAME.items():
        task = re.sub(name, other, task)
    return task


def snapshot(host):
    return set(docker("exec", host, "sh", "-c", SNAPSHOT).splitlines())


def test_a_host_is_there(provision):
    provision()
    assert provision() == []


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drifts=st.lists(st.sampled_from(sorted(DRIFTS)), unique=True, min_size=3, max_size=6))
def test_check_mode_says_what_the_run_mends(host, provision, drifts):
    for drift in drifts:
        subprocess.run(["docker", "exec", host, "sh", "-c", DRIFTS[drift]], capture_output=True, check=False)
    before = snapshot(host)
    predicted = provision("--check", "--diff")
    assert snapshot(host) ^ before == set(), drifts
    # A pin that two tasks would write is announced by both, and written by the first.
    # A command is not run in check mode, and says nothing: the one that changes something is a handler, notified by a task
    # that does say it.
    done = {plainly(task) for task in provision() if not task.endswith("Reload the engine")}
    assert {plainly(task) for task in predicted} == done, drifts
    assert docker("exec", host, "sed", "-n", "s/^VERSION_CODENAME=//p", "/etc/os-release") == "bookworm", drifts
    after = snapshot(host)
    assert provision("--check", "--diff") == [], drifts
    assert snapshot(host) ^ after == set(), drifts
