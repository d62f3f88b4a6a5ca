# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.installed_file import InstalledFile, context_paths


def file(dest, **options):
    return InstalledFile("files[0]", dest, b"", **options)


@pytest.mark.parametrize(
    "dest",
    ["", "/", "//", "etc/x", "./x", "/etc/", "/etc/../x", "/etc/./x", "//etc/x", "/a\nb", "/a\x00", "/a<<b", "/proc/x", "/dev",
     f"/{'x' * 256}", "/\ud800"],
)  # fmt: skip
def test_where_no_file_can_be(dest):
    with pytest.raises(CollectionError) as error:
        file(dest)
    assert error.value.msg.startswith("files[0] has the dest ")


@pytest.mark.parametrize(
    "options, words",
    [
        pytest.param({"mode": "420"}, "the mode '420'. Write four octal digits", id="yaml-reads-0644-as-420"),
        pytest.param({"mode": "u+x"}, "the mode 'u+x'", id="symbolic"),
        pytest.param({"mode": "0888"}, "the mode '0888'", id="not-octal"),
        pytest.param({"mode": "0644 x"}, "the mode '0644 x'", id="more-than-a-mode"),
        pytest.param({"owner": "a b"}, "the owner 'a b'", id="owner"),
        pytest.param({"owner": "$USER"}, "the owner '$USER'", id="a-variable"),
        pytest.param({"group": "-1"}, "the group '-1'", id="group"),
        pytest.param({"group": ""}, "the group ''", id="no-group"),
    ],
)
def test_whose_no_file_can_be(options, words):
    with pytest.raises(CollectionError) as error:
        file("/etc/x", **options)
    assert words in error.value.msg


@pytest.mark.parametrize(
    "dest, path",
    [
        pytest.param("/etc/x.d/a_b+c", "files/etc/x.d/a_b+c", id="plain"),
        pytest.param("/etc/two words", "other/0", id="a-space"),
        pytest.param("/etc/[a]*", "other/0", id="wildcards"),
        pytest.param("/etc/größe", "other/0", id="not-ascii"),
        pytest.param("/etc/$HOME", "other/0", id="a-variable"),
    ],
)
def test_what_a_build_calls_it(dest, path):
    assert list(context_paths([file(dest)])) == [path]


@pytest.mark.parametrize(
    "dests, words",
    [
        pytest.param(["/etc/x", "/etc/x"], "files[0] and files[1] both have the dest '/etc/x'", id="twice"),
        pytest.param(["/etc/x/y/z", "/etc/x"], "files[1] makes '/etc/x' a file, and files[0] needs it", id="a-folder"),
        pytest.param([f"/etc/{number}" for number in range(81)], "81 files and scripts are more than", id="too-many"),
    ],
)
def test_files_that_cannot_be_together(dests, words):
    files = [InstalledFile(f"files[{number}]", dest, b"") for number, dest in enumerate(dests)]
    with pytest.raises(CollectionError) as error:
        context_paths(files)
    assert words in error.value.msg
