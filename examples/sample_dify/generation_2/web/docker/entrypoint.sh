#!/bin/sh
# The names that a deployment sets become those that the server reads.
set -e

export NEXT_PUBLIC_API_PREFIX="${CONSOLE_API_URL}/console/api"
export HOSTNAME="${BIND_ADDRESS:-0.0.0.0}"

exec node web/server.js
