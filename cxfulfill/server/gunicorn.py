"""The shipped gunicorn settings, for Cloud Run and for a machine of one's own.

``gunicorn -c python:cxfulfill.server.gunicorn main:app``. A flag on the command line wins over each of them.
Environment: ``PORT`` (8080), ``WEB_CONCURRENCY`` (worker processes, 1), ``CXFULFILL_THREADS`` (threads in each, 8).

Outside Cloud Run, put a buffering proxy in front: a client that sends its headers slowly holds a thread, and no
setting of gunicorn ends that.
"""

import os

bind = f"0.0.0.0:{os.environ.get('PORT', '8080')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
worker_class = "gthread"
threads = int(os.environ.get("CXFULFILL_THREADS", "8"))

# Above the 30 seconds that CX waits at most, and a grace: a worker is never ended under a call that CX awaits.
timeout = 40
# Cloud Run kills a container 10 seconds after SIGTERM; elsewhere the longest call may end.
graceful_timeout = 9 if "K_SERVICE" in os.environ else 35
keepalive = 75

# No way in besides HTTP, and no word of a proxy is believed: nothing here depends on scheme or client address.
control_socket_disable = True
forwarded_allow_ips = ""
forwarder_headers = ""

# Room for an ID token or a client certificate in one header, and a bound for the rest.
limit_request_line = 4094
limit_request_fields = 100
limit_request_field_size = 8190

# A worker's heartbeat file belongs in memory: on a slow disk it can stall the worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108
