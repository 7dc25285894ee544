"""Ties the processes of one server to the one that started them: none outlives it."""

import os
import signal
from types import TracebackType
from typing import Any, Self


class Leash:
    """A pipe whose end the first process holds: it closes when that process ends, however it ends.

    In the first process, Ctrl+C and SIGTERM leave the block, which closes the pipe and waits for
    the others. In the others, `bind` makes their loop stop when it closes.
    """

    def __enter__(self) -> Self:
        """Open the pipe, and stop for SIGTERM as for Ctrl+C."""
        self._owner = os.getpid()
        self._read, self._write = os.pipe()
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return self

    def bind(self, loop: Any) -> None:
        """Stop a Tornado loop, of a process that was forked, when the first process ends."""
        os.close(self._write)
        loop.add_handler(self._read, lambda *_: loop.stop(), loop.READ)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Close the pipe and wait for the others; being told to stop is no error."""
        if os.getpid() != self._owner:
            return False
        for number in (signal.SIGINT, signal.SIGTERM):  # once is enough: they are stopping
            signal.signal(number, signal.SIG_IGN)
        os.close(self._write)
        os.close(self._read)
        while True:
            try:
                os.wait()
            except ChildProcessError:
                break
        # Tornado leaves by SystemExit when all others have ended by themselves.
        return kind is not None and issubclass(kind, KeyboardInterrupt | SystemExit)
