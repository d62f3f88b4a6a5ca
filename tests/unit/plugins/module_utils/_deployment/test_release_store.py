# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import named
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import (
    SECRETS,
    ReleaseStore,
    State,
)


@pytest.fixture
def store(tmp_path):
    (tmp_path / "dify" / "releases").mkdir(parents=True)
    return ReleaseStore(str(tmp_path / "dify"))


def release_of(version, owners=None):
    content = {"images": {}, "schema": "s", "migration": ("flask",), "owners": owners or {}}
    return named(version, commit=None, files="f", environment="e", **content)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def text_of(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def mode_of(*path):
    return oct(os.lstat(os.path.join(*path)).st_mode)[-3:]


def add(store, version, files, seed=()):
    """A release with these files; its name."""
    release = release_of(version)
    prepared = os.path.join(store.releases, f".preparing-{version}")
    os.makedirs(os.path.join(prepared, "docker"))
    for path, text in files.items():
        write(os.path.join(prepared, "docker", path), text)
    for path in seed:
        write(os.path.join(prepared, "seed", path), f"seed of {version}")
    os.symlink(os.path.join(store.folder, "data"), os.path.join(prepared, "docker", "volumes"))
    store.add_release(release, prepared)
    return release.id


def test_a_deployment_that_is_not_there(tmp_path):
    store = ReleaseStore(str(tmp_path / "none"))
    assert store.state() == State()
    assert store.list_releases() == []
    assert store.kept(SECRETS) == {}
    assert store.active_project() is None
    assert store.find_release("1-x") is None
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(State(), id="nothing"),
        pytest.param(State("b", "a"), id="settled"),
        pytest.param(State("a", None, {"release": "b", "phase": "migrating", "migrating": "yes"}), id="pending"),
    ],
)
def test_what_is_written_of_the_state_is_read(store, state):
    store.write_state(state)
    assert store.state() == state
    assert mode_of(store.folder, "state.json") == "644"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"active": null}'], ids=["empty", "cut-off", "list", "parts"])
def test_a_damaged_state(store, text):
    write(os.path.join(store.folder, "state.json"), text)
    with pytest.raises(CollectionError, match=r"state.json cannot be read .*Restore it from a backup"):
        store.state()


def test_a_folder_in_place_of_the_state(store):
    os.mkdir(os.path.join(store.folder, "state.json"))
    with pytest.raises(CollectionError, match=r"state.json cannot be read: "):
        store.state()


def test_what_is_kept_is_for_root_alone(store):
    values = {"SECRET_KEY": "it's $x", "DB_PASSWORD": "p"}
    write(os.path.join(store.folder, SECRETS), "", 0o644)
    write(os.path.join(store.folder, f"{SECRETS}.part"), "left by a run that was killed", 0o644)
    store.write_kept(SECRETS, values)
    assert store.kept(SECRETS) == values
    assert mode_of(store.folder, SECRETS) == "600"
    assert sorted(os.listdir(store.folder)) == ["releases", SECRETS]


def test_a_release_is_found(store):
    name = add(store, "1", {"docker-compose.yaml": "one"})
    assert store.find_release(name) == release_of("1")
    assert store.find_release(None) is None
    assert mode_of(store.releases, name) == "700"


def test_a_damaged_release_is_told(store):
    name = add(store, "1", {})
    write(os.path.join(store.releases, name, "release.json"), "{")
    with pytest.raises(CollectionError, match=rf"{name}/release.json of a release cannot be read"):
        store.list_releases()


def test_releases_are_listed_by_age(store):
    names = [add(store, version, {}) for version in ("2", "1", "3")]
    for age, name in enumerate(names):
        os.utime(os.path.join(store.releases, name), (age, age))
    os.makedirs(os.path.join(store.releases, ".preparing-4"))
    os.makedirs(os.path.join(store.releases, "without-a-record"))
    assert [release.id for release in store.list_releases()] == names


def test_a_release_is_removed(store):
    name = add(store, "1", {"a": "1"})
    store.remove_release(name)
    assert store.list_releases() == []


def test_activating_twice(store):
    name = add(store, "1", {"docker-compose.yaml": "one", "nginx/conf.d/a.conf": "a"})
    store.activate(name)
    folder, file = os.stat(store.project).st_ino, os.stat(os.path.join(store.project, "nginx/conf.d/a.conf")).st_ino
    store.activate(name)
    assert store.active_project() == name
    assert os.stat(store.project).st_ino == folder
    assert os.stat(os.path.join(store.project, "nginx/conf.d/a.conf")).st_ino == file, "it is left alone"
    assert os.readlink(os.path.join(store.project, "volumes")) == os.path.join(store.folder, "data")


def test_the_next_release_takes_the_place(store):
    first = add(store, "1", {"a": "one", "same": "x", "gone": "x", "folder/gone": "x"})
    second = add(store, "2", {"a": "two", "same": "x", "new/b": "b"})
    store.activate(first)
    folder = os.stat(store.project).st_ino
    store.activate(second)
    assert store.active_project() == second
    assert os.stat(store.project).st_ino == folder, "containers have it mounted"
    assert text_of(store.project, "a") == "two"
    assert text_of(store.project, "new/b") == "b"
    assert not os.path.exists(os.path.join(store.project, "gone"))
    assert not os.path.exists(os.path.join(store.project, "folder/gone"))


