"""One client of config/receiving.py: what has arrived of its next request, and whether it is all there.

Only as much of HTTP is understood here as tells where a request ends. What gunicorn's parser would read otherwise, so
that a thread would wait for the rest, or what a proxy in front might, is refused.
"""

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.conf import settings
from gunicorn.http.errors import (
    InvalidChunkSize,
    InvalidHeader,
    InvalidHTTPVersion,
    LimitRequestHeaders,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.workers.gthread import TConn

if TYPE_CHECKING:
    from config.receiving import PatientWorker

MOST_HEAD = 65_536
PIECE = 65_536

_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*0*([0-9]{1,18})([0-9]*)[ \t]*\r\n", re.IGNORECASE)
_CODED = re.compile(rb"\r\ntransfer-encoding[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\n(expect)[ \t]*:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_HOST = re.compile(rb"\r\nhost[ \t]*:", re.IGNORECASE)
# Size and extensions; a size of more digits is none that we would read to the end.
_CHUNK_SIZE = re.compile(rb"(?=[0-9a-f])0*([0-9a-f]{0,8})(?:;[^\r\n]{0,64})?\r\n", re.IGNORECASE)


class BodyTooLarge(ParseException):
    pass


class Connection(TConn):
    """gunicorn's, with what has arrived of the next request, and how much there is to come."""

    def __init__(self, worker: "PatientWorker", *arguments: Any) -> None:
        super().__init__(*arguments)
        self.worker = worker
        self.most_body = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        self.handled_since = 0.0
        self.drained = 0
        self.gone = False
        self.received = bytearray()
        self.refusal: Exception | None = None  # of what gunicorn's parser need not see, or would wait for
        self.begin()

    def begin(self) -> None:
        """Expect another request, of which some may have come behind the one before."""
        if self.initialized:
            self.received += self.parser.unreader.take_buffered()
        self.head = 0  # its length, once it is known
        self.end = 0  # where the request ends; of a chunked one, where its next chunk begins
        self.chunked = False
        self.body = 0  # decoded bytes of the chunks so far
        self.whole = False

    def next_comes_within(self, seconds: float) -> bool:
        """Whether another request is there by then, whole. What has come of one stays here."""
        self.begin()
        if not self.received:
            try:
                self.sock.settimeout(seconds)
                self.received += self.sock.recv(PIECE)
                self.gone = not self.received
            except (TimeoutError, InterruptedError):
                return False
            except OSError:
                self.gone = True
        return not self.gone and self.is_ready()

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self.worker.linger(self)
        else:
            super().close()

    def is_ready(self) -> bool:
        """Whether a thread can do with what has arrived without waiting for more."""
        if not self.head and not self._read_head():
            return self.refusal is not None or self._has_bare_line_feed
        if self.refusal:
            return True
        if not self.chunked:
            self.whole = len(self.received) >= self.end
            return self.whole or self.end - self.head > self.most_body
        return self._read_chunks()

    @property
    def is_hopeless(self) -> bool:
        """Chunks with more frames than content: nobody means well with it."""
        return self.head > 0 and len(self.received) > self.head + 8 * self.most_body

    @property
    def _has_bare_line_feed(self) -> bool:
        """Such a head has no end, and is refused as it is."""
        return self.received.count(b"\n") != self.received.count(b"\r\n")

    def _read_head(self) -> bool:
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            if len(self.received) > MOST_HEAD:
                self.refusal = LimitRequestHeaders("a head without an end")
            return False
        self.head = self.end = end + 4
        head = bytes(self.received[: self.head])
        version = head[: head.find(b"\r\n", 2)][-9:]
        if version == b" HTTP/1.1":
            if not _HOST.search(head):
                self.refusal = InvalidHeader("HOST")
                return True
        elif version != b" HTTP/1.0":
            self.refusal = InvalidHTTPVersion("another")
            return True
        length = _LENGTH.search(head)
        if coded := _CODED.search(head):
            self.chunked = coded[1].strip(b" \t").lower() == b"chunked"
            if length or not self.chunked:  # some of these gunicorn would read, in a thread
                self.refusal = UnsupportedTransferCoding("something else than chunks")
                return True
        elif length:
            self.end += int(length[1]) if not length[2] else 10**18
        if expected := _EXPECT.search(head):
            # Said here, and not a second time by whoever reads the header.
            self.received[expected.start(1) : expected.end(1)] = b"x-told"
            if self.end - self.head <= self.most_body:
                with suppress(OSError):  # it may have gone meanwhile; the loop has others to care for
                    self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _read_chunks(self) -> bool:
        """Go from chunk to chunk as far as they have arrived; whether the last one has."""
        while frame := _CHUNK_SIZE.match(self.received, self.end):
            size = int(frame[1] or b"0", 16)
            if size == 0:
                self.whole = self.received.find(b"\r\n\r\n", frame.end() - 2) >= 0
                return self.whole
            if self.body + size > self.most_body:
                self.refusal = BodyTooLarge()
                return True
            if len(self.received) < frame.end() + size + 2:
                return False
            self.body += size
            self.end = frame.end() + size + 2
        if len(self.received) > self.end + 80 or self.received.find(b"\n", self.end) >= 0:
            self.refusal = InvalidChunkSize(b"")
        return self.refusal is not None
