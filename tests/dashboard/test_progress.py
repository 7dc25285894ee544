"""A bar where a person looks, lines now and then where a file does."""

import io
from types import SimpleNamespace

import pytest

from anomaly_explorer.dashboard import progress as module
from anomaly_explorer.dashboard.progress import LOG_EVERY_SECONDS, progress, say


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_a_step_that_is_over_at_once_logs_nothing(clock, capsys):
    with progress("scanning") as advance:
        for done in range(1, 4):
            clock.now += 0.5
            advance(done, 3)
    assert capsys.readouterr() == ("", "")


def test_a_long_step_logs_now_and_then_and_its_end(clock, capsys):
    with progress("scanning") as advance:
        for done in range(1, 2001):
            clock.now += LOG_EVERY_SECONDS / 500
            advance(done, 2000)
        advance(2000, 2000)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert 4 <= len(lines) <= 6
    assert lines[-1] == "scanning: 2,000 of 2,000 in 20 s"
    assert all(line.startswith("scanning: ") for line in lines)


def test_a_terminal_gets_a_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress("looking at files") as advance:
        advance(1, 2)
        advance(2, 2)
    assert "looking at files" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()


def test_an_error_passes_through_a_bar(monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    with pytest.raises(KeyError), progress("scanning"):
        raise KeyError


def test_what_is_said_goes_to_standard_output(capsys):
    say("done")
    assert capsys.readouterr() == ("done\n", "")
