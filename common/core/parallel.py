"""Work on several processors: the same task for many numbers, and the same numbers on any number of threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import wait
from typing import TypeVar

import cv2
import torch

from .errors import FaceEditError
from .numbers import whole_number

T = TypeVar("T")


def each(task: Callable[[int], T], numbers: Iterable[int], workers: int) -> Generator[T]:
    """The results of a task for each number, in order; of several `workers`, each is a process.

    Stopping early leaves no process behind: those at work finish their number.

    Raises:
        InputError: not a whole number of workers, 1 or more.
        FaceEditError: a worker was killed, as happens when memory runs out.
    """
    whole_number("workers", workers, 1, 1024)
    if workers == 1:
        yield from map(task, numbers)
        return
    # Spawned, not forked: threads of torch and OpenCV do not survive a fork.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin)
    waiting: deque[Future[T]] = deque()
    remaining = iter(numbers)
    try:
        waiting.extend(pool.submit(task, number) for number in islice(remaining, 4 * workers))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(task, number) for number in islice(remaining, 1))
    except BrokenProcessPool as error:
        raise FaceEditError("A worker was killed.", code="worker", hint="free memory, or take fewer workers") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def one_thread() -> Generator[None]:
    """One thread for torch inside: on some processors its sums depend on how many there are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def single_threaded() -> None:
    """One thread for torch and OpenCV: what a process does that is one of several."""
    torch.set_num_threads(1)
    if cv2.getNumThreads() != 1:
        cv2.setNumThreads(1)


def _let_fork() -> None:
    """Make OpenCV safe to fork, as the workers of a `DataLoader` are on Linux.

    Its threads do not survive a fork, but it does not notice and waits for them for ever: they end before, and come
    back in the parent.
    """
    threads: list[int] = []

    def before() -> None:
        threads.append(cv2.getNumThreads())
        cv2.setNumThreads(1)

    os.register_at_fork(before=before, after_in_parent=lambda: cv2.setNumThreads(threads.pop()))


if hasattr(os, "register_at_fork"):  # not on Windows
    _let_fork()


def _begin() -> None:
    """Prepare a worker: the keyboard interrupts the parent alone, and no worker outlives it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    single_threaded()
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
