"""The command as a person types it: every command has help, and what it says is true."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from anomaly_explorer.engine.scoring.tiers import TIERS
from anomaly_explorer.engine.spectra.grid import ARMS
from tests.dashboard.conftest import FIRST_ID
from tests.engine.catalog_maker import batch_files, read_catalog
from tests.engine.survey_files import make_coadd

COMMANDS = ("simulate", "train", "convert-weights", "scan", "embed", "build", "info", "object",
            "export", "serve", "bench", "demo", "calibrate", "explain", "insights",
            "benchmark")  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run, command):
    code, out, err = run(command, "--help")
    assert code == 0
    assert out[0].startswith(f"usage: anomaly-explorer {command}")
    assert err == []


def test_help_lists_every_command_and_imports_nothing_heavy():
    code = (
        "import sys; from anomaly_explorer.dashboard.cli import make_parser\n"
        "print(make_parser().format_help())\n"
        "assert not {'torch', 'numpy', 'vaex', 'panel', 'astropy'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f"    {command}" in done.stdout for command in COMMANDS)


def test_a_broken_file_among_good_ones_is_listed_and_the_rest_scanned(run, made, tmp_path, rng):
    shutil.copytree(made / "spectra", tmp_path / "spectra")
    (tmp_path / "spectra" / "page.fits").write_text("<html>404 Not Found</html>")
    arguments = ("scan", "spectra", "--out", "out", "--weights", made / "w.safetensors")
    code, out, err = run(*arguments)
    assert (code, err) == (0, [])
    assert "30 objects of 2 files" in out[0]
    assert "1 failed" in out[0]
    assert out[1].startswith("  failed: page.fits: ")
    assert "1 batches made, 0 were there" in out[0]
    assert "0 batches made, 1 were there" in run(*arguments)[1][0]


def test_spectra_without_data_with_nan_and_without_redrock_are_scanned(run, made, tmp_path, rng):
    parts = make_coadd(rng, 3)
    for arm in ARMS:
        parts.ivar[arm][0] = 0
        parts.flux[arm][1] = np.nan
    parts.write(tmp_path / "coadd.fits")
    code, _, err = run(
        "scan", "coadd.fits", "--out", "out", "--weights", made / "w.safetensors"
    )  # fmt: skip
    assert (code, err) == (0, [])
    empty, with_nan, good = read_catalog(tmp_path / "out").to_pylist()
    assert (empty["population"], empty["coverage"]) == ("gated", 0)
    assert with_nan["targetid"] == good["targetid"] - 1
    assert good["population"] == "science"
    notes = json.loads((tmp_path / "out" / "scan.json").read_text())["notes"]
    assert len(notes) == 1
    assert notes[0].startswith("coadd.fits: ")
    assert "redrock" in notes[0]


def test_an_object_is_printed_with_its_score_recomputed(run, made):
    arguments = ("object", made / "store", FIRST_ID, "--spectra", made / "spectra")
    networks = ("--weights", made / "w.safetensors", "--measurer", made / "m.safetensors")
    code, out, err = run(*arguments, *networks)
    assert (code, err) == (0, [])
    assert f"{'target_id':>26}  {FIRST_ID}" in out
    assert "agrees (relative" in out[-2]
    assert "no sigma_astro in the catalog; statistics measured again agree" in out[-1]


@pytest.mark.parametrize("ending", ["csv", "CSV", "parquet", "ecsv", "fits", "vot", "xml"])
def test_export_knows_its_formats_by_the_ending(run, made, tmp_path, ending):
    code, out, err = run("export", made / "store", f"all.{ending}")
    assert (code, err) == (0, [])
    assert "30 of 30 objects" in out[0]
    assert [path.name for path in tmp_path.iterdir()] == [f"all.{ending}"]
    magic = {"parquet": b"PAR1", "fits": b"SIMPLE", "ecsv": b"# %ECSV"}
    starts = magic.get(ending, b"<?xml" if ending in ("vot", "xml") else b'"')
    assert (tmp_path / f"all.{ending}").read_bytes().startswith(starts)


def test_exported_ids_are_exact_and_tiers_and_populations_choose(run, made, tmp_path):
    ids = {FIRST_ID + i for i in range(30)}
    run("export", made / "store", "all.csv")
    with open(tmp_path / "all.csv", newline="") as file:
        assert {int(record["targetid"]) for record in csv.DictReader(file)} == ids
    run("export", made / "store", "gated.fits", "--population", "gated")
    run("export", made / "store", "top.fits", "--population", "science", "--tier", "top_10")
    with fits.open(tmp_path / "gated.fits") as hdus:
        assert len(hdus[1].data) == 0
    with fits.open(tmp_path / "top.fits") as hdus:
        chosen = {int(i) for i in hdus[1].data["targetid"]}
        scores = hdus[1].data["anomaly_score"]
    records = read_catalog(made / "catalog").select(["targetid", "anomaly_score"]).to_pylist()
    assert 0 < len(chosen) < 30
    others = [r["anomaly_score"] for r in records if r["targetid"] not in chosen]
    assert scores.min() >= max(others)


def test_a_tier_is_exported_without_what_the_gate_holds_back(run, random_store, tmp_path):
    for tier in TIERS:
        _, out, _ = run("export", random_store.path, "tier.parquet", "--tier", tier.name)
        assert out[-1].endswith("(population: science)")
        found = pq.read_table(tmp_path / "tier.parquet")["population"].to_pylist()
        assert set(found) <= {"science"}
        assert len(found) == random_store.manifest.counts["tiers_stated"][tier.name]
    run("export", random_store.path, "all.parquet", "--tier", "mild", "--population", "all")
    found = pq.read_table(tmp_path / "all.parquet")["population"].to_pylist()
    assert {"science", "gated"} <= set(found)


def test_info_says_what_is_in_a_store(run, made):
    code, out, err = run("info", made / "store")
    assert (code, err) == (0, [])
    assert any(line.split() == ["objects", "30"] for line in out)
    facts = json.loads("\n".join(run("info", made / "store", "--json")[1]))
    assert facts["objects"] == facts["science_targets"] == 30
    assert "statistics" not in facts


def test_statistics_are_those_of_the_catalog(run, made):
    asked = ("--statistics", "score_mse", "row_in_file", "redshift")
    facts = json.loads("\n".join(run("info", made / "store", "--json", *asked)[1]))["statistics"]
    scores = read_catalog(made / "catalog")["anomaly_score"].to_numpy()
    found = facts["score_mse"]
    assert found["count"] == 30
    assert found["mean"] == pytest.approx(scores.mean())
    assert (found["minimum"], found["maximum"]) == (scores.min(), scores.max())
    assert found["50%"] == np.quantile(scores, 0.5, method="lower")
    assert facts["row_in_file"]["maximum"] == 24
    assert facts["redshift"]["count"] == 0
    assert facts["redshift"]["mean"] is None
    code, out, err = run("info", made / "store", "--statistics")
    assert (code, err) == (0, [])
    table = [line.split() for line in out[-4:]]
    assert table[0] == ["count", "mean", "minimum", "1%", "16%", "50%", "84%", "99%", "maximum"]
    assert [line[0] for line in table[1:]] == ["score_mse", "snr", "redshift"]
    assert table[1][2] == f"{scores.mean():.6g}"
    assert table[3][1:] == ["0", *["-"] * 8]


def test_a_scan_leaves_only_finished_files(made):
    assert {path.name for path in (made / "catalog").iterdir()} == {
        "plan.json", "scan.json", *(path.name for path in batch_files(made / "catalog")),
    }  # fmt: skip
