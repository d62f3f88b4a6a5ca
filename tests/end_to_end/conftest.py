# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The build playbook on a source, a registry's namespace and a report of a test file's own."""

from __future__ import annotations

import os
import subprocess

import pytest

from support.browser import find_browser
from support.deployed_site import PLATFORM, Site, free_port, variables_of

collect_ignore = [] if os.environ.get("IMAGEFLEET_GENERATIONS") else ["test_optimised_more.py"]
# A quarter of an hour, for `make deployments`.
collect_ignore += (
    []
    if os.environ.get("IMAGEFLEET_DEPLOYMENTS")
    else [f"test_deployment_{name}.py" for name in ("adoption", "external", "options", "registry", "more")]
)
# Half an hour, for `make faults`.
collect_ignore += [] if os.environ.get("IMAGEFLEET_MOMENTS") else ["test_deployment_interruption.py"]


@pytest.fixture
def build_in(run_playbook, repository_root):
    """Gives a function that runs the build playbook on ``folder/source`` into ``namespace``, with variables for all runs."""

    def in_folder(folder, namespace, **common):
        def run(*options, **variables):
            return run_playbook(
                "playbooks/build.yml",
                "-i", str(repository_root / "examples/inventory.yml"),
                "--extra-vars", f"@{repository_root}/examples/sample_dify/variables.yml",
                *options,
                **{
                    "images_source": {"repo": str(folder / "source")},
                    "images_source_dest": str(folder / "checkout"),
                    "images_namespace": namespace,
                    "images_report_dir": str(folder / "report"),
                    "images_bases_lock": str(folder / "bases.lock.yml"),
                    **common,
                    **variables,
                },
            )  # fmt: skip

        return run

    return in_folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("deployment") / "dify", f"d{free_port()}", free_port(), free_port())
    yield made
    made.compose("down", "--volumes", "--remove-orphans")


@pytest.fixture(scope="session")
def browser():
    return find_browser()


@pytest.fixture(scope="module")
def source(tmp_path_factory, repository_root):
    folder = tmp_path_factory.mktemp("deployed")
    subprocess.run([repository_root / "tools/sample_source", folder / "source"], check=True, capture_output=True)
    return folder


@pytest.fixture
def build(build_in, source, site):
    """Builds the sample for this machine's platform."""
    return build_in(source, site.project, images_platforms=[PLATFORM])


@pytest.fixture
def play(run_playbook, repository_root, source, site, registry):
    """Runs a playbook of the deployment for a version; gives what it printed."""

    def run(playbook, version, *options, **variables):
        return run_playbook(
            f"playbooks/{playbook}.yml",
            "-i", str(repository_root / "examples/inventory.yml"),
            *options,
            **{**variables_of(site, version, source, registry), **variables},
        )  # fmt: skip

    return run
