"""gunicorn for the board: threads, because a slow query must not hold up the fast ones (measured)."""

import subprocess
import sys

from dashboard.settings import read_settings

_settings = read_settings()

bind = f"{_settings.host}:{_settings.port}"
worker_class = "gthread"
workers = _settings.workers
threads = _settings.threads
# Never preload: a DuckDB connection opened before the fork crashes its workers at stop (measured).
preload_app = False
timeout = 60
graceful_timeout = 10
keepalive = 30
limit_request_line = 8190
limit_request_fields = 60
accesslog = None
errorlog = "-"
loglevel = "warning"


def on_starting(_server: object) -> None:
    """Compress the script bundles tightly beside the board; a board without them only loads slower."""
    subprocess.Popen([sys.executable, "-m", "dashboard.shell.static"], stdout=subprocess.DEVNULL)
