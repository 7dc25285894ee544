from anomaly_explorer.dashboard.badge import agreement_html, key_html, title_html
from anomaly_explorer.engine.model.inspection import ScoreAgreement

EVIL = "<script>alert(1)</script>"


def test_a_mismatch_is_loud_and_a_missing_score_is_said():
    assert 'class="mismatch"' in agreement_html(ScoreAgreement(0.4, 0.5, 1e-5))
    assert "cannot compare" in agreement_html(ScoreAgreement(float("nan"), 0.5, 1e-5))


def test_the_title_says_simulated_and_escapes():
    html = title_html({"target_id": EVIL, "is_simulated": True, "injected_type": EVIL})
    assert ">simulated: " in html
    assert "<script>" not in html
    assert "simulated" not in title_html({"target_id": 5, "is_simulated": False})


def test_the_key_names_smoothing_and_bin_width():
    assert "σ = 5 px" in key_html(5, 12.8)
    assert "12.8 Å bins" in key_html(5, 12.8)
