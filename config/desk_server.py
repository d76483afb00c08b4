"""gunicorn as `make run` has it: in this process, on a port that is ours already, with quick and whole ends."""

import contextlib
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from config import gunicorn as chosen
from config import metrics_folder
from config.filler import Filler


class DeskServer(BaseApplication):
    """config/gunicorn.py, with the hooks below instead of a command line."""

    def __init__(
        self, listener: socket.socket, greeting: str, *, filler: Filler, leave_to_master: Callable[[], None]
    ) -> None:
        self.descriptor = listener.detach()  # gunicorn's from here on
        self.greeting = greeting
        self.filler = filler  # each worker has its own copy
        self.leave_to_master = leave_to_master
        self.hangup_ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # nohup
        super().__init__()

    def load_config(self) -> None:
        for name, value in vars(chosen).items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)
        self.cfg.set("bind", f"fd://{self.descriptor}")
        self.cfg.set("loglevel", "error")  # stopping is no news here
        self.cfg.set("graceful_timeout", 5)
        # Wrapped, since gunicorn counts the arguments of what it is given.
        self.cfg.set("when_ready", lambda arbiter: self.go_with_the_terminal())
        self.cfg.set("post_fork", lambda arbiter, worker: self.begin_worker())
        self.cfg.set("post_worker_init", lambda worker: self.begin_work(first=worker.age == 1))
        self.cfg.set("worker_exit", lambda arbiter, worker: self.filler.stop())
        self.cfg.set("on_exit", lambda arbiter: self.leave(arbiter.WORKERS))

    def load(self) -> Any:
        from config.wsgi import application

        return application

    def go_with_the_terminal(self) -> None:
        """gunicorn would reload itself when the terminal is closed."""
        stop = signal.SIG_IGN if self.hangup_ignored else lambda *_: os.kill(os.getpid(), signal.SIGTERM)
        signal.signal(signal.SIGHUP, stop)

    def begin_worker(self) -> None:
        self.leave_to_master()
        # Until the worker has handlers of its own it has a copy of the master's, which would swallow the end.
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)

    def begin_work(self, *, first: bool) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all, and the master tells the workers
        self.filler.start()
        if first:  # it serves from now on, so what the greeting says is true
            print(self.greeting, flush=True)

    def leave(self, workers: dict[int, Any]) -> None:
        metrics_folder.remove()
        self.wait_for_killed(workers)

    def wait_for_killed(self, workers: dict[int, Any]) -> None:
        """gunicorn kills who outlives its grace, and goes: then the master would not leave the database last."""
        for pid in workers:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
