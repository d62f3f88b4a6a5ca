# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How emulators come back after a restart: the files that do it, and what is in them. Pure.

Both ways read ``/etc/binfmt.d``: systemd-binfmt where systemd runs, a boot script of ours where it does not. So a host
that changes its init system keeps its emulators.
"""

from __future__ import annotations

import re

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import Architecture
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.registration import Registration

BINFMT_MISC = "/proc/sys/fs/binfmt_misc"
CONF_DIR = "/etc/binfmt.d"
BOOT_SCRIPT_NAME = "imagefleet-binfmt"
BOOT_SCRIPT = f"/etc/init.d/{BOOT_SCRIPT_NAME}"
KEPT_DIR = "/usr/local/lib/imagefleet/emulators"

_FROM_IMAGE = re.compile(r"^# From the image (\S+)$", re.MULTILINE)

# Required-Start has no $remote_fs: emulators lie on the root file system or /usr, which are mounted earlier.
BOOT_SCRIPT_TEXT = f"""#!/bin/sh
### BEGIN INIT INFO
# Provides:          {BOOT_SCRIPT_NAME}
# Required-Start:    $local_fs
# Required-Stop:
# X-Start-Before:    docker containerd
# Default-Start:     2 3 4 5
# Default-Stop:
# Short-Description: Register the emulators of {CONF_DIR}/qemu-*.conf
### END INIT INFO
# Managed by imagefleet.dify.binfmt. What is registered already is left alone, so it may run at any time.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
misc={BINFMT_MISC}

register() {{
    failed=0
    [ -d "$misc" ] || modprobe binfmt_misc
    [ -e "$misc/register" ] || mount -t binfmt_misc binfmt_misc "$misc" || return 1
    for file in {CONF_DIR}/qemu-*.conf; do
        [ -s "$file" ] || continue
        while IFS= read -r line; do
            case "$line" in '' | '#'* | ';'*) continue ;; esac
            name=${{line#:}}
            name=${{name%%:*}}
            [ -e "$misc/$name" ] && continue
            if printf '%s' "$line" > "$misc/register"; then
                echo "{BOOT_SCRIPT_NAME}: registered $name"
            else
                echo "{BOOT_SCRIPT_NAME}: the kernel refused $name of $file" >&2
                failed=1
            fi
        done < "$file"
    done
    return $failed
}}

case "${{1:-}}" in
    start | restart | force-reload) register ;;
    # Nothing runs, so nothing is stopped; emulators may be in use until the very end.
    stop) ;;
    status) ls "$misc" ;;
    *)
        echo "Usage: $0 start|stop|restart|force-reload|status" >&2
        exit 2
        ;;
esac
"""


def conf_path(architecture: Architecture) -> str:
    """The file for one emulator; it takes the place of a distribution's file of the same name in /usr/lib/binfmt.d."""
    return f"{CONF_DIR}/{architecture.emulator}.conf"


def kept_path(architecture: Architecture) -> str:
    """Where an image's emulator is kept, since its own path exists in the image only."""
    return f"{KEPT_DIR}/{architecture.emulator}"


def render_conf(registration: Registration, image: str | None) -> str:
    """The content of :func:`conf_path`."""
    origin = f"# From the image {image}\n" if image else ""
    return f"# Managed by imagefleet.dify.binfmt\n{origin}{registration.line()}\n"


def image_in_conf(text: str | None) -> str | None:
    """The image that the emulator of a rendered file came from, if any."""
    match = _FROM_IMAGE.search(text or "")
    return match[1] if match else None
