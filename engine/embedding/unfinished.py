"""What an embedding has worked out so far, on disk, so that a killed one goes on."""

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class Unfinished:
    """A folder of named arrays that belong to one plan; those of another are thrown away.

    Parameters
    ----------
    folder : Path
        Made when absent.
    plan : dict
        Everything the arrays depend on, fit for JSON.
    """

    def __init__(self, folder: Path, plan: dict[str, Any]) -> None:
        self._folder = folder
        text = json.dumps(plan, sort_keys=True)
        if _text(folder / "plan.json") != text:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self._write("plan.json", lambda file: file.write(text.encode()))

    def keep(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """Return the arrays kept under a name; make and keep them where there are none."""
        if (found := self.get(name)) is not None:
            return found
        made = make()
        self._write(f"{name}.npz", lambda file: np.savez(file, **made))
        return made

    def get(self, name: str) -> Arrays | None:
        """Return the arrays kept under a name; None where there are none."""
        try:
            with np.load(self._folder / f"{name}.npz", allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, zipfile.BadZipFile):
            return None  # none yet, or cut short when the machine itself went down

    def _write(self, name: str, write: Callable[[Any], object]) -> None:
        temporary = self._folder / f".{name}.tmp"
        with temporary.open("wb") as file:
            write(file)
        os.replace(temporary, self._folder / name)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
