#!/bin/sh
# In the place of the source's script: makes squid.conf of the template and the environment, then runs Squid.
set -eu
sed -e "s|\${HTTP_PORT}|$HTTP_PORT|g" -e "s|\${REVERSE_PROXY_PORT}|$REVERSE_PROXY_PORT|g" \
  -e "s|\${SANDBOX_HOST}|$SANDBOX_HOST|g" -e "s|\${SANDBOX_PORT}|$SANDBOX_PORT|g" \
  /etc/squid/squid.conf.template > /etc/squid/squid.conf
exec squid -NYC -f /etc/squid/squid.conf
