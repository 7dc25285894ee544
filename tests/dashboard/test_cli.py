"""The command as a person types it: it works, or says in one line why not and leaves no mess."""

import csv
import hashlib
import json
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from anomaly_explorer.dashboard import cli
from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.spectra.grid import ARMS
from tests.engine.catalog_maker import (
    batch_files,
    place_randomly,
    read_catalog,
    save_random_model,
    scan_into,
    write_coadds,
)
from tests.engine.survey_files import make_coadd

FIRST_ID = 2**62 + 17
COMMANDS = ("simulate", "train", "convert-weights", "scan", "embed", "build", "info", "object",
            "export", "serve", "demo")  # fmt: skip


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A folder with weights, spectra, their catalog (not embedded), and their store."""
    folder = tmp_path_factory.mktemp("cli")
    save_random_model(folder / "w.safetensors")
    write_coadds(folder / "spectra", [25, 5], FIRST_ID)
    scan_into(folder / "catalog", [folder / "spectra"], folder / "w.safetensors")
    embedded = shutil.copytree(folder / "catalog", folder / "embedded")
    place_randomly(embedded)
    build_store(embedded, folder / "store")
    return folder


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder; return exit code, lines said and lines on stderr."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments):
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run_command


@pytest.fixture
def refused(run, tmp_path):
    """Check that a command is refused in one line and changes no file; return the line."""

    def check(*arguments):
        before = content_of(tmp_path)
        code, out, err = run(*arguments)
        assert code == 2
        assert out == []
        assert len(err) == 1, err
        assert err[0].startswith("anomaly-explorer: ")
        assert "Traceback" not in err[0]
        assert content_of(tmp_path) == before
        return err[0]

    return check


def content_of(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).digest()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


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


def test_a_refusal_is_seen_from_outside(tmp_path):
    command = [sys.executable, "-m", "anomaly_explorer.dashboard.cli", "info", tmp_path / "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("anomaly-explorer: ")


# Files no scan can read.


def truncated(path, parts):
    parts.write(path)
    path.write_bytes(path.read_bytes()[:60_000])


def html(path, parts):
    path.write_text("<!DOCTYPE html><html><body>404 Not Found</body></html>")


def empty(path, parts):
    path.touch()


def without_arm(path, parts):
    parts.leave_out = ("R_FLUX",)
    parts.write(path)


def mismatched(path, parts):
    parts.flux[ARMS[2]] = parts.flux[ARMS[2]][:-1]
    parts.write(path)


def mismatched_fibermap(path, parts):
    parts.fibermap = {name: values[:-1] for name, values in parts.fibermap.items()}
    parts.write(path)


@pytest.mark.parametrize(
    "break_file", [truncated, html, empty, without_arm, mismatched, mismatched_fibermap]
)
def test_a_scan_of_a_broken_file_is_refused(refused, made, tmp_path, rng, break_file):
    path = tmp_path / "coadd.fits"
    break_file(path, make_coadd(rng, 4))
    line = refused("scan", path, "--out", "out", "--weights", made / "w.safetensors")
    assert "coadd.fits" in line


def test_a_broken_file_among_good_ones_is_listed_and_the_rest_scanned(run, made, tmp_path, rng):
    shutil.copytree(made / "spectra", tmp_path / "spectra")
    html(tmp_path / "spectra" / "page.fits", None)
    arguments = ("scan", "spectra", "--out", "out", "--weights", made / "w.safetensors")
    code, out, err = run(*arguments)
    assert (code, err) == (0, [])
    assert "30 objects of 2 files" in out[0]
    assert "1 failed" in out[0]
    assert out[1].startswith("  failed: page.fits: ")
    assert "1 batches made, 0 were there" in out[0]
    assert "0 batches made, 1 were there" in run(*arguments)[1][0]


def test_a_scan_of_the_real_malformed_coadd_is_refused(refused, made, real_data):
    path = real_data / "desi-coadds" / "malformed-missing_b_color.fits"
    line = refused("scan", path, "--out", "out", "--weights", made / "w.safetensors")
    assert "B_FLUX" in line


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


# What a person can get wrong.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scan", "nowhere", "--out", "out"], "nowhere does not exist"),
        (["scan", "{made}/spectra", "--out", "out", "--weights", "no.safetensors"], "no.json"),
        (["scan", "{made}/spectra", "--out", "{made}/w.json"], "another --out"),
        (["scan", "{made}/spectra", "--out", "{made}"], "not empty"),
        (["scan", "{made}/spectra"], "--out"),
        (["scan", "{made}/spectra", "--out", "out", "--batch-rows", "0"], "'0' is no positive"),
        (["simulate", "out", "--objects", "0"], "'0' is no positive whole number"),
        (["simulate", "out", "--objects", "many"], "'many' is no positive whole number"),
        (["simulate", "out", "--seed", "-1"], "seed"),
        (["simulate", "{made}"], "not empty"),
        (["simulate", "{made}/w.json"], "is a file"),
        (["embed", "nowhere"], "run `anomaly-explorer scan` first"),
        (["embed", "{made}/spectra"], "run `anomaly-explorer scan` first"),
        (["embed", "{made}/embedded", "--landmarks", "1"], "too few"),
        (["build", "{made}/catalog", "store"], "run `anomaly-explorer embed"),
        (["build", "nowhere", "store"], "scan"),
        (["build", "{made}/embedded", "{made}/spectra"], "is not a store"),
        (["info", "nowhere"], "is not a store"),
        (["info", "{made}/catalog"], "is not a store"),
        (["info", "{made}/store", "--statistics", "no_such_column"], "no_such_column"),
        (["info", "{made}/store", "--statistics", "spectype"], "numbers"),
        (["object", "{made}/store", "123"], "TARGETID 123 is in no object"),
        (["object", "{made}/store", "abc"], "abc"),
        (["object", "{made}/store", "{id}", "--spectra", "nowhere"], "nowhere is no folder"),
        (["export", "{made}/store", "a.csv", "--tier", "platinum"], "platinum"),
        (["export", "{made}/store", "a.docx"], ".csv, .ecsv"),
        (["export", "{made}/store", "csv"], ".csv, .ecsv"),
        (["export", "{made}/store", "nowhere/a.csv"], "nowhere"),
        (["export", "{made}/store", "a.csv", "--population", "best"], "best"),
        (["serve", "nowhere", "--port", "0"], "is not a store"),
        (["serve", "{made}/store", "--port", "70000"], "0 to 65535"),
        (["serve", "{made}/store", "--address", "203.0.113.7"], "cannot listen"),
        (["serve", "{made}/store", "--port", "0", "--spectra", "nowhere"], "nowhere is no folder"),
        (["train", "nowhere", "--out", "w.safetensors"], "nowhere does not exist"),
        (["convert-weights", "nowhere.pt", "w.safetensors"], "nowhere.pt"),
        (["fly"], "fly"),
        ([], "COMMAND"),
    ],
)
def test_refusals(refused, made, arguments, said):
    filled = [a.replace("{made}", str(made)).replace("{id}", str(FIRST_ID)) for a in arguments]
    before = content_of(made)
    assert said in refused(*filled)
    assert content_of(made) == before


def test_weights_that_do_not_match_their_card_are_refused(refused, made, tmp_path):
    save_random_model(tmp_path / "w.safetensors", seed=1)
    shutil.copy(made / "w.json", tmp_path / "w.json")
    line = refused("scan", made / "spectra", "--out", "out", "--weights", "w.safetensors")
    assert "does not match its card" in line


def test_an_object_with_weights_of_another_model_is_refused(refused, made, tmp_path):
    save_random_model(tmp_path / "w.safetensors", seed=1)
    arguments = ("object", made / "store", FIRST_ID, "--spectra", made / "spectra")
    assert "was scored by model" in refused(*arguments, "--weights", "w.safetensors")


def test_a_store_of_another_format_version_is_refused(refused, made, tmp_path):
    store = shutil.copytree(made / "store", tmp_path / "store")
    manifest = json.loads((store / "manifest.json").read_text())
    (store / "manifest.json").write_text(json.dumps(manifest | {"format_version": 99}))
    for command in (["info", store], ["serve", store, "--port", "0"], ["export", store, "a.csv"]):
        assert "format version 99" in refused(*command)


def test_a_store_with_a_shortened_file_is_refused(refused, made, tmp_path):
    store = shutil.copytree(made / "store", tmp_path / "store")
    (store / "columns.arrow").write_bytes((store / "columns.arrow").read_bytes()[:-1])
    assert "columns.arrow" in refused("info", store)


def test_a_port_in_use_is_refused(refused, made):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        line = refused("serve", made / "store", "--port", taken.getsockname()[1])
    assert "choose another with --port" in line


def test_a_full_disk_is_one_line(run, made, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device", "store/columns.arrow")

    monkeypatch.setattr("anomaly_explorer.engine.catalog.build.build_store", full)
    code, _, err = run("build", made / "embedded", "store")
    assert (code, err) == (2, ["anomaly-explorer: store/columns.arrow: No space left on device"])


def test_an_interrupt_says_that_finished_work_is_kept(run, made, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("anomaly_explorer.engine.catalog.build.build_store", interrupt)
    code, _, err = run("build", made / "embedded", "store")
    assert code == 130
    assert "kept" in err[-1]


# What works.


def test_an_object_is_printed_with_its_score_recomputed(run, made):
    arguments = ("object", made / "store", FIRST_ID, "--spectra", made / "spectra")
    code, out, err = run(*arguments, "--weights", made / "w.safetensors")
    assert (code, err) == (0, [])
    assert f"{'target_id':>26}  {FIRST_ID}" in out
    assert "agrees (relative" in out[-1]


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
