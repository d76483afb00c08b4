"""Background work: jobs and periodic duties.

- ``run``: the worker process.
- ``jobs``: the queue of jobs.
- ``duties``: periodic duties.
- ``schedule``: when a duty is due.
- ``lane``: one thread for each queue.
- ``listener``: wakes the worker by LISTEN.
- ``wake``: sends NOTIFY.
- ``heartbeat``: renews leases.
- ``presence``: which workers are alive.
- ``failures``: delays of retries and takeovers.
- ``status``: what metrics and the home page show.
"""
