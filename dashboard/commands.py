"""What each command does, with the engine imported when it runs."""

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .calibrating import calibrate as calibrate
from .explaining import explain as explain
from .insights.command import insights as insights
from .judging import benchmark as benchmark
from .progress import progress, say, steps
from .settings import Settings
from .training import train as train

if TYPE_CHECKING:
    from anomaly_explorer.engine.scan.crew import Crew
    from anomaly_explorer.engine.scan.scorer import Scorer
    from anomaly_explorer.engine.simulation.survey import SimulatedSurvey

EXPORT_FORMATS = {
    ".csv": "csv",
    ".ecsv": "ecsv",
    ".parquet": "parquet",
    ".fits": "fits",
    ".vot": "votable",
    ".xml": "votable",
}


def simulate(options: Namespace) -> None:
    """Make a simulated survey: files of spectra, or a catalog without them."""
    from anomaly_explorer.engine.errors import InputError

    if (options.out is None) == (options.catalog is None):
        raise InputError("simulate makes spectra (simulate OUT) or a catalog (--catalog): name one")
    if options.catalog is not None:
        _simulate_catalog(options)
        return
    from anomaly_explorer.engine.simulation.write import write_survey

    survey = _survey(options)
    with progress("simulating") as advance:
        write_survey(
            options.out, options.objects, survey, resolution=options.resolution, progress=advance
        )
    say(f"{options.objects:,} simulated spectra in {options.out} ({_seed(options)})")


def _survey(options: Namespace) -> "SimulatedSurvey":
    from anomaly_explorer.engine.simulation.survey import (
        DRIFTED_VERSION,
        GENERATOR_VERSION,
        SimulatedSurvey,
    )

    return SimulatedSurvey(options.seed, DRIFTED_VERSION if options.drifted else GENERATOR_VERSION)


def _seed(options: Namespace) -> str:
    return f"seed {options.seed}{', drifted' if options.drifted else ''}"


def _simulate_catalog(options: Namespace) -> None:
    from anomaly_explorer.engine.scan.run import run_scan_with
    from anomaly_explorer.engine.scan.scorer import Scorer
    from anomaly_explorer.engine.scan.simulated import Simulator, plan_simulation

    survey = _survey(options)
    plan = plan_simulation(survey, options.objects, options.batch_rows)
    scorer = Scorer.load(options.weights, options.measurer)
    crew = Simulator(survey, scorer, n_threads=options.threads or len(os.sched_getaffinity(0)))
    with progress("simulating") as advance:
        result = run_scan_with(crew, plan, options.catalog, scorer.cards, advance)
    say(
        f"{options.catalog}: {options.objects:,} simulated objects ({_seed(options)}); "
        f"{result.n_made} batches made, {result.n_ready} were there"
    )


def convert_weights(options: Namespace) -> None:
    """Convert published weights."""
    from anomaly_explorer.engine.model.convert import convert_published

    card = convert_published(options.source, options.out)
    say(f"{options.out}: model {card.model_id}, training spectra unknown")


def scan(options: Namespace) -> None:
    """Scan spectra into a catalog."""
    from anomaly_explorer.engine.scan.plan import make_plan
    from anomaly_explorer.engine.scan.run import run_scan_with
    from anomaly_explorer.engine.scan.scorer import Scorer

    scorer = Scorer.load(options.weights, options.measurer)
    with progress("looking at files") as advance:
        plan = make_plan(options.spectra, options.batch_rows, advance)
    with progress("scanning") as advance, _crew(options, scorer) as crew:
        result = run_scan_with(crew, plan, options.out, scorer.cards, advance)
    counts = result.summary["counts"]
    say(
        f"{options.out}: {counts['objects']:,} objects of {counts['files']:,} files; "
        f"{result.n_made} batches made, {result.n_ready} were there; "
        f"{counts['without_spectra']} files without spectra, {counts['superseded']} superseded, "
        f"{counts['failures']} failed"
    )
    for item in result.summary["skipped"]:
        if item["kind"] == "failure":
            say(f"  failed: {item['path']}: {item['reason']}")


@contextmanager
def _crew(options: Namespace, scorer: "Scorer") -> Iterator["Crew"]:
    """Return who makes the batches: this process, processes of this machine, or a cluster."""
    from anomaly_explorer.engine.model.card import SHIPPED, SHIPPED_MEASURER
    from anomaly_explorer.engine.scan.crew import Alone

    if options.workers == 1 and options.scheduler is None:
        yield Alone(scorer)
        return
    # Dask costs half a second to import.
    from anomaly_explorer.engine.scan.cluster import WorkerSetup, local_crew, scheduler_crew

    setup = WorkerSetup(
        (options.weights or SHIPPED).resolve(), (options.measurer or SHIPPED_MEASURER).resolve(),
        scorer.cards.model.model_id, scorer.cards.measurer.model_id,
    )  # fmt: skip
    chosen = (
        local_crew(options.workers, setup)
        if options.scheduler is None
        else scheduler_crew(options.scheduler, setup)
    )
    with chosen as crew:
        yield crew


