"""A command that cannot run says in one line why not, exits with 2 and leaves no mess."""

import hashlib
import json
import shutil
import socket
import subprocess
import sys

import pytest

from anomaly_explorer.engine.spectra.grid import ARMS
from tests.dashboard.conftest import FIRST_ID
from tests.engine.catalog_maker import save_random_model
from tests.engine.survey_files import make_coadd


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


def test_a_refusal_is_seen_from_outside(tmp_path):
    command = [sys.executable, "-m", "anomaly_explorer.dashboard.cli", "info", tmp_path / "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("anomaly-explorer: ")


@pytest.mark.parametrize(
    ("option", "name", "says"),
    [
        ("--out", "none/page.md", "is no folder: make it, or name another file"),
        ("--json", "none/figures.json", "is no folder: make it, or name another file"),
        ("--card", "mine.safetensors", "is missing: weights need their model card beside them"),
        ("--seed", "-1", "a number from 0 to 2^31"),
    ],
)
def test_a_trial_of_minutes_does_not_begin_when_its_end_has_no_place(
    refused, tmp_path, option, name, says
):
    value = name if option == "--seed" else tmp_path / name
    assert says in refused("benchmark", "score", option, value)


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


def test_a_scan_of_the_real_malformed_coadd_is_refused(refused, made, real_data):
    path = real_data / "desi-coadds" / "malformed-missing_b_color.fits"
    line = refused("scan", path, "--out", "out", "--weights", made / "w.safetensors")
    assert "B_FLUX" in line


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


def test_an_object_with_another_measurer_is_refused(refused, made):
    arguments = ("object", made / "store", FIRST_ID, "--spectra", made / "spectra")
    line = refused(*arguments, "--weights", made / "w.safetensors")  # the shipped measurer
    assert "was scored by model" in line
    assert "--measurer, or score the spectra again" in line


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


def test_a_problem_of_the_machine_without_words_is_named_by_its_kind(run, tmp_path, monkeypatch):
    def wait(*arguments, **options):
        raise TimeoutError

    monkeypatch.setattr("anomaly_explorer.engine.catalog.build.build_store", wait)
    code, _, err = run("build", tmp_path / "embedded", "store")
    assert (code, err) == (2, ["anomaly-explorer: build: TimeoutError"])


def test_an_interrupt_says_that_finished_work_is_kept(run, made, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("anomaly_explorer.engine.catalog.build.build_store", interrupt)
    code, _, err = run("build", made / "embedded", "store")
    assert code == 130
    assert "kept" in err[-1]
