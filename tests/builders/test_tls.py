# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mutual TLS with a real daemon; the stand-ins speak none."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from support.builder_under_test import REMOTE
from support.buildkit_nodes import Real
from support.registries import make_certificates


@pytest.fixture
def certificates(tmp_path):
    """Files of two authorities that know nothing of each other."""
    for name in ("right", "wrong"):
        (tmp_path / name).mkdir()
        make_certificates(tmp_path / name)
    return {
        name: {
            "ca": str(tmp_path / name / "ca.crt"),
            "cert": str(tmp_path / name / "tls.crt"),
            "key": str(tmp_path / name / "tls.key"),
        }
        for name in ("right", "wrong")
    }


@pytest.fixture
def daemon(buildkit, daemons, certificates):
    """Wants a certificate of the right authority."""
    right = certificates["right"]
    flags = [f"--tlscacert={right['ca']}", f"--tlscert={right['cert']}", f"--tlskey={right['key']}"]
    daemons.append(buildkit.start(*flags))
    return daemons[0]


def valid_from_tomorrow(folder):
    """The daemon's certificate, as a client sees it whose clock is a day behind: signed by the same authority."""
    authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    now = x509.load_pem_x509_certificate((folder / "tls.crt").read_bytes())
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    builder = x509.CertificateBuilder(
        authority.subject,
        now.subject,
        now.public_key(),
        x509.random_serial_number(),
        tomorrow,
        tomorrow + timedelta(days=1),
    )
    for extension in now.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    path = folder / "tomorrow.crt"
    path.write_bytes(builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize("buildkit", [Real], indirect=True)
def test_a_clock_that_is_off(make, buildkit, daemons, certificates, tmp_path):
    builder = make(REMOTE)
    right = certificates["right"]
    later = valid_from_tomorrow(tmp_path / "right")
    flags = [f"--tlscacert={right['ca']}", f"--tlscert={later}", f"--tlskey={right['key']}"]
    daemons.append(buildkit.start(*flags))
    node = {"name": "n", "endpoint": daemons[0].endpoint, "tls": right}
    declared = builder.builder(driver=REMOTE, nodes=[node], platforms=["linux/amd64"])
    assert declared.get("failed"), declared
    assert "Node n of builder" in declared["msg"]
    assert (
        "its certificate is refused: certificate is not yet valid. The clock of one of the two is off"
        in declared["msg"]
    )
    builder.tried("TLS, and a clock is a day behind: platforms", "refused, with the reason")


@pytest.mark.parametrize("buildkit", [Real], indirect=True)
def test_mutual_tls(make, daemon, certificates, plain_registry, registry, prefix, tmp_path):
    builder = make(REMOTE)
    right, wrong = certificates["right"], certificates["wrong"]

    def node(**tls):
        return {"nodes": [{"name": "n", "endpoint": daemon.endpoint, "tls": tls}], "platforms": ["linux/amd64"]}

    builder.step(
        "mutual TLS: create", "nodes.tls", [f"builder {builder.name} is missing"], driver=REMOTE, **node(**right)
    )
    builder.step("mutual TLS: bootstrap", "bootstrap", [], bootstrap=True)
    context = tmp_path / "context"
    context.mkdir()
    (context / "page").write_text(prefix)
    (context / "Dockerfile").write_text(f"FROM {registry}/bases/busybox:latest\nCOPY page /page\n")
    image = {"name": "page", "repository": f"{plain_registry[0]}/{prefix}/page", "context": str(context)}
    arguments = {"images": [{**image, "platforms": ["linux/amd64"]}], "builder": builder.name}
    built = builder.run("image_build", buildx_config=str(builder.folder), **arguments)
    assert built["changed"], built
    builder.tried("mutual TLS: image_build", "built")

    who = ["Node n of builder", daemon.endpoint, "cannot be reached", "with the TLS files of the node", "tls is right"]
    for title, tls, why in (
        ("the wrong CA", {**right, "ca": wrong["ca"]}, "its certificate is refused: "),
        ("a certificate of the wrong CA", {**wrong, "ca": right["ca"]}, "it refuses: "),
        ("the wrong server name", {**right, "servername": "other"}, "its certificate is refused: Hostname mismatch"),
    ):
        # It is declared, and then found not to answer: what was wrong in the declaration is for the user to say.
        declared = builder.builder(**node(**tls))
        assert declared.get("failed"), declared
        absent = [part for part in (*who, why) if part not in declared["msg"]]
        assert absent == [], declared["msg"]
        builder.refused(f"TLS with {title}: platforms", who, within=5, platforms=["linux/amd64"])
        (context / "page").write_text(title)
        builder.refused(f"TLS with {title}: image_build", who, "image_build", within=5, **arguments)
    who = ["Node n of builder", daemon.endpoint, "cannot be reached"]
    made = builder.builder(nodes=[{"name": "n", "endpoint": daemon.endpoint, "driver_opts": {}}])
    assert not made.get("failed"), made
    builder.refused("no TLS at all: platforms", who, within=5, platforms=["linux/amd64"])
    builder.builder(**node(**right))
    builder.step("the right files again: platforms", None, [], platforms=["linux/amd64"])