def test_what_containers_wrote_stays(store):
    first, second = add(store, "1", {"nginx/a": "a"}), add(store, "2", {"nginx/b": "b"})
    store.activate(first)
    write(os.path.join(store.project, "nginx", "ssl", "key"), "theirs")
    write(os.path.join(store.project, "nginx", "default.conf"), "theirs")
    store.activate(second)
    assert sorted(os.listdir(os.path.join(store.project, "nginx"))) == ["b", "default.conf", "ssl"]
    assert text_of(store.project, "nginx", "ssl", "key") == "theirs"


def test_data_is_not_touched(store):
    data = os.path.join(store.folder, "data")
    write(os.path.join(data, "db", "file"), "rows")
    first, second = add(store, "1", {"a": "1"}), add(store, "2", {})
    store.activate(first)
    store.activate(second)
    assert text_of(data, "db", "file") == "rows"


def change_the_text(path):
    write(path, "drifted", 0o600)


def change_the_mode(path):
    os.chmod(path, 0o644)


def make_a_link(path):
    os.unlink(path)
    os.symlink("/nowhere", path)


def remove_it(path):
    os.unlink(path)


@pytest.mark.parametrize("drift", [change_the_text, change_the_mode, make_a_link, remove_it])
def test_activating_mends(store, drift):
    name = add(store, "1", {".env": "A=1\n"})
    os.chmod(os.path.join(store.releases, name, "docker", ".env"), 0o600)
    store.activate(name)
    drift(os.path.join(store.project, ".env"))
    store.activate(name)
    assert (text_of(store.project, ".env"), mode_of(store.project, ".env")) == ("A=1\n", "600")
    assert not os.path.islink(os.path.join(store.project, ".env"))


def test_a_link_is_changed(store):
    name = add(store, "1", {"a": "1"})
    store.activate(name)
    os.unlink(os.path.join(store.project, "volumes"))
    os.symlink("/elsewhere", os.path.join(store.project, "volumes"))
    store.activate(name)
    assert os.readlink(os.path.join(store.project, "volumes")) == store.data_dir(name)


@pytest.mark.parametrize(
    "before, after",
    [
        pytest.param({"conf": "file"}, {"conf/a": "in a folder"}, id="file-becomes-a-folder"),
        pytest.param({"conf/a": "in a folder"}, {"conf": "file"}, id="folder-becomes-a-file"),
    ],
)
def test_another_kind_under_the_same_name(store, before, after):
    first, second = add(store, "1", before), add(store, "2", after)
    store.activate(first)
    store.activate(second)
    assert {path: text_of(store.project, path) for path in after} == after


def test_a_run_that_is_killed_leaves_no_active_project(store):
    first, second = add(store, "1", {"a": "1"}), add(store, "2", {"a": "2"})
    store.activate(first)
    os.mkdir(os.path.join(store.project, "a.part"))
    with pytest.raises(OSError, match=r"a\.part"):
        store.activate(second)
    assert store.active_project() is None
    os.rmdir(os.path.join(store.project, "a.part"))
    store.activate(second)
    assert (store.active_project(), text_of(store.project, "a")) == (second, "2")


def test_folders_are_as_in_the_release(store):
    name = add(store, "1", {"nginx/conf.d/a": "a"})
    before = os.umask(0o077)
    try:
        store.activate(name)
    finally:
        os.umask(before)
    assert mode_of(store.project, "nginx/conf.d") == mode_of(store.releases, name, "docker/nginx/conf.d")


def test_what_the_source_brings_never_overwrites(store):
    name = add(store, "1", {}, seed=["sandbox/conf/config.yaml", "sandbox/dependencies/a.txt"])
    data = store.data_dir(name)
    assert data == os.path.join(store.folder, "data")
    assert store.missing_data(name) == ["sandbox/conf/config.yaml", "sandbox/dependencies/a.txt"]
    write(os.path.join(data, "sandbox", "conf", "config.yaml"), "the user's")
    missing = store.missing_data(name)
    store.seed_data(name, missing)
    assert missing == ["sandbox/dependencies/a.txt"]
    assert text_of(data, "sandbox/conf/config.yaml") == "the user's"
    assert text_of(data, "sandbox/dependencies/a.txt") == "seed of 1"
    assert store.missing_data(name) == []


def test_a_link_of_the_user_counts_as_there(store):
    name = add(store, "1", {}, seed=["config.yaml"])
    os.mkdir(store.data_dir(name))
    os.symlink("/nowhere", os.path.join(store.data_dir(name), "config.yaml"))
    assert store.missing_data(name) == []


def test_the_data_folder_is_made(store):
    name = add(store, "1", {})
    store.seed_data(name, [])
    assert os.path.isdir(os.path.join(store.folder, "data"))


def test_data_get_the_user_of_the_image(store, tmp_path):
    add(store, "1", {"a": "1"})
    release = release_of("1", {"app/storage": 4711})
    data = store.data_dir(release_of("1").id)
    release = type(release)(**{**release.as_json(), "id": release_of("1").id})
    write(os.path.join(data, "app/storage/keys/private.pem"), "x", 0o600)
    assert store.wrong_owners(release) == {"app/storage": 4711}
    store.set_owners(release, {"app/storage": 4711})
    assert os.stat(os.path.join(data, "app/storage/keys/private.pem")).st_uid == 4711
    assert os.stat(os.path.join(data, "app")).st_uid != 4711
    assert store.wrong_owners(release) == {}
