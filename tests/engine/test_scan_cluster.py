"""Dask workers make what one process makes, whichever of them is killed."""

import json
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.dashboard.cli import main
from anomaly_explorer.engine.errors import ExplorerError, InputError, StoreError
from anomaly_explorer.engine.scan import cluster
from anomaly_explorer.engine.scan.batch import BatchTask, make_batch, plan_digest
from anomaly_explorer.engine.scan.cluster import WorkerSetup, local_crew, run_task, scheduler_crew
from anomaly_explorer.engine.scan.plan import Input, make_plan
from anomaly_explorer.engine.scan.run import run_scan, run_scan_with
from anomaly_explorer.engine.scoring.measurer_file import load_measurer

from .catalog_maker import (
    CPU,
    assert_same_rows,
    batch_files,
    make_scorer,
    read_catalog,
    save_random_model,
    scan_into,
    write_coadds,
)
from .killed_commands import forked_workers
from .measurer_maker import save_random_measurer

N_BATCHES = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_coadds(tmp_path_factory.mktemp("spectra"), [2] * N_BATCHES)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, folder, weights):
    catalog = tmp_path_factory.mktemp("undisturbed") / "catalog"
    scan_into(catalog, [folder], weights, 2)
    return read_catalog(catalog)


@pytest.fixture(scope="module")
def setup(weights):
    measurer = save_random_measurer(weights.with_name("random-measurer.safetensors"))
    cards = make_scorer(weights).cards
    assert load_measurer(measurer).card.model_id == cards.measurer.model_id
    return WorkerSetup(weights, measurer, cards.model.model_id, cards.measurer.model_id, "cpu")


@pytest.fixture(scope="module")
def crew(setup):
    with forked_workers(), local_crew(2, setup) as crew:
        yield crew


def scan_with(crew, folder, catalog, weights, progress=None):
    plan = make_plan([folder], 2)
    return run_scan_with(crew, plan, catalog, make_scorer(weights).cards, progress)


def names_of(catalog):
    return {path.name for path in catalog.iterdir()}


def test_a_killed_worker_costs_its_batch_and_nobody_else(
    crew, folder, weights, undisturbed, tmp_path
):
    catalog = tmp_path / "out"
    workers = list(crew._client.run(os.getpid).values())
    assert len(set(workers)) == 2
    assert os.getpid() not in workers
    seen = []

    def kill_once(done, total):
        if not seen:
            os.kill(workers[0], signal.SIGKILL)
        seen.append((done, total))

    result = scan_with(crew, folder, catalog, weights, kill_once)
    assert workers[0] not in crew._client.run(os.getpid).values()
    assert (result.n_made, result.n_ready) == (N_BATCHES, 0)
    assert seen == [(2 * i, 2 * N_BATCHES) for i in range(1, N_BATCHES + 1)]
    assert_same_rows(read_catalog(catalog), undisturbed)
    assert names_of(catalog) == {
        *(path.name for path in batch_files(catalog)), "plan.json", "scan.json",
    }  # fmt: skip
    assert scan_with(crew, folder, catalog, weights).n_ready == N_BATCHES


def test_the_command_uses_the_workers_of_a_scheduler(crew, folder, weights, tmp_path, capsys):
    address = crew._client.scheduler.address
    assert address.startswith("tcp://127.0.0.1:")
    catalog = tmp_path / "out"
    arguments = ["scan", str(folder), "--out", str(catalog), "--weights", str(weights)]
    assert main([*arguments, "--batch-rows", "2", "--scheduler", address]) == 0
    assert f"{N_BATCHES} batches made, 0 were there" in capsys.readouterr().out


