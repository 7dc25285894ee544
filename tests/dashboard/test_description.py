"""`info --verify` notices any changed byte; long commands say which step they are at."""

import json
import shutil

import pytest

from anomaly_explorer.dashboard import cli
from anomaly_explorer.dashboard import progress as module
from anomaly_explorer.dashboard.progress import steps


@pytest.fixture
def store(random_store, tmp_path):
    return shutil.copytree(random_store.path, tmp_path / "a.store")


def test_info_verifies_every_file_when_asked(store, capsys):
    assert cli.main(["info", str(store), "--json"]) == 0
    assert "verified_files" not in json.loads(capsys.readouterr().out)
    assert cli.main(["info", str(store), "--json", "--verify"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["verified_files"] == sum(path.is_file() for path in store.rglob("*"))
    assert cli.main(["info", str(store), "--verify"]) == 0
    assert "verified files" in capsys.readouterr().out


def test_info_names_the_damaged_file_in_one_line(store, capsys):
    content = bytearray((store / "latents.f16").read_bytes())
    content[1234] ^= 1
    (store / "latents.f16").write_bytes(content)
    assert cli.main(["info", str(store)]) == 0
    capsys.readouterr()
    assert cli.main(["info", str(store), "--verify"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "latents.f16" in err
    assert err.count("\n") == 1


def test_each_step_logs_under_its_own_name(monkeypatch, capsys):
    class Clock:
        now = 0.0

        def monotonic(self):
            self.now += 3
            return self.now

    monkeypatch.setattr(module, "time", Clock())
    with steps() as tell:
        for title in ("reading", "placing"):
            for done in range(5):
                tell(title, done, 4)
    titles = [line.split(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert list(dict.fromkeys(titles)) == ["reading", "placing"]
