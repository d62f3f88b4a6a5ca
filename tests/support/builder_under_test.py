# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A builder of one driver, on one BuildKit, driven by one buildx; and the table of what was tried with it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import machine_snapshot
from support.prediction import hold_against_run

REMOTE = "remote"
CONTAINER = "docker-container"


class Table:
    """Rows are what was tried, columns with whom. A cell is there when it ran to its end.

    ``options`` are those of buildx_builder that were tried, by whichever driver has them.
    """

    def __init__(self):
        self.cells = {}
        self.options = set()

    def add(self, row, column, text):
        self.cells.setdefault(row, {})[column] = text

    def write(self, path):
        columns = sorted({column for cells in self.cells.values() for column in cells})
        counts = {column: str(sum(column in cells for cells in self.cells.values())) for column in columns}
        lines = [["what was tried", *columns]]
        lines += [[row, *(cells.get(column, "") for column in columns)] for row, cells in self.cells.items()]
        lines += [["rows in all", *(counts[column] for column in columns)]]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join("\t".join(line) + "\n" for line in lines))


@dataclass
class BuilderUnderTest:
    """One cell of the matrix.

    :param environment: of every program: which buildx there is, and where builders are recorded.
    :param images: two references of one image for nodes in containers.
    """

    modules: Any
    table: Table
    driver: str
    buildkit: Any
    buildx_label: str
    environment: dict[str, str]
    folder: Path
    name: str
    images: list[str]
    engine: Any

    @property
    def column(self):
        return f"{self.driver}, {self.buildkit.name}, buildx {self.buildx_label}"

    @property
    def is_real(self):
        return hasattr(self.buildkit, "count_builds")

    @property
    def record(self):
        """What buildx recorded, read with no code of the collection."""
        return json.loads((self.folder / "instances" / self.name).read_text())

    def node(self, name):
        return next(node for node in self.record["Nodes"] if node["Name"] == name)

    def opts(self, **more):
        """Options of a node in a container."""
        return {"image": self.images[0], "network": "host", **self.buildkit.container_opts, **more}

    def run(self, module, check=False, **args):
        return self.modules.run(module, check=check, process_environment=self.environment, **args)

    def builder(self, check=False, **args):
        return self.run("buildx_builder", check, name=self.name, buildx_config=str(self.folder), **args)

    def docker(self, *args):
        """Docker itself, as somebody would who knows nothing of the collection."""
        done = subprocess.run(
            ["docker", *args], env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def buildx(self, *args):
        return self.docker("buildx", *args)

    def container(self, node):
        """What the engine says of a node's container."""
        return json.loads(self.docker("inspect", f"buildx_buildkit_{node}"))[0]

    def snapshot(self):
        """The builder's files, containers and volumes; others use the same engine."""
        filters = {"name": self.name}
        containers = self.engine.api.containers(all=True, filters=filters)
        volumes = self.engine.api.volumes(filters=filters)["Volumes"] or []
        return {
            "files": machine_snapshot.take_files([self.folder]),
            "containers": {one["Id"]: (one["Names"], one["Image"], one["State"]) for one in containers},
            "volumes": {one["Name"]: one["CreatedAt"] for one in volumes},
        }

    def step(self, title, option, reasons, **wanted):
        """Check, run, check again, run again: each says and does what it has to.

        :param option: of the module, that the step is about; None for one that is about the builder.
        :param reasons: all differences found, in order.
        """
        args = {"name": self.name, "buildx_config": str(self.folder), **wanted}
        result = hold_against_run(self, self.snapshot, "buildx_builder", **args)
        assert not result.get("failed"), result["msg"]
        assert result["reasons"] == reasons
        before = self.snapshot()
        again = self.builder(**wanted)
        assert (again["changed"], again["commands"]) == (False, []), again
        changed = machine_snapshot.differences(before, self.snapshot())
        assert changed == [], f"a run with nothing to do changed something: {changed}"
        self.table.options |= {option} if option else set()
        count = len(result["commands"])
        self.tried(title, f"{count} command{'s' * (count != 1)}" if count else "nothing to do")
        return result

    def refused(self, title, message, module="buildx_builder", within=30, check=True, option=None, **args):
        """The module fails, in time, with a message that says all of ``message``; the builder stays as it is."""
        before = self.snapshot()
        started = time.monotonic()
        given = {"name": self.name, **args} if module == "buildx_builder" else args
        result = self.run(module, buildx_config=str(self.folder), **given)
        seconds = time.monotonic() - started
        assert result.get("failed"), result
        absent = [part for part in message if part not in result["msg"]]
        assert absent == [], (absent, result["msg"])
        assert seconds < within, f"{seconds} s"
        if check:
            predicted = self.run(module, check=True, buildx_config=str(self.folder), **given)
            assert predicted["msg"] == result["msg"]
        self.table.options |= {option} if option else set()
        if module == "buildx_builder":
            assert machine_snapshot.differences(before, self.snapshot()) == []
        self.tried(
            title, f"error after {seconds:.0f} s names {message[0]}" if within > 5 else "refused, with the reason"
        )
        return result

    def tried(self, title, text):
        self.table.add(title, self.column, text.replace(self.name, "NAME"))

    def remove(self):
        """Everything that is the builder's, whatever state it is in."""
        path = self.folder / "instances" / self.name
        if path.exists():
            subprocess.run(
                ["docker", "buildx", "rm", "--force", self.name],
                env={**os.environ, **self.environment},
                capture_output=True,
                timeout=120,
            )
        for kind, remove in (("ps --all", "rm --force --volumes"), ("volume ls", "volume rm --force")):
            listed = self.docker(*kind.split(), "--quiet", "--filter", f"name=buildx_buildkit_{self.name}").split()
            if listed:
                self.docker(*remove.split(), *listed)