def test_local_workers_listen_to_this_machine_alone(crew):
    mine = [psutil.Process(), *psutil.Process().children(recursive=True)]
    listening = {
        connection.laddr.ip
        for process in mine
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_workers_and_scheduler_exclude_each_other(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["scan", "x", "--out", "y", "--workers", "2", "--scheduler", "tcp://127.0.0.1:9"])
    assert "not allowed with argument" in capsys.readouterr().err


def deadly(number):
    """Stand for a batch that needs more memory than a worker gets: a function that travels."""

    def run_or_die(text):
        if json.loads(text)["number"] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return run_task(text)

    return run_or_die


def test_a_batch_that_kills_its_workers_is_named_and_the_others_are_made(
    crew, folder, weights, tmp_path, monkeypatch
):
    catalog = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(crew._client.cluster.scheduler, "allowed_failures", 0)
        patched.setattr(cluster, "run_task", deadly(3))
        with pytest.raises(ExplorerError, match="ended every worker that tried it") as caught:
            scan_with(crew, folder, catalog, weights)
    assert "desi_dr1_catalog_batch_0003.parquet" in str(caught.value)
    assert "coadd-main-dark-9003.fits" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(batch_files(catalog)) == N_BATCHES - 1
    assert not (catalog / "scan.json").exists()
    assert scan_with(crew, folder, catalog, weights).n_made == 1


def test_workers_without_the_package_are_one_sentence(crew, folder, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "MODULE", "anomaly_explorer.not_there")
    with pytest.raises(InputError, match=r"cannot import .* \(ModuleNotFoundError"):
        scan_with(crew, folder, tmp_path / "out", weights)


def test_a_worker_with_another_model_or_without_the_spectra_is_one_sentence(
    setup, folder, tmp_path
):
    plan = make_plan([folder], 2)
    task = BatchTask(0, str(tmp_path), str(plan.root), plan.batches[0], "")
    other = save_random_model(tmp_path / "other.safetensors", seed=1)
    another = save_random_measurer(tmp_path / "another.safetensors", seed=1)
    lost = replace(task, root=str(tmp_path / "nowhere"))
    for text, sentence in (
        (cluster.task_text(task, replace(setup, weights=other)), f"expected {setup.model_id}"),
        (
            cluster.task_text(task, replace(setup, measurer=another)),
            f"expected {setup.measurer_id}",
        ),
        (cluster.task_text(lost, setup), "needs the spectra under the same path"),
    ):
        assert sentence in run_task(text)["failure"]
    assert not batch_files(tmp_path)
    assert run_task(cluster.task_text(task, setup)) == {"objects": 2}
    assert [path.name for path in batch_files(tmp_path)] == [task.path.name]


def test_an_error_nobody_foresaw_is_one_sentence(crew, folder, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "run_task", json.loads)
    monkeypatch.setattr(cluster, "task_text", lambda *_: "{")
    with pytest.raises(
        ExplorerError, match=r"cannot be made \(JSONDecodeError.*\(7 more"
    ) as caught:
        scan_with(crew, folder, tmp_path / "out", weights)
    assert "\n" not in str(caught.value)


def test_nothing_answers(setup, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.3)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        with (
            pytest.raises(InputError, match="no Dask scheduler answers"),
            scheduler_crew(address, setup),
        ):
            pass


def test_a_second_scan_into_the_folder_is_refused_while_the_first_runs(folder, weights, tmp_path):
    refused = []

    def scan_again(done, total):
        if not refused:
            with pytest.raises(StoreError, match=f"another scan, process {os.getpid()}") as caught:
                scan_into(tmp_path / "out", [folder], weights, 2)
            refused.append(caught.value)

    result = run_scan(
        make_plan([folder], 2), tmp_path / "out", make_scorer(weights), CPU, scan_again
    )
    assert refused
    assert result.n_made == N_BATCHES


def test_a_batch_of_another_plan_never_arrives(folder, weights, tmp_path):
    """A worker whose client was killed may end its batch when the folder is somebody else's."""
    plan = make_plan([folder], 2)
    catalog = tmp_path / "out"
    scan_into(catalog, [folder], weights, 2)
    task = BatchTask(0, str(catalog), str(plan.root), plan.batches[0], plan_digest(catalog))
    batch_files(catalog)[0].unlink()
    make_batch(task, make_scorer(weights), CPU)
    batch_files(catalog)[0].unlink()
    (catalog / "plan.json").write_text("{}")
    with pytest.raises(StoreError, match="another plan"):
        make_batch(task, make_scorer(weights), CPU)
    assert len(batch_files(catalog)) == N_BATCHES - 1
    assert not list(catalog.glob(".*"))


INPUTS = st.builds(
    Input,
    path=st.text(),
    kind=st.sampled_from(["desi coadd", "lamost"]),
    group=st.text(),
    n_objects=st.integers(1, 10**6),
    fingerprint=st.text("0123456789abcdef", min_size=64, max_size=64),
    simulation=st.none() | st.tuples(st.integers(), st.integers(0, 2**63)),
    notes=st.lists(st.text()).map(tuple),
    without_rows=st.lists(st.integers(0, 10**6)).map(tuple),
)


@settings(max_examples=20)
@given(st.lists(INPUTS, max_size=3).map(tuple))
def test_a_task_is_the_same_on_the_other_side(inputs):
    task = BatchTask(7, "/catalog", "/spectra", inputs, "digest")
    setup = WorkerSetup(Path("/weights.safetensors"), Path("/m"), "model", "measurer", "cuda")
    assert cluster.parse_task(cluster.task_text(task, setup)) == (task, setup)


def test_ctrl_c_reaches_the_client_alone():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    masks = []

    def note():
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, set()))

    with cluster._without_interrupts():
        started = threading.Thread(target=note)
        started.start()
        started.join()
        with cluster._interrupts():
            note()
    assert signal.SIGINT in masks[0]
    assert signal.SIGINT not in masks[1]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == before
