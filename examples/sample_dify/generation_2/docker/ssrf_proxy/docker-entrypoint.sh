#!/bin/sh
# Writes squid.conf from its template and the environment, then runs Squid in the foreground.
set -eu

HTTP_PORT="${HTTP_PORT:-3128}"
COREDUMP_DIR="${COREDUMP_DIR:-/var/spool/squid}"

sed -e "s|\${HTTP_PORT}|${HTTP_PORT}|g" -e "s|\${COREDUMP_DIR}|${COREDUMP_DIR}|g" \
  /etc/squid/squid.conf.template > /etc/squid/squid.conf

# Squid writes as a user of its own, who may not write to the container's output: a second process passes its log on.
touch /var/log/squid/access.log /var/log/squid/cache.log
chown proxy /var/log/squid/access.log /var/log/squid/cache.log
tail -F /var/log/squid/access.log /var/log/squid/cache.log &

exec squid -NYC -f /etc/squid/squid.conf
