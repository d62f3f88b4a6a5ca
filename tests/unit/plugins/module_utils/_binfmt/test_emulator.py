# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import ARCHITECTURES
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.emulator import (
    check_kernel,
    check_result,
    describe,
    install_args,
    plan_absent,
    plan_present,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.persistence import (
    BOOT_SCRIPT,
    BOOT_SCRIPT_TEXT,
    conf_path,
    image_in_conf,
    kept_path,
    render_conf,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.registration import Registration
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.state import Candidate, Found, Host, Proof, Wanted
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platforms

RISCV = ARCHITECTURES["riscv64"]
AMD64 = ARCHITECTURES["amd64"]
CONF, KEPT = conf_path(RISCV), kept_path(RISCV)
INTERPRETER = "/usr/libexec/qemu-binfmt/riscv64-binfmt-P"
DISTRIBUTION = Registration("qemu-riscv64", RISCV.magic, RISCV.mask, INTERPRETER, "POF")
GOOD = dataclasses.replace(DISTRIBUTION, flags="POCF")
IN_IMAGE = dataclasses.replace(DISTRIBUTION, interpreter="/usr/bin/qemu-riscv64", flags="OCF", mask=b"\xff" * 20)
FROM_KEPT = dataclasses.replace(DISTRIBUTION, interpreter=KEPT, flags="OCF")
IMAGE = "tonistiigi/binfmt:qemu-v9.2.2"

NEW = "10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)"
OLD = "6.2.0 (Debian 1:6.2+dfsg-2ubuntu6)"
WORKS, NOTHING = Proof(True, build=NEW), Proof(False, problem="Exec format error")
CANDIDATE = Candidate(DISTRIBUTION, NEW)
CONF_TEXT = render_conf(GOOD, None)
IMAGE_CONF_TEXT = render_conf(FROM_KEPT, IMAGE)
WANTED = Wanted(parse_platforms(["linux/riscv64"]), minimum="7.2")
WANTED_IMAGE = dataclasses.replace(WANTED, image=IMAGE)

REGISTER, UNREGISTER = ("register", GOOD.line()), ("unregister", "qemu-riscv64")
INSTALL = ("docker", "run", "--privileged", "--rm", IMAGE, "--install", "riscv64")
KEEP, WRITE = ("keep", "riscv64", KEPT), ("write", CONF)
MOUNT = ("mount", "-t", "binfmt_misc", "binfmt_misc", "/proc/sys/fs/binfmt_misc")
LINK = ("update-rc.d", "imagefleet-binfmt", "defaults")

MISSING = Found(None, NOTHING, candidate=CANDIDATE)
CONVERGED = Found(GOOD, WORKS, conf=CONF_TEXT, candidate=CANDIDATE)
CONVERGED_IMAGE = Found(IN_IMAGE, WORKS, conf=IMAGE_CONF_TEXT, kept=True)
SYSTEMD = Host("6.1.0-13-amd64", mount_point=True, mounted=True, enabled=True, systemd=True, found={RISCV: CONVERGED})


def on_systemd(found, **changes):
    return dataclasses.replace(SYSTEMD, found={RISCV: found}, **changes)


def registered(**changes):
    return dataclasses.replace(CONVERGED, registration=dataclasses.replace(GOOD, **changes))


def change(found, **changes):
    return dataclasses.replace(found, **changes)


@pytest.mark.parametrize(
    "found, commands, reason",
    [
        pytest.param(CONVERGED, (), None, id="equal-is-kept"),
        pytest.param(MISSING, (REGISTER, WRITE), "is not registered", id="missing-is-registered"),
        pytest.param(registered(flags="PO"), (UNREGISTER, REGISTER), "flags PO -> POCF", id="not-fixed"),
        pytest.param(registered(flags="POF"), (UNREGISTER, REGISTER), "flags POF -> POCF", id="without-credentials"),
        pytest.param(registered(flags="OCF"), (UNREGISTER, REGISTER), "flags OCF -> POCF", id="without-argv0"),
        pytest.param(registered(flags=""), (UNREGISTER, REGISTER), "flags none -> POCF", id="no-flags"),
        pytest.param(registered(enabled=False), (UNREGISTER, REGISTER), "is disabled", id="disabled"),
        pytest.param(registered(mask=b"\xff" * 20), (UNREGISTER, REGISTER), "other bytes", id="other-mask"),
        pytest.param(
            registered(interpreter="/usr/bin/qemu-riscv64"),
            (UNREGISTER, REGISTER),
            f"interpreter /usr/bin/qemu-riscv64 -> {INTERPRETER}",
            id="other-interpreter",
        ),
        pytest.param(
            change(CONVERGED, proof=NOTHING),
            (UNREGISTER, REGISTER),
            "runs no foreign program: Exec format error",
            id="broken-is-replaced",
        ),
        pytest.param(
            change(CONVERGED, proof=Proof(True, build=OLD)),
            (UNREGISTER, REGISTER),
            f"QEMU {OLD} runs, since before {NEW} was installed",
            id="old-copy-runs",
        ),
        pytest.param(change(CONVERGED, conf=None), (WRITE,), "after a restart", id="not-persistent"),
        pytest.param(change(CONVERGED, conf=""), (WRITE,), "after a restart", id="masked"),
        pytest.param(change(CONVERGED, kept=True), (("remove", KEPT),), None, id="copy-of-an-image-is-left-over"),
        pytest.param(
            change(CONVERGED_IMAGE, candidate=CANDIDATE),
            (UNREGISTER, REGISTER, WRITE, ("remove", KEPT)),
            "interpreter /usr/bin/qemu-riscv64 -> ",
            id="image-is-replaced-by-distribution",
        ),
        pytest.param(Found(None, Proof(True, native=True)), (), None, id="native-needs-nothing"),
    ],
)
def test_plan_present(found, commands, reason):
    plan = plan_present(WANTED, on_systemd(found))
    assert plan.commands == commands
    assert plan.changed is bool(commands)
    assert reason is None or reason in "\n".join(plan.reasons)


@pytest.mark.parametrize(
    "found, commands, reason",
    [
        pytest.param(CONVERGED_IMAGE, (), None, id="equal-is-kept"),
        pytest.param(Found(None, NOTHING), (INSTALL, KEEP, WRITE), "is not registered", id="missing-is-installed"),
        pytest.param(change(CONVERGED_IMAGE, registration=FROM_KEPT), (), None, id="after-a-restart-our-copy-runs"),
        pytest.param(
            change(CONVERGED_IMAGE, conf=render_conf(FROM_KEPT, "tonistiigi/binfmt:qemu-v8.1.5")),
            (UNREGISTER, INSTALL, KEEP, WRITE),
            f"image tonistiigi/binfmt:qemu-v8.1.5 -> {IMAGE}",
            id="other-image",
        ),
        pytest.param(CONVERGED, (UNREGISTER, INSTALL, KEEP, WRITE), "interpreter", id="distribution-is-replaced"),
        pytest.param(
            change(CONVERGED_IMAGE, conf=CONF_TEXT),
            (UNREGISTER, INSTALL, KEEP, WRITE),
            f"the distribution's emulator -> image {IMAGE}",
            id="distribution-at-the-path-of-an-image",
        ),
        pytest.param(change(CONVERGED_IMAGE, conf=None), (WRITE,), "after a restart", id="registered-by-hand"),
        pytest.param(change(CONVERGED_IMAGE, kept=False), (KEEP,), "after a restart", id="copy-is-lost"),
        pytest.param(
            change(CONVERGED_IMAGE, conf=None, proof=Proof(True, build=OLD)),
            (UNREGISTER, INSTALL, KEEP, WRITE),
            "is below 7.2",
            id="old-image-by-hand",
        ),
        pytest.param(
            change(CONVERGED_IMAGE, registration=dataclasses.replace(IN_IMAGE, flags="O")),
            (UNREGISTER, INSTALL, KEEP),
            "flags O -> OCF",
            id="not-fixed",
        ),
        pytest.param(
            change(CONVERGED_IMAGE, registration=dataclasses.replace(IN_IMAGE, flags="POCF")),
            (),
            None,
            id="image-adds-argv0",
        ),
    ],
)
def test_plan_present_from_image(found, commands, reason):
    plan = plan_present(WANTED_IMAGE, on_systemd(found))
    assert plan.commands == commands
    assert reason is None or reason in "\n".join(plan.reasons)


def test_install_args_name_the_client():
    wanted = dataclasses.replace(WANTED_IMAGE, docker_cli="/opt/docker")
    assert install_args(wanted, RISCV) == ("/opt/docker", *INSTALL[1:])


@pytest.mark.parametrize(
    "changes, commands",
    [
        pytest.param({"mounted": False, "enabled": False}, (MOUNT, REGISTER, WRITE), id="not-mounted"),
        pytest.param(
            {"mount_point": False, "mounted": False, "enabled": False},
            (("modprobe", "binfmt_misc"), MOUNT, REGISTER, WRITE),
            id="kernel-module-not-loaded",
        ),
        pytest.param({"enabled": False}, (("enable", "/proc/sys/fs/binfmt_misc"), REGISTER, WRITE), id="switched-off"),
        pytest.param(
            {"systemd": False}, (REGISTER, WRITE, ("write", BOOT_SCRIPT), LINK), id="boot-script-without-systemd"
        ),
        pytest.param(
            {"systemd": False, "boot_script": BOOT_SCRIPT_TEXT, "boot_links": True},
            (REGISTER, WRITE),
            id="boot-script-is-there",
        ),
        pytest.param(
            {"systemd": False, "boot_script": BOOT_SCRIPT_TEXT}, (REGISTER, WRITE, LINK), id="boot-script-unlinked"
        ),
        pytest.param(
            {"systemd": False, "boot_script": "#!/bin/sh\n", "boot_links": True},
            (REGISTER, WRITE, ("write", BOOT_SCRIPT), LINK),
            id="boot-script-of-an-older-version",
        ),
    ],
)
def test_plan_present_prepares_the_host(changes, commands):
    assert plan_present(WANTED, on_systemd(MISSING, **changes)).commands == commands


def test_a_native_platform_does_not_even_mount():
    host = on_systemd(Found(None, Proof(True, native=True)), mounted=False, enabled=False, systemd=False)
    assert not plan_present(WANTED, host).changed


@pytest.mark.parametrize(
    "wanted, found, error, words",
    [
        pytest.param(WANTED, Found(None, NOTHING), MissingPrerequisite, "package qemu-user", id="not-installed"),
        pytest.param(
            WANTED,
            change(MISSING, candidate=Candidate(DISTRIBUTION, OLD)),
            CollectionError,
            "asks for 7.2",
            id="package-too-old",
        ),
        pytest.param(
            WANTED,
            change(CONVERGED, candidate=Candidate(DISTRIBUTION, OLD), proof=Proof(True, build=OLD)),
            CollectionError,
            f"is QEMU {OLD}",
            id="registered-too-old",
        ),
        pytest.param(
            WANTED_IMAGE,
            change(CONVERGED_IMAGE, proof=Proof(True, build=OLD)),
            CollectionError,
            f"from the image {IMAGE}",
            id="image-too-old",
        ),
        pytest.param(
            WANTED,
            change(MISSING, candidate=Candidate(DISTRIBUTION, None)),
            CollectionError,
            "no version of QEMU",
            id="version-unknown",
        ),
    ],
)
def test_plan_present_refuses(wanted, found, error, words):
    with pytest.raises(error, match=words.replace("(", r"\(").replace(")", r"\)").replace("+", r"\+")):
        plan_present(wanted, on_systemd(found))


def test_without_a_minimum_any_version_will_do():
    wanted = dataclasses.replace(WANTED, minimum=None)
    found = change(CONVERGED, candidate=Candidate(DISTRIBUTION, OLD), proof=Proof(True, build=OLD))
    assert not plan_present(wanted, on_systemd(found)).changed


@pytest.mark.parametrize(
    "found, changes, commands",
    [
        pytest.param(Found(None, NOTHING), {}, (), id="nothing-is-nothing"),
        pytest.param(CONVERGED, {}, (UNREGISTER, ("remove", CONF)), id="both-go"),
        pytest.param(CONVERGED_IMAGE, {}, (UNREGISTER, ("remove", CONF), ("remove", KEPT)), id="copy-of-an-image-goes"),
        pytest.param(
            change(CONVERGED, packaged=True), {}, (UNREGISTER, ("mask", CONF)), id="file-of-a-package-is-masked"
        ),
        pytest.param(Found(None, NOTHING, conf="", packaged=True), {}, (), id="masked-stays-masked"),
        pytest.param(
            CONVERGED,
            {"systemd": False, "boot_script": BOOT_SCRIPT_TEXT, "boot_links": True},
            (UNREGISTER, ("remove", CONF), ("remove", BOOT_SCRIPT), ("update-rc.d", "imagefleet-binfmt", "remove")),
            id="last-one-takes-the-boot-script-along",
        ),
        pytest.param(
            CONVERGED,
            {
                "systemd": False,
                "boot_script": BOOT_SCRIPT_TEXT,
                "boot_links": True,
                "other_confs": ("qemu-aarch64",),
            },
            (UNREGISTER, ("remove", CONF)),
            id="others-keep-the-boot-script",
        ),
        pytest.param(CONVERGED, {"kernel": "3.10.0"}, (UNREGISTER, ("remove", CONF)), id="any-kernel-will-do"),
    ],
)
def test_plan_absent(found, changes, commands):
    assert plan_absent(WANTED, on_systemd(found, **changes)).commands == commands


def test_diff_of_registering():
    plan = plan_present(WANTED, on_systemd(MISSING, mounted=False, enabled=False))
    state = {"interpreter": INTERPRETER, "flags": "POCF", "enabled": True, "qemu_version": "10.0.13"}
    assert plan.result()["diff"] == {
        "before": {"mounted": False, "emulators": {}, "files": {}},
        "after": {"mounted": True, "emulators": {"qemu-riscv64": state}, "files": {CONF: CONF_TEXT}},
    }


def test_diff_of_removing():
    diff = plan_absent(WANTED, on_systemd(CONVERGED)).result()["diff"]
    assert diff["before"]["files"] == {CONF: CONF_TEXT}
    assert diff["after"] == {"mounted": True, "emulators": {}, "files": {}}


def test_variants_share_an_emulator():
    wanted = Wanted(parse_platforms(["linux/arm/v6", "linux/arm/v7", "linux/arm64"]))
    assert [architecture.name for architecture in wanted.architectures] == ["arm", "arm64"]


@pytest.mark.parametrize("release", ["4.8.0", "4.19.0-26-amd64", "6.1.0", "10.0-rc1"])
def test_kernel_is_new_enough(release):
    check_kernel(release)


@pytest.mark.parametrize("release", ["4.7.9", "3.10.0-1160.el7.x86_64"])
def test_kernel_is_too_old(release):
    with pytest.raises(CollectionError, match=r"4\.8 or newer"):
        check_kernel(release)


@pytest.mark.parametrize(
    "proof, words",
    [
        pytest.param(NOTHING, "not run: Exec format error", id="does-not-run"),
        pytest.param(Proof(True, build=OLD), "minimum_qemu_version asks for 7.2", id="image-brought-an-old-one"),
    ],
)
def test_check_result_refuses(proof, words):
    with pytest.raises(CollectionError, match=words):
        check_result(WANTED_IMAGE, on_systemd(change(CONVERGED_IMAGE, proof=proof)))


@pytest.mark.parametrize("proof", [WORKS, Proof(True, native=True)], ids=["emulated", "native"])
def test_check_result_accepts(proof):
    check_result(WANTED, on_systemd(change(CONVERGED, proof=proof)))


@pytest.mark.parametrize(
    "wanted, found, expected",
    [
        pytest.param(
            WANTED,
            CONVERGED,
            {"interpreter": INTERPRETER, "flags": "POCF", "qemu_version": "10.0.13", "proved": True},
            id="registered",
        ),
        pytest.param(
            WANTED,
            MISSING,
            {"interpreter": INTERPRETER, "flags": "POCF", "qemu_version": "10.0.13", "proved": None},
            id="to-be-registered",
        ),
        pytest.param(
            WANTED,
            change(CONVERGED, conf=None),
            {"interpreter": INTERPRETER, "flags": "POCF", "qemu_version": "10.0.13", "proved": True},
            id="to-be-made-persistent",
        ),
        pytest.param(
            WANTED_IMAGE,
            MISSING,
            {"interpreter": "/usr/bin/qemu-riscv64", "flags": "OCF", "qemu_version": None, "proved": None},
            id="to-be-taken-from-an-image",
        ),
    ],
)
def test_describe_a_plan(wanted, found, expected):
    host = on_systemd(found)
    common = {"platform": "linux/riscv64", "emulator": "qemu-riscv64", "native": False}
    assert describe(wanted, host, plan_present(wanted, host)) == [{**common, **expected}]


def test_describe_native():
    host = dataclasses.replace(SYSTEMD, found={AMD64: Found(None, Proof(True, native=True))})
    assert describe(Wanted(parse_platforms(["linux/amd64"])), host) == [
        {
            "platform": "linux/amd64",
            "native": True,
            "emulator": None,
            "interpreter": None,
            "flags": None,
            "qemu_version": None,
            "proved": True,
        }
    ]


@pytest.mark.parametrize("image", [IMAGE, None], ids=["image", "distribution"])
def test_the_image_is_read_back(image):
    assert image_in_conf(render_conf(GOOD, image)) == image
