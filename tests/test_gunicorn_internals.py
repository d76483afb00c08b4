"""What config/receiving.py takes for granted of gunicorn's inside, so that a new release can't change it unseen."""

import hashlib
import inspect
import os
import resource
import subprocess
import sys
from importlib.metadata import version

import pytest
from gunicorn.http import wsgi
from gunicorn.http.parser import Parser
from gunicorn.http.unreader import SocketUnreader, Unreader
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import PollableMethodQueue, TConn, ThreadWorker

from config.incoming import Connection
from config.receiving import PatientWorker
from tests.serving import ROOT

# What is overridden, and what is called or called by it. The digest is of the source as we have read it.
READ = {
    TConn.__init__: "c8763d7c6597",
    TConn.init: "5ff3d4ba451c",
    TConn.close: "6d1c334ed197",
    PollableMethodQueue.run_callbacks: "2583376785b0",
    ThreadWorker.__init__: "5681b8b542ea",
    ThreadWorker.run: "f92c7394d857",
    ThreadWorker.accept: "f8dcead3dce5",
    ThreadWorker.handle_exit: "b4e7decd4f92",
    ThreadWorker.set_accept_enabled: "140150ebfd3c",
    ThreadWorker.enqueue_req: "c9f428953d24",
    ThreadWorker.wait_for_and_dispatch_events: "ea969b352482",
    ThreadWorker.on_client_socket_readable: "aead1a3ea7b7",
    ThreadWorker.murder_keepalived: "4459960c4ccc",
    ThreadWorker.murder_pending: "7bf11f464542",
    ThreadWorker.finish_request: "616e7bb15a00",
    ThreadWorker.handle: "ca85c9be3df7",
    ThreadWorker.handle_request: "6d0de5b91910",
    ThreadWorker._keepalive_after: "4ebdbbc8bf5a",
    Worker.handle_error: "75426448389b",
    Unreader.unread: "8e325744dfca",
    Unreader.take_buffered: "89cef5e60e6f",
    SocketUnreader.chunk: "9f62532259f8",
    Parser.finish_body: "54c5d0d28c26",
    Parser.__next__: "b8536520e958",
    wsgi.create: "2c35d4a2dc62",
    wsgi.Response.write: "a13659ff072c",
    wsgi.Response.send_headers: "7aff3b7d004f",
    wsgi.Response.write_file: "dbbc63339312",
}


def digest(function):
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]


@pytest.mark.parametrize("function", READ, ids=lambda function: function.__qualname__)
def test_what_the_worker_relies_on_is_as_it_was_read(function):
    assert digest(function) == READ[function], (
        f"gunicorn {version('gunicorn')} has another {function.__qualname__} than the one config/receiving.py was "
        f"written against. Read the difference, see that tests/test_slow_clients.py and "
        f"tests/test_malformed_requests.py hold, and write {digest(function)!r} here."
    )


@pytest.mark.parametrize(("ours", "theirs"), [(Connection, TConn), (PatientWorker, ThreadWorker)])
def test_what_is_overridden_is_there_and_is_listed(ours, theirs):
    overridden = {name for name in vars(ours) if name in dir(theirs) and callable(getattr(ours, name))}
    overridden -= set(dir(object)) - {"__init__"}
    assert overridden
    assert {getattr(theirs, name).__qualname__ for name in overridden} <= {function.__qualname__ for function in READ}


def test_there_are_never_more_connections_than_file_descriptors_for_them(tmp_path):
    """With none left ``accept`` fails, which gunicorn takes for the end of the worker."""
    code = "import config.gunicorn as g; print(g.worker_connections)"

    def connections(limit):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit),
            capture_output=True,
            check=True,
        )
        return int(done.stdout)

    assert connections((256, 4096)) == 1000  # raised
    assert connections((256, 700)) == 400
    assert connections((256, 256)) == 50
