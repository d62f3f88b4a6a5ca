#!/bin/sh
# Debian packages of any architecture, unpacked into /unpacked without running anything of theirs: unpack_packages.sh
# ARCHITECTURE USER PACKAGE... The target's own package state and users are in /target. USER is added to them.
set -eu
architecture=$1 user=$2
shift 2
apt() {
  apt-get --quiet=2 -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture" \
    -o Dir::State::status=/target/status -o APT::Sandbox::User=root "$@"
}
apt update
apt install --yes --no-install-recommends --download-only "$@"
mkdir -p /unpacked/etc
for package in /var/cache/apt/archives/*.deb; do
  dpkg-deb --extract "$package" /unpacked
done
# These are links to folders below /usr in the image.
for folder in bin sbin lib; do
  if [ -d "/unpacked/$folder" ]; then
    mkdir -p "/unpacked/usr/$folder"
    cp -a "/unpacked/$folder/." "/unpacked/usr/$folder/"
    rm -r "/unpacked/${folder:?}"
  fi
done
cp /target/passwd /target/group /unpacked/etc/
echo "$user:x:999:" >> /unpacked/etc/group
echo "$user:x:999:999::/var/lib/$user:/bin/sh" >> /unpacked/etc/passwd
