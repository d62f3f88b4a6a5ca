# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.adoption import (
    adopted_release,
    adopted_values,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import Service

EXAMPLE = (
    "LOG_LEVEL=INFO\nFILES_URL=\nDB_PASSWORD=difyai123456\nPOSTGRES_PASSWORD=${DB_PASSWORD}\nPGUSER=${DB_USERNAME}\n"
)
COMPOSE = "services:\n  api:\n    environment:\n      A: ${TAG:-1}\n      B: ${EXTRA_URL:-}\n      C: ${EXTRA_NAME}\n"


@pytest.fixture
def project(tmp_path):
    def made(**files):
        for path, text in {"docker-compose.yaml": COMPOSE, ".env.example": EXAMPLE, **files}.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        return str(tmp_path)

    return made


@pytest.mark.parametrize(
    "text, values",
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("LOG_LEVEL=INFO\n", {}, id="as-in-the-example"),
        pytest.param("LOG_LEVEL=DEBUG\n", {"LOG_LEVEL": "DEBUG"}, id="otherwise"),
        pytest.param("LOG_LEVEL=\n", {"LOG_LEVEL": ""}, id="emptied"),
        pytest.param("DB_PASSWORD=mine\n", {"DB_PASSWORD": "mine"}, id="secret"),
        pytest.param("DB_PASSWORD=difyai123456\n", {"DB_PASSWORD": "difyai123456"}, id="published-secret"),
        pytest.param("SMTP_PASSWORD=\n", {}, id="secret-that-is-empty"),
        pytest.param("SMTP_PASSWORD=x\n", {"SMTP_PASSWORD": "x"}, id="secret-that-the-example-has-not"),
        pytest.param(
            "DB_PASSWORD=mine\nPOSTGRES_PASSWORD=${DB_PASSWORD}\n",
            {"DB_PASSWORD": "mine", "POSTGRES_PASSWORD": "mine"},
            id="secret-by-reference",
        ),
        pytest.param("PGUSER=${DB_USERNAME}\n", {}, id="reference-as-in-the-example"),
        pytest.param("TAG=2\n", {"TAG": "2"}, id="of-the-compose-file"),
        pytest.param("TAG=1\n", {}, id="as-in-the-compose-file"),
        pytest.param("EXTRA_URL=u\n", {"EXTRA_URL": "u"}, id="of-the-compose-file-with-an-empty-default"),
        pytest.param("EXTRA_NAME=n\n", {"EXTRA_NAME": "n"}, id="of-the-compose-file-without-a-default"),
        pytest.param("NOBODY_KNOWS=1\n", {}, id="unknown"),
        pytest.param("DB_PASSWORD='$ecret'\n", {"DB_PASSWORD": "$ecret"}, id="quoted-dollar-sign"),
        pytest.param("DB_PASSWORD='a${LOG_LEVEL}'\n", {"DB_PASSWORD": "a${LOG_LEVEL}"}, id="quoted-is-no-reference"),
        pytest.param("DB_PASSWORD=a$$b\n", {"DB_PASSWORD": "a$b"}, id="two-dollar-signs-are-one"),
    ],
)
def test_adopted_values(project, text, values):
    assert adopted_values(project(**{".env": text})) == values


def test_files_below_a_folder(project):
    folder = project(
        **{
            ".env": "LOG_LEVEL=DEBUG\n",
            "envs/api.env": "LOG_LEVEL=WARN\nWORKERS=4\n",
            "envs/api.env.example": "LOG_LEVEL=INFO\nWORKERS=1\n",
        }
    )
    assert adopted_values(folder) == {"LOG_LEVEL": "DEBUG", "WORKERS": "4"}


def test_data_are_not_read(project):
    folder = project(**{".env": "LOG_LEVEL=DEBUG\n", "volumes/plugin.env": "LOG_LEVEL=WARN\nDB_PASSWORD=other\n"})
    assert adopted_values(folder) == {"LOG_LEVEL": "DEBUG"}


def test_a_folder_without_environment(project):
    with pytest.raises(CollectionError, match=r"is no deployment that can be taken over: it has no file \.env\."):
        adopted_values(project())


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CollectionError, match="/none is no deployment that can be taken over"):
        adopted_values(str(tmp_path / "none"))


def test_a_folder_without_a_compose_file(tmp_path):
    (tmp_path / ".env").write_text("A=1\n", encoding="utf-8")
    with pytest.raises(CollectionError, match=r"docker-compose.yaml of the source cannot be read"):
        adopted_values(str(tmp_path))


@pytest.mark.parametrize(
    "image, version",
    [
        pytest.param("langgenius/dify-api:0.15.3", "0.15.3", id="of-a-version"),
        pytest.param("langgenius/dify-api", "", id="without-a-tag"),
        pytest.param("registry.example.com/mine:1", "", id="of-ones-own"),
    ],
)
def test_which_release_is_taken_over(image, version):
    component = "api" if "dify-api" in image else None
    services = {
        "api": Service("api", image, component, None, True, {}, {}),
        "db": Service("db", "postgres:15", None, None, True, {}, {}),
    }
    release = adopted_release(services)
    assert (release.version, sorted(release.images)) == (version, ["api", "db"])
    assert adopted_release({}).version == ""
