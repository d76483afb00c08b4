"""What runs beside the web processes.

- ``run``: the worker process.
- ``jobs``: the queue of jobs.
- ``duties``: periodic duties.
- ``schedule``: when a duty is due.
- ``lane``: one thread of work.
- ``listener``: waking by NOTIFY.
- ``wake``: sending NOTIFY.
- ``heartbeat``: leases and their holders.
- ``presence``: which workers live.
- ``failures``: retries with growing distance.
- ``status``: what metrics and the home page show.
"""
