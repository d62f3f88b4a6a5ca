# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root file system of an optimised image, made on the build platform from the base's files of the target's. Pure."""

from __future__ import annotations

import shlex
from typing import Sequence

#: Name of the stage, and the folder in it.
STAGE = "imagefleet-root"
ROOT = "/root-of-image"
#: Who the image runs as, and where that user's home is.
UID = 1001
USER = "dify"
HOME = "/home/dify"
#: What the image starts first.
INIT = "/usr/bin/tini"
#: What the image's health check is, inside it.
HEALTH_CHECK = "/usr/local/lib/imagefleet/health_check"
#: Packages that had to be left to a step in the image, because they bring scripts of their own.
LEFT_PACKAGES = "/var/cache/imagefleet/packages"

_BASE_STAGE = "imagefleet-base"
# What was downloaded, by architecture. Builds at once wait for each other's downloads, and not for what they do with them.
_ARCHIVES = "/var/cache/imagefleet-apt"
_ARCHIVES_MOUNT = f"type=cache,id=imagefleet-apt,target={_ARCHIVES}"

_FETCH = f"""\
set -eu
root={ROOT}
archives={_ARCHIVES}/$TARGETARCH
packages={{packages}}
wanted={{wanted}}
if command -v apt-get > /dev/null; then
  # The archive's files for the target, read and unpacked by this platform's programs.
  options="-o Dir::State=$root/var/lib/apt -o Dir::State::status=$root/var/lib/dpkg/status
    -o Dir::Cache=/tmp/imagefleet-apt -o Dir::Cache::archives=$archives/archives
    -o APT::Architecture=$TARGETARCH -o APT::Architectures::=$TARGETARCH -o APT::Sandbox::User=root"
  mkdir -p "$archives/archives/partial" /tmp/imagefleet-apt
  lock=""
  if command -v flock > /dev/null; then lock="flock $archives/downloads"; fi
  apt-get $options update -o APT::Update::Error-Mode=any
  $lock apt-get $options install --download-only --yes --no-install-recommends $packages $wanted
  plain=""
  # What is kept of other times is no part of this: apt says what it installs, and their files are named after that.
  for name in $(apt-get $options install --simulate --no-install-recommends $packages $wanted |
    sed -n -e 's/^Inst \\([^ ]*\\) \\(\\[[^]]*\\] \\)*(\\([^ ]*\\) .*/\\1_\\3/p' | sed 's/:/%3a/g'); do
    package=$(ls "$archives/archives/$name"_*.deb)
    if [ -n "$wanted" ] && dpkg-deb --ctrl-tarfile "$package" | tar -t | grep -qE '^\\./(preinst|postinst|config|triggers)$'; then
      mkdir -p "$root{LEFT_PACKAGES}"
      cp "$package" "$root{LEFT_PACKAGES}/"
    else
      plain="$plain $package"
    fi
  done
  # These bring no scripts, so nothing of the target's platform is run.
  [ -z "$plain" ] || dpkg --root="$root" --force-architecture --force-depends --no-triggers --install $plain
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/lib/dpkg/*-old
elif command -v apk > /dev/null; then
  apk --root "$root" --arch "$(cat "$root/etc/apk/arch")" --keys-dir /etc/apk/keys --repositories-file /etc/apk/repositories \\
    --no-cache --no-scripts add $packages $wanted
  [ -e "$root{INIT}" ] || ln -s /sbin/tini "$root{INIT}"
else
  echo "The base image has neither apt-get nor apk: the recipe optimised needs one for its init process." >&2
  exit 1
fi
"""

_TIDY = f"""\
# Who the image runs as.
if ! grep -q '^[^:]*:[^:]*:{UID}:' "$root/etc/passwd"; then
  echo '{USER}:x:{UID}:{UID}::{HOME}:/bin/sh' >> "$root/etc/passwd"
  grep -q '^[^:]*:[^:]*:{UID}:' "$root/etc/group" || echo '{USER}:x:{UID}:' >> "$root/etc/group"
fi
mkdir -p "$root{HOME}"
chown {UID}:{UID} "$root{HOME}"
# Nothing in the image becomes another user.
find "$root" -xdev -type f -perm /6000 -exec chmod ug-s {{}} +
# What only people and compilers read. Licences stay.
[ ! -d "$root/usr/share/doc" ] || find "$root/usr/share/doc" -type f ! -name 'copyright*' -delete
rm -rf "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/* "$root"/usr/share/lintian \\
  "$root"/usr/share/zoneinfo/right "$root"/usr/share/zoneinfo/posix "$root"/usr/include \\
  "$root"/usr/local/include "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old \\
  "$root"/var/log/* "$root"/tmp/* "$root"/root/.cache "$root"/root/.npm
find "$root/usr" -name '*.a' -type f -delete
find "$root/usr" -depth -type d -empty -path '*/doc/*' -delete
"""


def root_stages(base: str, packages: Sequence[str], tidy: Sequence[str], health_check: str) -> list[str]:
    """Lines of the stages that make :data:`ROOT` in :data:`STAGE`.

    :param base: name of the image whose files they are.
    :param packages: of the operating system, besides the init process.
    :param tidy: shell commands that remove what this kind of image does not need; the folder is in ``$root``.
    :param health_check: a program.
    """
    script = (
        _FETCH.format(packages="tini", wanted=shlex.quote(" ".join(packages)))
        + _TIDY
        + "".join(f"{command}\n" for command in tidy)
    )
    return [
        f"FROM {base} AS {_BASE_STAGE}",
        "",
        f"FROM --platform=$BUILDPLATFORM {base} AS {STAGE}",
        "USER root",
        f"COPY --from={_BASE_STAGE} / {ROOT}",
        *heredoc_file(health_check, f"{ROOT}{HEALTH_CHECK}", "0755"),
        "ARG TARGETARCH",
        *heredoc_step(script, [_ARCHIVES_MOUNT]),
    ]


def configure_step() -> list[str]:
    """The one step that has to run where the image does: scripts of packages that bring some."""
    return heredoc_step(
        "set -eu\n"
        f"if [ -d {LEFT_PACKAGES} ]; then\n"
        "  export DEBIAN_FRONTEND=noninteractive\n"
        f"  dpkg --install {LEFT_PACKAGES}/*.deb || dpkg --configure --pending\n"
        f"  rm -rf {LEFT_PACKAGES} /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/* /var/cache/ldconfig/aux-cache\n"
        "  find /usr/share/doc -type f ! -name 'copyright*' -delete\n"
        "  rm -rf /usr/share/man/* /usr/share/locale/* /usr/include\n"
        '  test -z "$(dpkg --audit)"\n'
        "fi\n"
    )


def heredoc_step(script: str, mounts: Sequence[str] = ()) -> list[str]:
    """A ``RUN`` of a shell script."""
    flags = "".join(f"--mount={mount} " for mount in mounts)
    return [f"RUN {flags}<<'IMAGEFLEET'", *script.splitlines(), "IMAGEFLEET"]


def heredoc_file(content: str, path: str, mode: str) -> list[str]:
    """A ``COPY`` of a text."""
    return [f"COPY --chmod={mode} <<'IMAGEFLEET' {path}", *content.splitlines(), "IMAGEFLEET"]
