#!/bin/sh
# Writes nginx's configuration from its templates and the environment, then runs it in the foreground.
set -eu

HTTPS_CONFIG=""
if [ "${NGINX_HTTPS_ENABLED:-false}" = true ]; then
  HTTPS_CONFIG="$(envsubst < /etc/nginx/https.conf.template)"
fi
export HTTPS_CONFIG
# nginx has variables of its own, which stay.
# shellcheck disable=SC2016
envsubst '${HTTPS_CONFIG}' < /etc/nginx/conf.d/default.conf.template > /etc/nginx/conf.d/default.conf

exec nginx -g 'daemon off;'
