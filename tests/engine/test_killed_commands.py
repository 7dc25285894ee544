"""Scan, simulate, embed and build, killed with SIGKILL: a rerun ends like one that was not."""

import random
import shutil
import sys
from dataclasses import replace

import pytest

from .catalog_maker import batch_files, write_coadds
from .killed_commands import Command, Undisturbed


@pytest.fixture(scope="module")
def scan(tmp_path_factory, weights):
    spectra = write_coadds(tmp_path_factory.mktemp("spectra"), [2] * 12)
    how = ["--out", "catalog", "--weights", weights, "--batch-rows", 2]
    return Command(["scan", spectra, *how], n_batches)


@pytest.fixture(scope="module")
def simulate(weights):
    how = ["--weights", weights, "--batch-rows", 60, "--objects", 480]
    return Command(["simulate", "--catalog", "catalog", *how], n_batches)


def n_batches(folder):
    return len(batch_files(folder / "catalog"))


@pytest.fixture(scope="module")
def embed(write_catalog, tmp_path_factory):
    catalog = write_catalog(tmp_path_factory.mktemp("unmapped"), (40,) * 6).path
    shutil.rmtree(catalog / "embedding")

    def n_kept(folder):
        return len(list((folder / "catalog" / "embedding" / "unfinished").glob("*.npz")))

    return Command(["embed", "catalog", "--landmarks", 60], n_kept, catalog)


@pytest.fixture(scope="module")
def build(write_catalog, tmp_path_factory):
    catalog = write_catalog(tmp_path_factory.mktemp("mapped"), (300, 1, 99)).path

    def n_finished(folder):
        journal = folder / ".a.store.building" / "journal"
        try:
            return journal.read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    return Command(["build", catalog, "a.store"], n_finished)


@pytest.fixture
def seed(request):
    given = request.config.getoption("--kill-seed")
    seed = random.randrange(2**32) if given is None else given
    sys.stdout.write(f"The same moments again: --kill-seed {seed}\n")
    return seed


@pytest.fixture(scope="module", params=["scan", "simulate", "embed", "build"])
def undisturbed(request, tmp_path_factory):
    command = request.getfixturevalue(request.param)
    return Undisturbed.run(command, tmp_path_factory.mktemp("undisturbed") / "folder")


@pytest.mark.parametrize("n_kills", [3, pytest.param(10, marks=pytest.mark.scale)])
def test_a_killed_command_ends_like_one_that_was_not(undisturbed, tmp_path, n_kills, seed):
    undisturbed.assert_kills_change_nothing(tmp_path / "folder", n_kills, seed)


@pytest.mark.scale
def test_a_scan_by_workers_whose_client_is_killed_ends_like_one_that_was_not(scan, tmp_path, seed):
    by_workers = replace(scan, arguments=[*scan.arguments, "--workers", 2])
    undisturbed = Undisturbed.run(by_workers, tmp_path / "undisturbed")
    undisturbed.assert_kills_change_nothing(tmp_path / "folder", 3, seed)
