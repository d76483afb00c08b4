"""Which worker takes a new client: one that has no more of them than the others.

All workers wait for clients at one socket, and whoever is awake is quickest: of eight clients that came together one
worker took all, and with one worker's thread of Python at a time half of two cores stood idle.
"""

import mmap

_SLOTS = 64
_NOBODY = 0xFFFF


class Turns:
    """How many clients each worker of a master has. Made before the workers are forked, and seen by all of them.

    It is only about manners: what is out of date in it costs a new client a moment, and nothing else.
    """

    def __init__(self) -> None:
        self._clients = memoryview(mmap.mmap(-1, 2 * _SLOTS)).cast("H")
        for slot in range(_SLOTS):
            self._clients[slot] = _NOBODY

    def note(self, worker: int, clients: int) -> None:
        """``worker`` is its age: the first of a master is 1."""
        self._clients[worker % _SLOTS] = max(0, min(clients, _NOBODY - 1))

    def forget(self, worker: int) -> None:
        """It has gone, perhaps without a word."""
        self._clients[worker % _SLOTS] = _NOBODY

    def somebody_has_fewer(self, clients: int) -> bool:
        return min(self._clients) < clients


turns = Turns()
