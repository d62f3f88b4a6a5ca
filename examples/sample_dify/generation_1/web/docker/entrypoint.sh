#!/bin/bash
# From the names that the Compose file knows to those that the pages read. Read at start, so that one image serves any address.
set -e

# Where the browser finds the api: nothing before the path means the page's own address.
export NEXT_PUBLIC_API_PREFIX="${CONSOLE_API_URL}/console/api"
export NEXT_PUBLIC_LOCALE="${DEFAULT_LOCALE}"
# Where this server finds it.
export API_INTERNAL_URL="${API_INTERNAL_URL:-http://api:5001}"
export HOSTNAME="${BIND_ADDRESS:-0.0.0.0}"
export PORT="${PORT:-3000}"

# Dify starts pm2 here. One process that the container's engine restarts needs no manager.
exec node /app/web/server.js
