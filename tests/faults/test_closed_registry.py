# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that takes nothing: for a while, as its garbage is collected, or at all."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci import transport
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.copy import copy_content
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from support.closed_registry import CLOSED, COLLECTED, before
from support.registries import running_registry


class Refusal:
    """Refuses some requests for a time, or a number of times, and counts them.

    :param after: how many of them pass before.
    """

    def __init__(self, answer, applies, seconds=0.0, times=0, after=0):
        self.answer, self.applies, self.seconds, self.times, self.after = answer, applies, seconds, times, after
        self.began, self.count = None, 0

    def __call__(self, method, path):
        if not self.applies(method, path):
            return None
        if self.after > 0:
            self.after -= 1
            return None
        self.began = self.began or time.monotonic()
        if self.count >= self.times and time.monotonic() - self.began > self.seconds:
            return None
        self.count += 1
        return self.answer


def writes(method, _path):
    return method not in ("GET", "HEAD")


def manifests(method, path):
    return method == "PUT" and "/manifests/" in path


@pytest.fixture
def build(modules, registry, prefix, tmp_path):
    """``build(host, "true")``: an image with one step, for one platform, pushed to a registry."""

    def run(host, step):
        (tmp_path / "Dockerfile").write_text(f"FROM {registry}/bases/busybox:latest\nRUN {step}\n")
        return modules.run(
            "image_build",
            images=[{"name": "one"}],
            repository=f"{host}/{prefix}/one",
            context=str(tmp_path),
            platforms=["linux/amd64"],
        )

    return run


@pytest.mark.parametrize(
    "refusal",
    [
        # It is open while it is asked whether it takes images. BuildKit itself tries for eight seconds.
        pytest.param(lambda: Refusal(CLOSED, writes, seconds=10, after=2), id="closed-for-longer-than-buildkit-tries"),
        pytest.param(lambda: Refusal(COLLECTED, manifests, times=1), id="collected-before-the-manifest"),
    ],
)
def test_a_build_is_pushed_when_the_registry_takes_it(build, registry, prefix, refusal):
    refuse = refusal()
    with before(registry, refuse) as closed:
        built = build(closed, f"echo {prefix} > /x")
    assert not built.get("failed"), built
    assert refuse.count > 0
    reference = built["images"][0]["reference"].replace(closed, registry)
    assert RegistryClient().get_manifest(parse_reference(reference)).digest == built["images"][0]["digest"]


@pytest.fixture
def restarted(tmp_path):
    """A registry that stops when something is uploaded to it, and runs again after a while: longer than BuildKit tries."""
    folder = tmp_path / "registry"
    folder.mkdir()
    running = contextlib.ExitStack()
    port = running.enter_context(running_registry(folder, {}))

    def is_pushed_to():
        # What was uploaded is moved away meanwhile.
        with contextlib.suppress(FileNotFoundError):
            return any(path.stat().st_size > 1 << 20 for path in folder.glob("data/**/_uploads/*/data"))
        return False

    def restart():
        while not is_pushed_to():
            time.sleep(0.01)
        running.close()
        time.sleep(12)
        running.enter_context(running_registry(folder, {}, port=port))
        runs_again.set()

    runs_again = threading.Event()
    threading.Thread(target=restart, daemon=True).start()
    yield f"localhost:{port}"
    assert runs_again.is_set(), "it was not restarted while something was pushed"
    running.close()


def test_a_registry_is_restarted_while_images_are_pushed(build, restarted, prefix):
    built = build(restarted, f"dd if=/dev/urandom of=/{prefix} bs=1M count=100")
    assert not built.get("failed"), built["msg"]
    reference = parse_reference(built["images"][0]["reference"])
    assert RegistryClient().get_manifest(reference).digest == built["images"][0]["digest"]


def test_a_registry_that_answered_before_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(transport, "RESTART_SECONDS", 3.0)
    client = RegistryClient()
    with running_registry(tmp_path, {}) as port:
        absent = parse_reference(f"localhost:{port}/absent:1")
        assert client.find_manifest(absent) is None
    threading.Timer(1.5, lambda: again.enter_context(running_registry(tmp_path, {}, port=port))).start()
    with contextlib.ExitStack() as again:
        assert client.find_manifest(absent) is None
    began = time.monotonic()
    with pytest.raises(CollectionError, match="cannot be reached"):
        client.find_manifest(absent)
    assert 3 <= time.monotonic() - began < 6


@pytest.mark.parametrize(
    "answer, message",
    [
        pytest.param((403, '{"errors":[{"code":"DENIED"}]}'), "the account may not do that there", id="may-not"),
        pytest.param((405, '{"errors":[{"code":"UNSUPPORTED"}]}'), "it does not allow that", id="only-a-mirror"),
        pytest.param(
            (404, '{"errors":[{"code":"NAME_UNKNOWN"}]}'),
            "has no such repository, and makes none by itself",
            id="not-made",
        ),
    ],
)
def test_what_cannot_be_pushed_is_not_built(build, registry, prefix, answer, message):
    with before(registry, Refusal(answer, writes, times=1)) as refusing:
        built = build(refusing, "false")
    assert f"The registry {refusing} refuses POST of {prefix}/one" in built["msg"]
    assert message in built["msg"]
    assert "failed_builds" not in built


def test_an_image_is_copied_when_the_registry_takes_it(registry, prefix):
    source = parse_reference(f"{registry}/bases/busybox:latest")
    refuse = Refusal(CLOSED, writes, times=3)
    client = RegistryClient()
    with before(registry, refuse) as closed:
        target = parse_reference(f"{closed}/{prefix}/copied:1")
        index = client.get_manifest(source)
        copy_content(client, source, index, target)
        client.put_manifest(target, index)
        assert client.get_manifest(target).digest == index.digest
    assert refuse.count == 3


def test_a_registry_that_stays_closed_is_waited_for_once(registry, prefix, monkeypatch):
    monkeypatch.setattr(transport, "CLOSED_SECONDS", 2.0)
    client = RegistryClient()
    source = parse_reference(f"{registry}/bases/busybox:latest")
    image = client.get_manifest(source)
    refuse = Refusal(CLOSED, manifests, seconds=60)
    with before(registry, refuse) as closed:
        began = time.monotonic()
        with pytest.raises(CollectionError, match="it answers 503 UNAVAILABLE: collecting garbage. Try again later"):
            client.put_manifest(parse_reference(f"{closed}/{prefix}/refused:1"), image)
    assert time.monotonic() - began >= 2
    # It says to ask again after a second.
    assert refuse.count <= 3
