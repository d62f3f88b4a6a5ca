# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""House rules: what must, and must not, stand in the repository's files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
PLUGINS = [
    *MODULES,
    *sorted((ROOT / "plugins" / "filter").glob("*.py")),
    *sorted((ROOT / "plugins" / "action").glob("*.py")),
]
TEXT = {
    ".py",
    ".yml",
    ".yaml",
    ".md",
    ".txt",
    ".toml",
    ".rst",
    ".j2",
    ".sh",
    ".json",
    ".js",
    ".ts",
    ".tsx",
    ".conf",
    "",
}
# Split, so that this file does not match itself.
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error")))
HIDDEN_FAILURE = re.compile(
    "|".join(
        (r"ignore_errors:\s*(true|yes)", r"failed_when:\s*(false|no)\b", r"\|\| " + "true", r"pytest\.(skip|xfail)")
    )
)
MACHINE_PATH = re.compile("(^|[^A-Za-z0-9_.])/" + "(work|farm)/")


def tracked_files():
    """Files that are committed or about to be; the sources alone where there is no Git (an unpacked archive)."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [
        ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file() and not (ROOT / name).is_symlink()
    ]


@pytest.fixture(scope="module")
def texts():
    files = [path for path in tracked_files() if path.suffix in TEXT and path.stat().st_size < 1_000_000]
    assert len(files) > 50
    return {path.relative_to(ROOT): path.read_text(errors="replace") for path in files}


def registry_hosts():
    """Hosts of package registries that this machine is configured for: apt sources, pip, npm."""
    hosts = set()
    apt = Path("/etc/apt")
    for path in [*apt.glob("sources.list"), *apt.glob("sources.list.d/*.list"), *apt.glob("sources.list.d/*.sources")]:
        for address in re.findall(r"^(?:URIs:\s*|deb\s+(?:\[[^]]*\]\s+)?)(\S+)", path.read_text(), re.MULTILINE):
            hosts.add(re.sub(r"^[a-z+]+://([^/:]+).*", r"\1", address))
    # The defaults of pip and npm, in parts for the same reason as above.
    hosts |= {"pypi" + ".org", "files.python" + "hosted.org", "registry." + "npmjs.org", "deb." + "debian.org"}
    return hosts - {"download.docker.com"}  # Docker's own repository is a documented default


def found(texts, pattern, suffixes=None):
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in texts.items()
        if suffixes is None or path.suffix in suffixes
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_hosts_of_package_registries(texts):
    pattern = re.compile("|".join(rf"(?<![A-Za-z0-9.-]){re.escape(host)}" for host in sorted(registry_hosts())))
    assert found(texts, pattern) == []


def test_no_paths_of_a_machine(texts):
    assert found(texts, MACHINE_PATH) == []


def test_nothing_unfinished(texts):
    assert found({path: text for path, text in texts.items() if path.name != "LICENSE"}, UNFINISHED) == []


def test_no_failure_is_hidden(texts):
    assert found(texts, HIDDEN_FAILURE, {".py", ".yml", ".sh", "", ".j2"}) == []


def test_no_package_markers_where_ansible_needs_none():
    assert [*(ROOT / "plugins").rglob("__init__.py"), *(ROOT / "tests").rglob("__init__.py")] == []


def test_no_file_is_large():
    assert [str(path) for path in tracked_files() if path.stat().st_size > 300_000] == []


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_plugin_is_documented(plugin):
    text = plugin.read_text()
    assert "from __future__ import annotations" in text
    assert "SPDX-License-Identifier: GPL-3.0-or-later" in text
    if plugin.parent.name == "action":
        return  # documented by the module of the same name
    for block in ("DOCUMENTATION", "EXAMPLES", "RETURN"):
        value = re.search(rf'^{block} = r?"""(.*?)"""', text, re.DOTALL | re.MULTILINE)
        assert value, f"{block} is missing"
        assert yaml.safe_load(value[1]), f"{block} is empty"


def test_every_module_is_in_the_action_group():
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert {module.stem for module in MODULES} <= set(groups["all"])


@pytest.mark.parametrize("name", [path.stem for path in MODULES])
def test_every_module_has_an_integration_target(name):
    targets = {
        path.parent.parent.name for path in (ROOT / "tests" / "integration" / "targets").glob("*/tasks/main.yml")
    }
    # The modules of a deployment work on one folder, one after the other: they have one target.
    assert {name, name.removesuffix("_info"), name.split("_")[0]} & targets


def test_fragments_say_something_for_every_module_and_role():
    fragments = "".join(path.read_text() for path in (ROOT / "changelogs" / "fragments").glob("*.yml"))
    released = ROOT / "changelogs" / "changelog.yaml"
    fragments += released.read_text() if released.exists() else ""
    names = [path.stem for path in MODULES] + [path.name for path in (ROOT / "roles").iterdir()]
    assert [name for name in names if name not in fragments] == []


def make_targets():
    return set(re.findall(r"^([a-z0-9_]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_documented_make_commands_exist(texts):
    documents = {path: text for path, text in texts.items() if path.suffix in {".md", ".rst"}}
    commands = {
        match
        for text in documents.values()
        for match in re.findall(r"(?:^|`)\s*make ([a-z0-9_]+)\b", text, re.MULTILINE)
    }
    assert commands <= make_targets()


def test_continuous_integration_calls_make_test_and_nothing_else():
    lines = [
        line
        for line in (ROOT / ".ci" / "run").read_text().splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert lines == ["exec make test"]


def test_make_help_lists_every_target():
    help_text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in help_text.splitlines() if line.startswith("make ")} == make_targets()


def test_playbooks_are_short_and_roles_files_small():
    sizes = {path: len(path.read_text().splitlines()) for path in (ROOT / "playbooks").glob("*.yml")}
    assert {path.name: size for path, size in sizes.items() if size > 20} == {}
