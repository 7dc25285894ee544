"""Which stages of a long piece of work are done, so that a killed one goes on."""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

Facts = dict[str, Any]


class Journal:
    """A folder of unfinished work, and the file in it that lists the finished stages.

    A stage is listed when everything it writes is written; a stage that is not listed is done
    again from its beginning. Work that was begun with another plan is thrown away.

    Parameters
    ----------
    folder : Path
        Made when absent.
    plan : dict
        Everything the result depends on, fit for JSON.
    """

    def __init__(self, folder: Path, plan: Facts) -> None:
        self.folder = folder
        self._path = folder / "journal"
        self._lock = threading.Lock()
        # What a crash of the whole machine left may be listed and yet not be on disk.
        plan = {**plan, "boot": _boot()}
        entries = _entries(self._path)
        if not entries or entries[0] != ["plan", plan]:
            shutil.rmtree(folder, ignore_errors=True)
            entries = [["plan", plan]]
        folder.mkdir(parents=True, exist_ok=True)
        self._rewrite(entries)
        self._done: dict[str, Facts] = dict(entries[1:])

    def __contains__(self, stage: str) -> bool:
        return stage in self._done

    def __getitem__(self, stage: str) -> Facts:
        """Return what a finished stage found out."""
        return self._done[stage]

    @property
    def stages(self) -> tuple[str, ...]:
        """Return the finished stages in the order they were first finished in."""
        return tuple(self._done)

    def finish(self, stage: str, facts: Facts | None = None) -> None:
        """List a stage as done, with what it found out."""
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(_line([stage, facts or {}]))
            file.flush()
            self._done[stage] = facts or {}

    def _rewrite(self, entries: list[Any]) -> None:
        """Write whole lines only: a kill may have cut the last one short."""
        temporary = self._path.with_name(".journal.tmp")
        temporary.write_text("".join(map(_line, entries)), encoding="utf-8")
        os.replace(temporary, self._path)


def _line(entry: list[Any]) -> str:
    return json.dumps(entry) + "\n"


def _entries(path: Path) -> list[Any]:
    """Return the entries of a journal up to the first that is not whole."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError):
        return []
    entries = []
    for line in lines:
        try:
            stage, facts = json.loads(line)
        except (ValueError, TypeError):
            break
        if not (line.endswith("\n") and isinstance(stage, str) and isinstance(facts, dict)):
            break
        entries.append([stage, facts])
    return entries


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
