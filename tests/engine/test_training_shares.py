"""How often each spectrum is drawn in training."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.sampling import CLASS_SHARES, SKY_SHARE, training_shares

OBJECTS = st.lists(
    st.tuples(
        st.sampled_from(("GALAXY", "QSO", "STAR", "")),
        st.sampled_from((np.nan, -0.01, 0.0, 0.3, 2.0, 6.0)),
        st.sampled_from(("", "WD", "G")),
    ),
    min_size=1,
    max_size=60,
).filter(lambda objects: any(name for name, *_ in objects))


def known_of(objects):
    classes, redshift, subtypes = zip(*objects, strict=True)
    return Known(np.array(classes, str), np.array(redshift, float), np.array(subtypes, str))


@given(OBJECTS, st.integers(1, 9))
def test_classes_and_sky_get_their_shares_and_twins_the_same(objects, n_sky):
    known = known_of(objects)
    shares = training_shares(known, n_sky)
    assert shares.shape == (len(objects) + n_sky,)
    assert shares.sum() == pytest.approx(1)
    present = {name: CLASS_SHARES[name] for name in CLASS_SHARES if name in known.classes}
    total = sum(present.values()) + SKY_SHARE
    of_objects = shares[: len(objects)]
    for name, share in present.items():
        assert of_objects[known.classes == name].sum() == pytest.approx(share / total)
        assert (of_objects[known.classes == name] > 0).all()
    assert not of_objects[known.classes == ""].any()
    assert shares[len(objects) :] == pytest.approx(np.full(n_sky, SKY_SHARE / total / n_sky))
    for twin in set(map(str, objects)):
        same = [i for i, each in enumerate(objects) if str(each) == twin]
        assert np.ptp(of_objects[same]) == 0


def test_four_times_as_many_are_drawn_twice_as_often():
    known = known_of([("STAR", 0.0, "WD")] * 25 + [("STAR", 0.0, "G")] * 100)
    shares = training_shares(known, 1)
    assert shares[25:125].sum() == pytest.approx(2 * shares[:25].sum())
    far = known_of([("QSO", 1.0, "")] * 9 + [("QSO", 4.0, "")])
    shares = training_shares(far, 1)
    assert shares[9] == pytest.approx(3 * shares[0])