def embed(options: Namespace) -> None:
    """Map the latents of a catalog."""
    from anomaly_explorer.engine.embedding.run import embed_catalog

    with steps() as tell:
        facts = embed_catalog(options.catalog, options.landmarks, options.seed, progress=tell)
    say(
        f"map of {options.catalog}: trustworthiness {facts['trustworthiness']}, neighbor "
        f"preservation {facts['neighbor_preservation']} ({facts['checked_on']}), "
        f"{facts['n_clusters']} clusters"
    )


def build(options: Namespace) -> None:
    """Build a store."""
    from anomaly_explorer.engine.catalog.build import build_store

    with steps() as tell:
        store = build_store(options.catalog, options.store, progress=tell)
    say(f"{options.store}: {store.n_objects:,} objects")


def info(options: Namespace) -> None:
    """Say what is in a store."""
    from .description import describe_store

    describe_store(options)


def show_object(options: Namespace) -> None:
    """Print one object and its recomputed score."""
    from anomaly_explorer.engine.catalog.store import Store
    from anomaly_explorer.engine.errors import InputError

    from .live import load_inspector
    from .remeasuring import describe_measured, load_measurer_of

    store = Store.open(options.store)
    rows = store.rows_of_target(options.target_id)
    if len(rows) == 0:
        raise InputError(f"TARGETID {options.target_id} is in no object of {options.store}")
    settings = Settings(options.store, options.spectra, options.weights, options.measurer)
    inspector = load_inspector(store, settings)
    measurer = load_measurer_of(store, options.measurer)
    for row in rows:
        inspection = inspector.inspect(int(row))
        for name, value in inspection.facts.items():
            say(f"{name:>26}  {'' if value is None else value}")
        agreement = inspection.agreement
        verdict = "agrees" if agreement.agrees else "DOES NOT AGREE"
        say(
            f"score_mse recomputed {agreement.recomputed!r}, catalog {agreement.catalog!r}: "
            f"{verdict} (relative {agreement.relative_difference:.1e})"
        )
        if measurer is not None:
            batch, _ = inspector.reconstruct_rows([int(row)])
            say(describe_measured(inspection.facts, batch, measurer))
        for note in inspection.notes:
            say(note)


def export(options: Namespace) -> None:
    """Write objects of a store to a file."""
    from anomaly_explorer.engine.catalog.export import export_rows
    from anomaly_explorer.engine.catalog.filters import AllOf, OneOf, Tier
    from anomaly_explorer.engine.catalog.store import Store, info
    from anomaly_explorer.engine.errors import InputError

    fmt = EXPORT_FORMATS.get(options.out.suffix.lower())
    if fmt is None:
        endings = ", ".join(EXPORT_FORMATS)
        raise InputError(f"{options.out.name} has none of the endings {endings}: name one of them")
    store = Store.open(options.store)
    chosen: list[Any] = []
    # Published tiers count sky fibers and broken ones too: these are exported when asked for.
    population = options.population or (info(store)["population"] if options.tier else "all")
    if population != "all":
        chosen.append(OneOf("population", (population,)))
    if options.tier:
        chosen.append(Tier(options.tier))
    rows = AllOf(tuple(chosen)).mask(store).rows()
    export_rows(store, rows, options.out, fmt)
    say(f"{options.out}: {len(rows):,} of {store.n_objects:,} objects (population: {population})")


def bench(options: Namespace) -> None:
    """Measure a store, and say and write the figures."""
    import json

    from .measuring.report import table_of
    from .measuring.run import Wish, measure_store

    with steps() as tell:
        figures = measure_store(Wish(options.store, options.spectra, options.weights), tell)
    for line in table_of(figures):
        say(line)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def serve(options: Namespace) -> None:
    """Serve a store until interrupted."""
    settings = _settings(options, options.store, options.spectra)
    run_server(replace(settings, weights=options.weights, measurer=options.measurer))


def demo(options: Namespace) -> None:
    """Prepare the simulated survey, step by step, and serve it."""
    from .demo import prepare_demo

    store, spectra = prepare_demo(options.folder, options.objects)
    if not options.no_serve:
        run_server(_settings(options, store, spectra))


def run_server(settings: Settings) -> None:
    """Serve and say where."""
    import gc

    gc.disable()  # until the server has settled, see `startup`
    try:
        from .serve import serve_store

        serve_store(settings, lambda url: say(f"DESI Anomaly Explorer at {url} (Ctrl+C stops it)"))
    finally:
        gc.enable()


def _settings(options: Namespace, store: Path, spectra: Path | None) -> Settings:
    return Settings(
        store=store, spectra=spectra, address=options.address,
        port=options.port, origins=tuple(options.allow_origin), is_dark=not options.light,
        processes=options.processes,
    )  # fmt: skip
