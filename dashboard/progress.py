"""Progress on the terminal: a bar where a person looks, log lines where a file does."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

LOG_EVERY_SECONDS = 5.0
Advance = Callable[[int, int], None]


def say(text: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """Yield a function to call with (done, total)."""
    if sys.stderr.isatty():
        with _bar(title) as advance:
            yield advance
    else:
        yield _log(title)


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function to call with (title, done, total); another title is another step."""
    with ExitStack() as stack:
        current, advance = "", _log("")

        def tell(title: str, done: int, total: int) -> None:
            nonlocal current, advance
            if title != current:
                stack.close()
                current, advance = title, stack.enter_context(progress(title))
            advance(done, total)

        yield tell


@contextmanager
def _bar(title: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _log(title: str) -> Advance:
    # A step that is over at once says nothing here: its command reports the outcome.
    started = last = time.monotonic()

    def advance(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        is_over = done == total and last > started
        if is_over or now - last >= LOG_EVERY_SECONDS:
            last = now
            sys.stderr.write(f"{title}: {done:,} of {total:,} in {now - started:.0f} s\n")

    return advance
