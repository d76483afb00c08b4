"""gunicorn for `make run`: started in this process, and stopped quickly."""

import os
import signal
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from config import gunicorn_conf
from config.dev.worker import BackgroundWorker

if TYPE_CHECKING:
    from config.dev.run import PortLock


class DeskServer(BaseApplication):
    """gunicorn with the production settings and the hooks below, without a command line."""

    def __init__(
        self, greeting: str, *, port_lock: "PortLock", background: BackgroundWorker
    ) -> None:
        self.greeting = greeting
        self.port_lock = port_lock
        self.background = background
        self.hangup_ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # nohup
        # One byte: the first worker that reads it prints the greeting.
        self.turn, turn = os.pipe()
        os.set_blocking(self.turn, False)
        os.write(turn, b"1")
        os.close(turn)
        super().__init__()

    def load_config(self) -> None:
        for name, value in vars(gunicorn_conf).items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)
        self.cfg.set("loglevel", "error")  # do not log that it stops
        self.cfg.set("graceful_timeout", 5)
        # Wrapped, because gunicorn counts the arguments of its hooks.
        self.cfg.set("when_ready", lambda server: self.go_with_the_terminal())
        self.cfg.set("post_fork", lambda server, worker: self.begin_worker())
        self.cfg.set("post_worker_init", lambda worker: self.begin_work(worker))
        self.cfg.set("on_exit", lambda server: self.leave(server))

    def load(self) -> Any:
        from config.wsgi import application

        return application

    def go_with_the_terminal(self) -> None:
        """Stop when the terminal is closed, instead of gunicorn's reload."""
        stop = (
            signal.SIG_IGN
            if self.hangup_ignored
            else lambda *_: os.kill(os.getpid(), signal.SIGTERM)
        )
        signal.signal(signal.SIGHUP, stop)

    def begin_worker(self) -> None:
        self.port_lock.leave_to_master()
        # Until the worker sets its handlers it has the master's, which would ignore SIGTERM.
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)

    def begin_work(self, worker: object) -> None:
        gunicorn_conf.post_worker_init(worker)
        # Ctrl-C reaches all processes, and the master stops the workers.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if os.read(self.turn, 1):  # it serves from now on, so the greeting is true
            print(self.greeting, flush=True)

    def leave(self, server: object) -> None:
        gunicorn_conf.on_exit(server)
        self.background.stop()
        # gunicorn kills workers that outlive its grace, and exits without waiting for them.
        # The master must be the last user of the embedded database.
        self.port_lock.wait_for_workers()
