"""What a damaged file may do to those who read it: be refused in one sentence, nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anomaly_explorer.engine.errors import ExplorerError, InputError


@contextmanager
def refuse_damage(path: Path) -> Iterator[None]:
    """Turn whatever reading a damaged file raises into one sentence.

    Any byte of a header may be wrong, and astropy and numpy answer with nearly any exception. What
    is already said in a sentence passes, and so do want of memory and an interrupt.

    Raises
    ------
    InputError
        When the body raises another exception than those.
    """
    try:
        yield
    except (ExplorerError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the machine
            raise InputError(
                f"{path.name} cannot be read ({error.strerror}): try again, or fetch it again."
            ) from error
        said = " ".join(str(error).split()).rstrip(".")
        what = f"{type(error).__name__}: {said}" if said else type(error).__name__
        raise InputError(f"{path.name} is damaged ({what}): fetch it again.") from error
