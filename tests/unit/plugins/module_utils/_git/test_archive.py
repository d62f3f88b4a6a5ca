# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
import zipfile

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._git.archive import (
    Checksum,
    Member,
    common_folder,
    parse_checksum,
    quote_path,
    read_members,
    recorded_commit,
    require_checksum,
    safe_path,
    write_import,
)

DIGITS = "0" * 64
MEMBERS = [
    Member("top/run.sh", "executable", b"#!"),
    Member("top/link", "link", b"run.sh"),
    Member("top/a", "file", b"A"),
]


def tar(path, mode, commit=None):
    headers = {"comment": commit} if commit else {}
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT, pax_headers=headers) as archive:
        for member in MEMBERS:
            info = tarfile.TarInfo(member.path)
            info.mode = 0o775 if member.kind == "executable" else 0o664
            if member.kind == "link":
                info.type, info.linkname = tarfile.SYMTYPE, member.content.decode()
                archive.addfile(info)
            else:
                info.size = len(member.content)
                archive.addfile(info, io.BytesIO(member.content))
    return str(path)


def pack_zip(path, commit=None):
    modes = {"executable": stat.S_IFREG | 0o755, "link": stat.S_IFLNK | 0o777, "file": stat.S_IFREG | 0o644}
    with zipfile.ZipFile(path, "w") as archive:
        for member in MEMBERS:
            info = zipfile.ZipInfo(member.path)
            info.external_attr = modes[member.kind] << 16
            archive.writestr(info, member.content)
        archive.comment = (commit or "").encode()
    return str(path)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_members(tmp_path, mode):
    assert list(read_members(tar(tmp_path / "x", mode))) == MEMBERS


def test_zip_members(tmp_path):
    assert list(read_members(pack_zip(tmp_path / "x"))) == MEMBERS


@pytest.mark.parametrize("commit", [pytest.param("a" * 40, id="recorded"), pytest.param(None, id="not-recorded")])
def test_recorded_commit(tmp_path, commit):
    assert recorded_commit(tar(tmp_path / "tar", "w:gz", commit)) == commit
    assert recorded_commit(pack_zip(tmp_path / "zip", commit)) == commit


def test_a_hard_link_is_the_file_that_it_links_to(tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        file = tarfile.TarInfo("a")
        file.size = 1
        archive.addfile(file, io.BytesIO(b"A"))
        link = tarfile.TarInfo("b")
        link.type, link.linkname = tarfile.LNKTYPE, "a"
        archive.addfile(link)
    assert [member.content for member in read_members(str(path))] == [b"A", b"A"]


def test_a_device_is_refused(tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("null")
        info.type = tarfile.CHRTYPE
        archive.addfile(info)
    with pytest.raises(CollectionError, match="device or pipe"):
        list(read_members(str(path)))


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08cut off"], ids=["empty", "text", "cut-off"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    with pytest.raises(CollectionError, match="cannot be read as a tar or zip file"):
        list(read_members(str(path)))


@pytest.mark.parametrize("path", ["/etc/passwd", "a/../../b", ".git/config", "a/.GIT/hooks/x", "", "."])
def test_a_path_that_leaves_the_tree_is_refused(path):
    with pytest.raises(CollectionError, match="absolute, climbs, or is Git's own"):
        safe_path(path)


def test_a_path_is_normalised():
    assert safe_path("./a//b/") == "a/b"


@pytest.mark.parametrize(
    "paths, folder",
    [
        pytest.param(["d/a", "d/b/c"], "d/", id="one-folder"),
        pytest.param(["d/a", "e/a"], "", id="two-folders"),
        pytest.param(["d/a", "README"], "", id="file-beside"),
        pytest.param([], "", id="nothing"),
    ],
)
def test_common_folder(paths, folder):
    assert common_folder(paths) == folder


@pytest.mark.parametrize(
    "text, checksum",
    [
        pytest.param(f"sha256:{DIGITS}", Checksum("sha256", DIGITS), id="named"),
        pytest.param(DIGITS, Checksum("sha256", DIGITS), id="digits-alone"),
        pytest.param(f"SHA512:{DIGITS * 2}", Checksum("sha512", DIGITS * 2), id="sha512-in-capitals"),
    ],
)
def test_parse_checksum(text, checksum):
    assert parse_checksum(text) == checksum


@pytest.mark.parametrize("text", ["", "md5:" + "0" * 32, "0" * 40, "sha256:" + "g" * 64, f"sha512:{DIGITS}", "sha256:"])
def test_what_is_no_checksum_is_refused(text):
    with pytest.raises(CollectionError, match="none of sha256"):
        parse_checksum(text)


def test_require_checksum(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"content")
    right = hashlib.sha256(b"content").hexdigest()
    require_checksum(str(path), Checksum("sha256", right), "x")
    with pytest.raises(CollectionError, match=f"has the checksum sha256:{right}, not sha256:{DIGITS}"):
        require_checksum(str(path), Checksum("sha256", DIGITS), "x")


def test_quote_path():
    assert quote_path('a"b\\c\nd é') == b'"a\\"b\\\\c\\nd ' + "é".encode() + b'"'


def test_write_import():
    out = io.BytesIO()
    assert write_import([MEMBERS[0]], "top/", "refs/x/y", out) == 1
    assert out.getvalue() == (
        b"feature done\ncommit refs/x/y\n"
        b"committer imagefleet.dify <source-checkout@imagefleet.invalid> 315532800 +0000\n"
        b"data 21\nImport of an archive\n\n"
        b'M 100755 inline "run.sh"\ndata 2\n#!\n\ndone\n'
    )
