"""The network against the published layout; forward passes that do not depend on company."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.model.forward import BLOCK, forward_blocks
from anomaly_explorer.engine.model.network import BigAE

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network() -> BigAE:
    torch.manual_seed(3)
    return BigAE(496).eval()


def test_has_the_published_number_of_weights():
    n_encoder = sum(p.numel() for p in BigAE(496).enc.parameters())
    n_decoder = sum(p.numel() for p in BigAE(496).dec.parameters())
    assert (n_encoder, n_decoder) == (436_736, 437_104)


def test_names_its_layers_as_published():
    names = set(BigAE(496).state_dict())
    assert {n.split(".")[0] for n in names} == {"enc", "dec"}
    linear = {n for n in names if n.endswith("weight") and "running" not in n}
    assert {"enc.0.weight", "enc.4.weight", "enc.8.weight", "enc.10.weight"} <= linear
    assert {"dec.0.weight", "dec.2.weight", "dec.6.weight", "dec.10.weight"} <= linear


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 2 * BLOCK + 3), st.integers(0, 2**32 - 1))
def test_a_spectrum_is_reconstructed_the_same_in_any_company(network, n, seed):
    spectra = np.random.default_rng(seed).normal(1, 1, (n, 496)).astype(np.float32)
    together, latents = forward_blocks(network, spectra, CPU)
    row = seed % n
    alone, alone_latents = forward_blocks(network, spectra[row : row + 1], CPU)
    np.testing.assert_allclose(together[row], alone[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(latents[row], alone_latents[0], rtol=1e-6, atol=1e-6)
    with torch.inference_mode():
        whole = network(torch.from_numpy(spectra)).numpy()
    np.testing.assert_allclose(together, whole, rtol=1e-4, atol=1e-5)


def test_another_grid_is_refused(network):
    with pytest.raises(ValueError, match="496 bins"):
        forward_blocks(network, np.zeros((1, 500), np.float32), CPU)
