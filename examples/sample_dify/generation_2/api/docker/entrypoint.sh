#!/bin/bash
# One image for all parts: MODE is api, worker or migration.
set -e

if [[ "${MIGRATION_ENABLED}" == "true" || "${MODE}" == "migration" ]]; then
  echo "Running migrations"
  flask db upgrade
fi

case "${MODE:-api}" in
  api)
    exec gunicorn \
      --bind "${DIFY_BIND_ADDRESS:-0.0.0.0}:${DIFY_PORT:-5002}" \
      --workers "${SERVER_WORKER_AMOUNT:-1}" \
      --worker-class gthread \
      --threads "${SERVER_WORKER_CONNECTIONS:-8}" \
      --worker-tmp-dir /dev/shm \
      --timeout "${GUNICORN_TIMEOUT:-200}" \
      app:app
    ;;
  worker)
    exec celery -A app.celery worker \
      --concurrency "${CELERY_WORKER_AMOUNT:-1}" \
      --loglevel "${LOG_LEVEL:-INFO}" \
      --queues "${CELERY_QUEUES:-question,note}"
    ;;
  migration)
    echo "The database is up to date"
    ;;
  *)
    echo "MODE is ${MODE}; it must be api, worker or migration." >&2
    exit 2
    ;;
esac
