# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The build playbook on a source, a registry's namespace and a report of a test file's own."""

from __future__ import annotations

import os

import pytest

collect_ignore = [] if os.environ.get("IMAGEFLEET_GENERATIONS") else ["test_optimised_more.py"]


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
