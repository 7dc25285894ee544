"""A measurer on disk: what comes back is what was saved, and nothing else is taken for one."""

import hashlib
import json

import numpy as np
import pytest
import torch

from anomaly_explorer.engine.errors import ModelError
from anomaly_explorer.engine.model.card import SHIPPED, SHIPPED_MEASURER, card_path, check_made_by
from anomaly_explorer.engine.model.denoiser import Denoiser
from anomaly_explorer.engine.model.weights import load_model
from anomaly_explorer.engine.scoring.learn import rounded
from anomaly_explorer.engine.scoring.measurer_file import load_measurer, save_measurer
from tests.engine.measurer_maker import make_measurer, some_spectra

FACTS = {"training_survey": "simulated generator 2 seed 9"}
IDS = np.array([2**62 + 1, -5, 39627733000000001])


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "small.safetensors"
    measurer = make_measurer()
    save_measurer(path, measurer, IDS, FACTS)
    return path, measurer


def test_what_is_read_measures_bit_for_bit_as_what_was_saved(saved):
    path, measurer = saved
    loaded = load_measurer(path)
    spectra, known = some_spectra(300)
    expected, found = (m.measure(spectra, known) for m in (measurer, loaded.measurer))
    for name, values in expected.values.items():
        np.testing.assert_array_equal(found.values[name], values, err_msg=name)
    np.testing.assert_array_equal(found.filters, expected.filters)
    np.testing.assert_array_equal(found.latents, expected.latents)
    assert loaded.measurer.modes.keys() == {"GALAXY"}
    assert not loaded.measurer.network.training
    assert loaded.training_ids.tolist() == IDS.tolist()
    members = loaded.is_training_member(np.array([2**62 + 1, 7]), FACTS["training_survey"])
    assert members.tolist() == [True, False]
    assert not loaded.is_training_member(IDS, "DESI").any()


def test_rounding_is_done_once():
    torch.manual_seed(3)
    network = Denoiser(496)
    first = rounded(network)
    again = rounded(first)
    for name, value in first.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, network.state_dict()[name], rtol=1e-3, atol=1e-6)


def change_a_byte(path):
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1
    path.write_bytes(bytes(raw))


def change_card(path, **facts):
    card = json.loads(card_path(path).read_text())
    card_path(path).write_text(json.dumps(card | facts))


def put_html(path):
    path.write_text("<html>log in first</html>")
    change_card(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def lose_a_part(path):
    from safetensors.torch import save_file

    from anomaly_explorer.engine.model.tensorfile import read_tensors

    tensors = read_tensors(path)
    del tensors["density.center"]
    save_file(tensors, path)
    change_card(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (change_a_byte, "does not match its card"),
        (lambda path: card_path(path).unlink(), "model card beside"),
        (lambda path: card_path(path).write_text("<html>"), "not a model card"),
        (lambda path: change_card(path, pixels_per_bin=8), "other layers"),
        (lambda path: change_card(path, preprocessing="compatible-1"), "weighed-1"),
        (lambda path: path.unlink(), "cannot be read"),
        (put_html, "not a safetensors file"),
        (lose_a_part, "other layers"),
    ],
)
def test_a_spoilt_file_is_refused_with_one_sentence(saved, spoil, sentence):
    path, _ = saved
    spoil(path)
    with pytest.raises(ModelError, match=sentence) as caught:
        load_measurer(path)
    assert "\n" not in str(caught.value)


def test_networks_of_one_kind_are_no_networks_of_the_other():
    with pytest.raises(ModelError, match="compatible-1, expected here are 1 and weighed-1"):
        load_measurer(SHIPPED)
    with pytest.raises(ModelError, match="weighed-1, expected here are 1 and compatible-1"):
        load_model(SHIPPED_MEASURER)


def test_a_catalog_of_another_measurer_is_refused(saved):
    card = load_measurer(saved[0]).card
    check_made_by(card, card.model_id, "--measurer")
    check_made_by(card, None, "--measurer")
    with pytest.raises(ModelError, match=r"0123456789ab.*--measurer, or score the spectra again"):
        check_made_by(card, "0123456789ab", "--measurer")


def test_the_shipped_measurer_is_small_and_whole():
    shipped = load_measurer()
    assert SHIPPED_MEASURER.stat().st_size <= 4_000_000
    card = shipped.card
    assert card.n_training == len(shipped.training_ids) > 25_000
    assert card.training_survey.startswith("simulated generator 2 seed ")
    assert not card.training_survey.endswith("seed 1")  # the demo's
    assert shipped.measurer.modes.keys() == {"GALAXY", "QSO", "STAR"}
    losses = card.training["validation_losses"]
    assert len(losses) == len(card.training["training_losses"]) <= card.training["epochs"]
    assert losses[card.training["best_epoch"] - 1] == card.training["validation_loss"]
    assert card.training["notes"] == []
