"""The nearest in latent space are those of brute force in float64, whatever the mask."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anomaly_explorer.engine.catalog.latents import Latents
from anomaly_explorer.engine.embedding.distances import CHUNK, improve_nearest
from anomaly_explorer.engine.embedding.neighbors import LARGEST, nearest_rows
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask

N_LATENTS = 128


def latents_of(path, values, block_rows=64):
    """Write (N, 128) float16 in blocks, as a store has them, and open them."""
    with path.open("wb") as file:
        for start in range(0, len(values), block_rows):
            file.write(np.ascontiguousarray(values[start : start + block_rows].T).tobytes())
    return Latents(path, len(values), block_rows)


def brute_force(values, query, n_nearest, rows):
    """Rows and distances in float64, latent by latent; ties by row."""
    with np.errstate(invalid="ignore"):  # signalling NaNs are among the float16
        differences = values.astype(np.float64) - np.asarray(query, np.float32).astype(np.float64)
        squares = np.ascontiguousarray((differences**2).T).sum(axis=0)
    rows = rows[np.isfinite(squares[rows])]
    order = rows[np.lexsort((rows, squares[rows]))][:n_nearest]
    return order, np.sqrt(squares[order]).astype(np.float32)


def assert_nearest(found, values, query, n_nearest, rows):
    expected_rows, expected_distances = brute_force(values, query, n_nearest, rows)
    np.testing.assert_array_equal(found.rows, expected_rows)
    np.testing.assert_array_equal(found.distances, expected_distances)
    assert found.is_complete
    assert found.n_total == len(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("latents")


def values_of(rng, n, kind):
    if kind == "bits":  # every float16 there is, NaN and infinity too, in one latent of a row
        values = np.zeros((n, N_LATENTS), np.uint16)
        values[:, rng.integers(N_LATENTS)] = rng.integers(0, 65536, size=n)
        return values.view(np.float16)
    if kind == "ties":
        return rng.integers(0, 2, size=(n, N_LATENTS)).astype(np.float16) * (rng.random(n) < 0.2)[
            :, None
        ].astype(np.float16)
    if kind == "tiny":  # subnormal
        return (rng.integers(-9, 9, size=(n, N_LATENTS)) * 2.0**-24).astype(np.float16)
    return rng.normal(0, 10.0 ** rng.integers(-3, 4), size=(n, N_LATENTS)).astype(np.float16)


@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["bits", "ties", "tiny", "normal"]),
    sizes=st.tuples(
        st.integers(1, 300), st.sampled_from([64, 100, 65_536]), st.sampled_from([1, 7, 50, 400])
    ),
    share=st.sampled_from([0.0, 0.02, 0.3, 1.0]),
)
@example(seed=0, kind="ties", sizes=(200, 64, 50), share=1.0)
def test_the_nearest_are_those_of_brute_force(folder, seed, kind, sizes, share):
    n, block_rows, n_nearest = sizes
    rng = np.random.default_rng(seed)
    values = values_of(rng, n, kind)
    query = rng.normal(0, 1, N_LATENTS).astype(np.float32)
    if rng.random() < 0.5:
        query = np.nan_to_num(values[0].astype(np.float32), posinf=0, neginf=0)
    allowed = rng.random(n) < share
    latents = latents_of(folder / "some.f16", values, block_rows)
    found = nearest_rows(latents, query, n_nearest, Mask.of_bools(allowed))
    assert_nearest(found, values, query, n_nearest, np.flatnonzero(allowed))


def test_the_nearest_of_many_blocks_are_those_of_brute_force(folder, rng):
    values = rng.normal(0, 2, size=(3 * CHUNK + 17, N_LATENTS)).astype(np.float16)
    values[::9, 3] = np.nan
    values[5000] = values[17]
    latents = latents_of(folder / "many.f16", values, 2 * CHUNK)
    query = rng.normal(0, 2, N_LATENTS)
    everything = np.arange(len(values))
    assert_nearest(nearest_rows(latents, query), values, query, 50, everything)
    assert_nearest(nearest_rows(latents, query, 9999), values, query, 9999, everything)
    for share in (0.5, 0.01):
        allowed = rng.random(len(values)) < share
        found = nearest_rows(latents, query, 50, Mask.of_bools(allowed))
        assert_nearest(found, values, query, 50, np.flatnonzero(allowed))


def test_a_row_is_not_its_own_neighbor_but_a_place_has_the_row_that_lies_there(folder, rng):
    values = rng.normal(0, 2, size=(300, N_LATENTS)).astype(np.float16)
    values[[40, 299]] = values[7]
    latents = latents_of(folder / "row.f16", values)
    assert nearest_rows(latents, 7, 3).rows[:2].tolist() == [40, 299]
    assert nearest_rows(latents, 7, 3).distances[:2].tolist() == [0, 0]
    assert nearest_rows(latents, 7, 999).n_total == 299
    assert nearest_rows(latents, latents.take(np.array([7]))[0], 3).rows.tolist() == [7, 40, 299]


def test_rows_come_in_the_worst_order_and_none_is_lost(folder):
    values = np.repeat(np.arange(3000, 0, -1)[:, None] / 8, N_LATENTS, axis=1).astype(np.float16)
    latents = latents_of(folder / "worst.f16", values, 1024)
    query = np.zeros(N_LATENTS)
    assert_nearest(nearest_rows(latents, query), values, query, 50, np.arange(3000))


@pytest.mark.parametrize("first", range(0, 65536, 4096))
def test_every_float16_is_measured_exactly(first):
    some = np.arange(first, first + 4096, dtype=np.uint16)
    bits = np.zeros((N_LATENTS, len(some)), np.uint16)
    bits[5] = some
    squares, rows = np.full(len(some), np.inf), np.full(len(some), len(some))
    place = np.zeros(N_LATENTS, np.float32)
    place[5] = 3
    improve_nearest(bits, Mask.all(len(some)).words, 0, place, (squares, rows))
    with np.errstate(invalid="ignore"):
        numbers = some.view(np.float16).astype(np.float64)
    found = np.isfinite(squares)
    assert sorted(rows[found]) == np.flatnonzero(np.isfinite(numbers)).tolist()
    np.testing.assert_array_equal(squares[found], (numbers[rows[found]] - 3) ** 2)


def test_a_search_is_watched_and_stopped(folder, rng):
    values = rng.normal(0, 2, size=(64 * 40, N_LATENTS)).astype(np.float16)
    latents = latents_of(folder / "stopped.f16", values)
    seen = []
    nearest_rows(latents, 100, 5, progress=lambda done, total: seen.append((done, total)) or True)
    assert len(seen) == 40
    assert seen[-1] == (64 * 40 - 1, 64 * 40 - 1)
    stopped = nearest_rows(latents, 100, 5, progress=lambda done, total: False)
    assert not stopped.is_complete
    assert stopped.n_searched in (63, 64)
    assert len(stopped.rows) == 5


def test_blocks_without_a_row_of_the_mask_are_not_read(folder, rng, monkeypatch):
    values = rng.normal(0, 2, size=(640, N_LATENTS)).astype(np.float16)
    latents = latents_of(folder / "skipped.f16", values)
    read = []
    block = latents.block
    monkeypatch.setattr(latents, "block", lambda index: read.append(index) or block(index))
    nearest_rows(latents, np.zeros(N_LATENTS), 5, Mask.of_rows(np.array([70, 71, 639]), 640))
    assert sorted(read) == [1, 9]


def test_a_store_finds_its_neighbors(random_store):
    latents = Latents(random_store.path / "latents.f16", random_store.n_objects)
    everything = np.arange(random_store.n_objects)
    values = random_store.latents(everything)
    found = nearest_rows(latents, np.zeros(N_LATENTS))
    assert_nearest(found, values, np.zeros(N_LATENTS), 50, everything)


@pytest.mark.parametrize(
    ("query", "n_nearest", "sentence"),
    [
        (100, 5, "rows 0 to 99"),
        (-1, 5, "rows 0 to 99"),
        (3, 5, "no latents"),
        (0, 0, "at least 1"),
        (np.zeros(127), 5, r"shape \(127,\)"),
        ("near", 5, "128 numbers"),
        (np.full(128, np.nan), 5, "NaN"),
        (np.full(128, 2 * LARGEST), 5, "beyond"),
    ],
)
def test_what_is_no_query_is_refused(folder, query, n_nearest, sentence):
    values = np.zeros((100, N_LATENTS), np.float16)
    values[3, 8] = np.nan
    latents = latents_of(folder / "refused.f16", values)
    with pytest.raises(InputError, match=sentence):
        nearest_rows(latents, query, n_nearest)
    with pytest.raises(InputError, match="same store"):
        nearest_rows(latents, 0, 5, Mask.all(99))
