"""What the processes of one server share: a folder with the history of each session.

A browser's page may be made by one process and its socket be served by another, and by a third
after the connection was lost. Selections are kept under their content, so that a moment that is
undone and redone is written once.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from .state import History, Moment

# As the server makes and signs them. They become names of folders: nothing else may pass.
_SESSION_ID = re.compile(r"[A-Za-z0-9]{44}(\.[A-Za-z0-9_-]{43})?")
_HISTORY = "history.json"
MAX_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Desk:
    """The folder, which all processes of a server may read and write at any time.

    Parameters
    ----------
    path : Path
    """

    path: Path

    @classmethod
    @contextmanager
    def temporary(cls) -> Iterator["Desk"]:
        """Make the folder, for its owner's eyes only, and remove it in the process that made it."""
        path, owner = Path(tempfile.mkdtemp(prefix="anomaly-explorer-")), os.getpid()
        try:
            yield cls(path)
        finally:
            if os.getpid() == owner:
                shutil.rmtree(path, ignore_errors=True)

    def claim(self, name: str) -> bool:
        """Return whether this is the first to claim a name."""
        try:
            (self.path / name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def write(self, session_id: str, history: History) -> None:
        """Keep the history of a session in place of what was kept before.

        Whoever reads meanwhile finds the old one or the new one.
        """
        folder = self._folder(session_id)
        if folder is None:
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        kept = {
            _digest(moment.selection): moment.selection
            for moment in (*history.past, *history.future)
        }
        for name, selection in kept.items():
            if not (folder / name).exists():
                _write(folder / name, selection)
        content = {
            "past": [_as_dict(moment) for moment in history.past],
            "future": [_as_dict(moment) for moment in history.future],
            "look": dict(history.look),
        }
        _write(
            folder / _HISTORY, json.dumps(content, default=lambda number: number.item()).encode()
        )
        for file in folder.iterdir():
            if file.name not in kept and file.name != _HISTORY and "." not in file.name:
                file.unlink(missing_ok=True)

    def read(self, session_id: str) -> History | None:
        """Return the history kept of a session; None when there is none, or no whole one."""
        folder = self._folder(session_id)
        if folder is None:
            return None
        try:
            content = json.loads((folder / _HISTORY).read_bytes())
            past, future = (
                tuple(_as_moment(folder, facts) for facts in content[name])
                for name in ("past", "future")
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return History(past, future, content["look"])

    def tidy(self, max_bytes: int = MAX_BYTES) -> None:
        """Forget the sessions unused for longest until the rest take `max_bytes` at most."""
        folders = [(_changed(f), f) for f in self.path.iterdir() if f.is_dir()]
        n_bytes = 0
        for _, folder in sorted(folders, reverse=True):
            n_bytes += _n_bytes(folder)
            if n_bytes > max_bytes:
                shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, session_id: str) -> Path | None:
        return self.path / session_id if _SESSION_ID.fullmatch(session_id) else None


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _as_dict(moment: Moment) -> dict[str, Any]:
    return {**vars(moment), "selection": _digest(moment.selection)}


def _as_moment(folder: Path, facts: dict[str, Any]) -> Moment:
    chosen = {name: _as_tuple(value) for name, value in facts.items()}
    return Moment(**{**chosen, "selection": (folder / facts["selection"]).read_bytes()})


def _as_tuple(value: Any) -> Any:
    """Return what JSON made of tuples as tuples again."""
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list) else value


def _changed(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _n_bytes(folder: Path) -> int:
    n_bytes = 0
    for file in folder.iterdir() if folder.is_dir() else ():
        try:
            n_bytes += file.stat().st_size
        except OSError:  # replaced or removed meanwhile
            continue
    return n_bytes
