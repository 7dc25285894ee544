"""The commands that make things: train, and the demo that goes on where it was stopped."""

import json
import shutil

import numpy as np
import pytest

from anomaly_explorer.dashboard import cli, demo
from anomaly_explorer.dashboard.demo import prepare_demo
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.embedding import run as embedding
from anomaly_explorer.engine.errors import InputError, StoreError
from anomaly_explorer.engine.model.weights import load_model


@pytest.fixture
def quick_map(monkeypatch):
    """Replace UMAP by two latents; count how often a map is fitted."""
    made = []

    def two_latents(latents, seed):
        made.append(seed)
        return np.ascontiguousarray(latents[:, :2])

    monkeypatch.setattr(embedding, "fit_map", two_latents)
    return made


def test_training_from_the_command_line_makes_loadable_weights(tmp_path, capsys):
    out = tmp_path / "w.safetensors"
    arguments = ["train", "--out", str(out), "--objects", "60", "--epochs", "1", "--seed", "9"]
    assert cli.main(arguments) == 0
    said, err = capsys.readouterr()
    model = load_model(out)
    assert model.card.model_id in said
    assert model.card.training_survey.endswith("seed 9")
    assert model.card.n_training == len(model.training_ids) > 0
    assert model.card.training["epochs"] == 1
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.json", "w.safetensors"]


def test_a_demo_prepared_twice_makes_nothing_twice(tmp_path, quick_map, capsys):
    store, spectra = prepare_demo(tmp_path, 60)
    assert Store.open(store).n_objects == 60
    assert Store.open(store).manifest.simulated["seed"] == demo.SEED
    files = [*spectra.rglob("*.fits"), *(store.parent / "catalog").glob("*batch*")]
    stamps = {path: path.stat().st_mtime_ns for path in files}
    assert len(stamps) >= 3
    capsys.readouterr()
    assert prepare_demo(tmp_path, 60) == (store, spectra)
    assert {path: path.stat().st_mtime_ns for path in files} == stamps
    assert quick_map == [0]
    assert "0 batches made, 1 were there" in capsys.readouterr().out


def test_a_demo_that_was_changed_by_hand_says_what_to_do(tmp_path, quick_map):
    _, spectra = prepare_demo(tmp_path, 60)
    next(spectra.rglob("coadd-*.fits")).rename(spectra / "coadd-mine.fits")
    with pytest.raises(StoreError, match=r"other spectra.* delete it, or name another --folder"):
        prepare_demo(tmp_path, 60)
    shutil.rmtree(spectra)
    spectra.mkdir()
    (spectra / "mine.txt").write_text("kept")
    with pytest.raises(InputError, match=r"not empty .* delete it, or name another --folder"):
        prepare_demo(tmp_path, 60)


def test_the_demo_command_can_stop_before_it_serves(tmp_path, quick_map, capsys):
    folder = tmp_path / "demo"
    arguments = ["demo", "--folder", str(folder), "--objects", "60", "--no-serve"]
    assert cli.main(arguments) == 0
    assert "every spectrum is simulated" in capsys.readouterr().out
    (catalog,) = folder.glob("*/catalog")
    scan = json.loads((catalog / "scan.json").read_text())
    assert scan["counts"]["objects"] == 60
    assert scan["surveys"] == {"simulated": 60}
