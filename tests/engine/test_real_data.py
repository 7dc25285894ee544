"""Tests of real spectra are skipped in a clean checkout, and never where CI was promised them."""

import pytest
from _pytest.outcomes import Failed, Skipped

from tests.conftest import find_real_data


@pytest.mark.parametrize(
    ("has_shared", "environment", "outcome"),
    [
        (False, {}, Skipped),
        (False, {"CI": "true"}, Skipped),
        (True, {}, Skipped),
        (True, {"CI": "true"}, Failed),
        (False, {"CI": "true", "ANOMALY_REAL_DATA": "/nowhere"}, Failed),
        (False, {"ANOMALY_REAL_DATA": "/nowhere"}, Skipped),
    ],
)
def test_missing_spectra(tmp_path, has_shared, environment, outcome):
    if has_shared:
        (tmp_path / "shared").mkdir()
    with pytest.raises(outcome, match=r"no real spectra: .* does not exist"):
        find_real_data(tmp_path / "checkout", environment)


def test_spectra_that_are_there_are_found(tmp_path):
    folder = tmp_path / "shared" / "data"
    folder.mkdir(parents=True)
    assert find_real_data(tmp_path / "checkout", {"CI": "true"}) == folder
    named = {"ANOMALY_REAL_DATA": str(tmp_path)}
    assert find_real_data(tmp_path / "elsewhere", named) == tmp_path
