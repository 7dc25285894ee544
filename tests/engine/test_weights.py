"""Weights and cards belong together; published weights convert; nothing else is trusted."""

import json

import numpy as np
import pytest
import torch

from anomaly_explorer.engine.errors import ModelError
from anomaly_explorer.engine.model.convert import convert_published
from anomaly_explorer.engine.model.network import BigAE
from anomaly_explorer.engine.model.weights import SHIPPED, card_path, load_model, save_model

FACTS = {"pixels_per_bin": 16, "training_survey": "simulated generator 1 seed 9"}


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(1)
    path = tmp_path / "small.safetensors"
    network = BigAE(496).eval()
    save_model(path, network, np.array([2**62 + 1, -5, 39627733000000001]), FACTS)
    return path, network


def test_round_trip_is_exact(saved):
    path, network = saved
    model = load_model(path)
    for name, value in network.state_dict().items():
        assert torch.equal(model.network.state_dict()[name], value)
    assert model.training_ids.tolist() == [2**62 + 1, -5, 39627733000000001]
    assert not model.network.training
    members = model.is_training_member(np.array([2**62 + 1, 7]), FACTS["training_survey"])
    assert members.tolist() == [True, False]
    assert not model.is_training_member(np.array([2**62 + 1]), "DESI").any()


def change_a_byte(path):
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1
    path.write_bytes(bytes(raw))


def change_card(path, **facts):
    card = json.loads(card_path(path).read_text())
    card_path(path).write_text(json.dumps(card | facts))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (change_a_byte, "does not match its card"),
        (lambda path: card_path(path).unlink(), "model card beside"),
        (lambda path: card_path(path).write_text("<html>"), "not a model card"),
        (lambda path: card_path(path).write_text('{"name": 1}'), "not a model card"),
        (lambda path: change_card(path, pixels_per_bin=8), "other layers"),
        (lambda path: change_card(path, preprocessing="other-9"), "other-9"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_spoilt_weights_are_refused_with_one_sentence(saved, spoil, sentence):
    path, _ = saved
    spoil(path)
    with pytest.raises(ModelError, match=sentence) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_published_weights_convert_and_load(tmp_path):
    torch.manual_seed(2)
    published = BigAE(496).eval()
    source, target = tmp_path / "best_model_47k.pt", tmp_path / "published.safetensors"
    torch.save({"epoch": 3, "model_state_dict": published.state_dict()}, source)
    card = convert_published(source, target)
    assert card.training_survey == "unknown"
    model = load_model(target)
    spectra = torch.randn(4, 496)
    with torch.inference_mode():
        assert torch.equal(model.network(spectra), published(spectra))


class Bomb:
    def __reduce__(self):
        return (print, ("code in a weights file was run",))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (Bomb(), "not a plain PyTorch state dict"),
        ({"enc.0.weight": torch.zeros(3)}, "not the published BigAE"),
        ([1, 2], "holds no state dict"),
    ],
)
def test_other_pt_files_are_refused_and_never_run(tmp_path, capsys, content, sentence):
    source = tmp_path / "other.pt"
    torch.save(content, source)
    with pytest.raises(ModelError, match=sentence):
        convert_published(source, tmp_path / "out.safetensors")
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "out.safetensors").exists()


def test_the_shipped_weights_are_small_and_match_their_card():
    model = load_model()
    assert SHIPPED.stat().st_size <= 4_000_000
    assert model.card.n_training == len(model.training_ids) > 10_000
    assert model.card.training_survey.startswith("simulated")
    assert sum(p.numel() for p in model.network.parameters()) == 873_840
