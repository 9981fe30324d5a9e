"""What no input may do: take for ever, take all memory, start a program, reach for the network, leave half a file."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30.0
"""Seconds for one input."""
ROOM = 6 * 2**30
"""Bytes of address space for one input, beyond what the process has."""
_FORBIDDEN = {"os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect", "pty.spawn"}
_watching = False


def _watch(event: str, arguments: tuple) -> None:
    if _watching and event in _FORBIDDEN:
        raise AssertionError(f"an input made the toolkit call {event}{arguments!r}")


sys.addaudithook(_watch)


@contextmanager
def guarded() -> Iterator[None]:
    """Within, all of this fails a test; what a platform has no way to bound is not bounded."""
    global _watching
    before, _watching = _watching, True
    try:
        with _timed(), _bounded():
            yield
    finally:
        _watching = before


def tried(target: Callable[[bytes, Path], None], data: bytes) -> None:
    """A target on an input, in a folder of its own, in which nothing half-written is left."""
    with tempfile.TemporaryDirectory() as folder:
        with guarded():
            target(data, Path(folder))
        left = [path.name for path in Path(folder).rglob(".*")]
        assert not left, left


@contextmanager
def _timed() -> Iterator[None]:
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise AssertionError(f"an input took more than {PATIENCE:g} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)  # none, where it was not Python's


@contextmanager
def _bounded() -> Iterator[None]:
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
