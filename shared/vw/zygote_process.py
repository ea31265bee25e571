"""A process that has loaded Vowpal Wabbit once and forks for each batch that is to be learned.

`python -m shared.vw.zygote_process DESCRIPTOR` takes orders from a socket, a line of JSON each, and answers with the
ids and the ends of its forks. A fork ends for itself: what VW does to it, no other one meets. When the socket is
closed, which is when the process that orders ends, however that comes about, all of them are killed.
"""

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections import deque
from pathlib import Path

import msgspec

from shared.vw import confinement, learning

FAILED = 1
LONGEST_ORDER = 65_536  # bytes that are read at once
# How long (s) the number of the user's tasks is taken to be what it was: to count them takes 2 ms.
COUNTED_SECONDS = 1.0


class Order(msgspec.Struct, omit_defaults=True):
    """To learn, or to kill the fork of this id. serves, learns, judges: as of `learning.learn_input`.

    With an order to learn come two descriptors: where its events are read from, and where its errors are written to.
    """

    arguments: str = ""
    previous: str | None = None
    predictions: str | None = None
    folder: str = ""
    serves: bool = True
    learns: bool = True
    judges: bool = False
    kill: int = 0


class Told(msgspec.Struct, omit_defaults=True):
    """A fork was made, or has ended: status as of `asyncio.subprocess.Process.returncode`."""

    forked: int = 0
    ended: int = 0
    status: int = 0


class Forks:
    """The forks that run. control: the socket."""

    def __init__(self, control: socket.socket) -> None:
        self._control, self._running = control, set[int]()
        self._unread, self._descriptors = b"", deque[int]()
        self._tasks, self._counted = 0, float("-inf")

    def take_orders(self) -> bool:
        """Carries out what has come; False at the end."""
        data, descriptors, *_ = socket.recv_fds(self._control, LONGEST_ORDER, 16)
        self._descriptors.extend(descriptors)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            order = msgspec.json.decode(line, type=Order)
            if order.kill in self._running:
                os.kill(order.kill, signal.SIGKILL)
            elif order.folder:
                self._fork(order, self._descriptors.popleft(), self._descriptors.popleft())
        return bool(data)

    def reap(self) -> None:
        """Tells of those that have ended."""
        with contextlib.suppress(ChildProcessError):
            while True:
                process, status = os.waitpid(-1, os.WNOHANG)
                if not process:
                    return
                self._running.discard(process)
                self._tell(Told(ended=process, status=os.waitstatus_to_exitcode(status)))

    def kill(self) -> None:
        for process in self._running:
            os.kill(process, signal.SIGKILL)

    def _fork(self, order: Order, events: int, errors: int) -> None:
        tasks = self._count_tasks()
        process = os.fork()
        if not process:
            self._control.close()
            confinement.limit(tasks)
            _become_learner(order, events, errors)
        os.close(events)
        os.close(errors)
        self._running.add(process)
        self._tell(Told(forked=process))

    def _count_tasks(self) -> int:
        if time.monotonic() - self._counted > COUNTED_SECONDS:
            self._tasks, self._counted = confinement.tasks(), time.monotonic()
        return self._tasks

    def _tell(self, told: Told) -> None:
        self._control.sendall(msgspec.json.encode(told) + b"\n")


def _become_learner(order: Order, events: int, errors: int) -> None:
    """What a fork does, to its end."""
    status = FAILED
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor, target in ((events, 0), (errors, 2)):
            os.dup2(descriptor, target)
            os.close(descriptor)
        previous, predictions = (Path(one) if one else None for one in (order.previous, order.predictions))
        status = learning.learn_input(
            order.arguments,
            previous,
            Path(order.folder),
            predictions,
            serves=order.serves,
            learns=order.learns,
            judges=order.judges,
        )
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Entry point of the process."""
    # What forks would load, each for itself.
    import resource  # noqa: F401

    from shared.vw import model  # noqa: F401

    gc.freeze()  # what is shared with forks stays shared
    waking, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; who orders decides
    with socket.socket(fileno=int(sys.argv[1])) as control, selectors.DefaultSelector() as selector:
        forks = Forks(control)
        selector.register(control, selectors.EVENT_READ)
        selector.register(waking, selectors.EVENT_READ)
        going = True
        try:
            while going:
                ready = {key.fd for key, _ in selector.select()}
                if waking in ready:
                    os.read(waking, 512)
                if control.fileno() in ready:
                    going = forks.take_orders()
                forks.reap()
        finally:
            forks.kill()


if __name__ == "__main__":
    main()
