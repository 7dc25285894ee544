"""The demo: a simulated survey through the real engine; what is done is kept."""

from argparse import Namespace
from pathlib import Path

from anomaly_explorer.engine.errors import InputError, StoreError

from . import commands
from .progress import say

SEED = 1
# An UMAP fit with a seed runs on one core; 3,000 landmarks take it about 20 seconds.
LANDMARKS = 3000
# A survey of so many objects has quasars enough for a calibration of its own; a smaller one takes
# the shipped one, and its own normals judge it.
OWN_CALIBRATION = 50_000


def prepare_demo(folder: Path, n_objects: int) -> tuple[Path, Path]:
    """Simulate, scan, calibrate, embed and build below a folder.

    Parameters
    ----------
    folder : Path
        Kept between runs; one folder per generator, model and number of objects stands in it.
    n_objects : int

    Returns
    -------
    store, spectra : Path

    Raises
    ------
    InputError, StoreError
        The folder holds something else than this demo.
    """
    root = folder / _name(n_objects)
    spectra, catalog, store = root / "spectra", root / "catalog", root / "store"
    say(f"Simulated survey of {n_objects:,} objects in {root} (every spectrum is simulated)")
    try:
        commands.simulate(
            Namespace(out=spectra, catalog=None, objects=n_objects, seed=SEED, resolution=False,
                      drifted=False)
        )  # fmt: skip
        commands.scan(
            Namespace(spectra=[spectra], out=catalog, weights=None, measurer=None,
                      batch_rows=500_000, workers=1, scheduler=None)
        )  # fmt: skip
    except (InputError, StoreError) as error:
        # Such as spectra that were changed by hand, or a folder with other things in it.
        raise type(error)(
            f"the demo cannot go on in {root} ({error}): delete it, or name another --folder"
        ) from None
    commands.calibrate(Namespace(catalog=catalog, source=_calibrated(n_objects),
                                 normals=None))  # fmt: skip
    commands.embed(Namespace(catalog=catalog, landmarks=LANDMARKS, seed=0))
    commands.build(Namespace(catalog=catalog, store=store))
    return store, spectra


def _calibrated(n_objects: int) -> Path | None:
    """Return the calibration to apply; None where the demo's own survey is large enough for one."""
    from anomaly_explorer.engine.calibration.stored import SHIPPED_CALIBRATION

    return None if n_objects >= OWN_CALIBRATION else SHIPPED_CALIBRATION


def _name(n_objects: int) -> str:
    """Name what the survey depends on, so that an upgrade makes a new one beside the old."""
    from anomaly_explorer.engine.model.card import SHIPPED, SHIPPED_MEASURER, check_card
    from anomaly_explorer.engine.model.weighing import WEIGHING_VERSION
    from anomaly_explorer.engine.scan.summary import SCAN_FORMAT
    from anomaly_explorer.engine.simulation.survey import GENERATOR_VERSION

    model = check_card(SHIPPED).model_id
    measurer = check_card(SHIPPED_MEASURER, WEIGHING_VERSION).model_id
    versions = f"generator-{GENERATOR_VERSION}-format-{SCAN_FORMAT}"
    return f"{n_objects}-objects-{versions}-models-{model}-{measurer}"
