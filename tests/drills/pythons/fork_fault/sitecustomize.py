"""Give any Python the fault of 3.13.0 to 3.13.3 (CPython gh-134381).

There a Thread that was made before a fork can't be started after it.
"""

import os
import threading
from typing import Any

_make, _start = threading.Thread.__init__, threading.Thread.start
_MADE_IN = "_made_in"


def _make_and_remember(self: threading.Thread, *arguments: Any, **options: Any) -> None:
    _make(self, *arguments, **options)
    setattr(self, _MADE_IN, os.getpid())


def _start_in_the_same_process(self: threading.Thread) -> None:
    if getattr(self, _MADE_IN) != os.getpid():
        raise RuntimeError("thread already started: it was made before a fork")
    _start(self)


threading.Thread.__init__ = _make_and_remember  # type: ignore[method-assign]
threading.Thread.start = _start_in_the_same_process  # type: ignore[method-assign]
