# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.step_effects import (
    StepEffects,
    effects_of_step,
    out_path,
)


@pytest.mark.parametrize(
    "text, effects",
    [
        pytest.param(
            "apt-get update && apt-get install -y --no-install-recommends curl libmagic1 && rm -rf /var/lib/apt/lists/*",
            StepEffects(packages=["curl", "libmagic1"]),
            id="packages-of-debian",
        ),
        pytest.param("apk add --no-cache tzdata", StepEffects(packages=["tzdata"]), id="packages-of-alpine"),
        pytest.param(
            "groupadd -r -g 1001 dify && useradd -r -u 1001 -g 1001 dify && chown -R dify:dify /app",
            StepEffects(owned=["/app"]),
            id="an-account-is-ours-to-make",
        ),
        pytest.param("chmod +x /entrypoint.sh", StepEffects(commands=["chmod +x /out/entrypoint.sh"]), id="mode"),
        pytest.param("mkdir data", StepEffects(commands=["mkdir -p /out/app/data"]), id="relative-folder"),
        pytest.param(
            "ln -s /usr/share/zoneinfo/UTC /etc/localtime && echo UTC > /etc/timezone",
            StepEffects(
                commands=[
                    "mkdir -p /out/etc && ln -sfn /usr/share/zoneinfo/UTC /out/etc/localtime",
                    "mkdir -p /out/etc && echo UTC > /out/etc/timezone",
                ]
            ),
            id="link-and-text",
        ),
        pytest.param("pip install --no-cache-dir uv==0.8.9", StepEffects(), id="tool-of-the-build"),
        pytest.param("corepack enable", StepEffects(), id="corepack"),
        pytest.param("npm install --global pnpm@9.15.9", StepEffects(), id="package-manager"),
        pytest.param(
            "yarn global add pm2 && yarn cache clean && mkdir /.pm2 && chown -R 1001:0 /.pm2 /app/web",
            StepEffects(programs=["pm2"], commands=["mkdir -p /out/.pm2"], owned=["/.pm2", "/app/web"]),
            id="program-for-everybody",
        ),
        pytest.param("pnpm add -g pm2", StepEffects(programs=["pm2"]), id="program-by-pnpm"),
        pytest.param("python -c 'import nltk; nltk.download(1)'", None, id="a-program-has-to-run"),
        pytest.param("apt-get update && curl -fsSL https://example.com | gpg --dearmor", None, id="pipe"),
        pytest.param("chmod 755 /srv/*", None, id="pattern"),
        pytest.param("chmod +x /a && ./configure", None, id="one-unknown-command-is-enough"),
        pytest.param("echo $(date) > /etc/built", None, id="command-in-a-text"),
        pytest.param("rm -rf /usr/share/doc", None, id="files-of-the-base-are-removed"),
        pytest.param("pip install requests", None, id="package-outside-of-the-environment"),
        pytest.param("npm install", None, id="modules-in-the-last-stage"),
        pytest.param("chmod 'unfinished", None, id="quote-without-an-end"),
    ],
)
def test_effects_of_a_step(text, effects):
    assert effects_of_step(text, "/app") == effects


@pytest.mark.parametrize(
    "path, workdir, result",
    [
        pytest.param("/entrypoint.sh", "/app", "/out/entrypoint.sh", id="absolute-file"),
        pytest.param("./", "/app/web", "/out/app/web/", id="the-folder-itself"),
        pytest.param(".", "/app/web", "/out/app/web/", id="dot"),
        pytest.param("public/", "/app", "/out/app/public/", id="relative-folder"),
        pytest.param("a/../b", "", "/out/b", id="no-workdir"),
        pytest.param("/", "", "/out/", id="root"),
    ],
)
def test_out_path(path, workdir, result):
    assert out_path(path, workdir) == result
