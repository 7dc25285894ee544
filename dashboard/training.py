"""The command `train`: the compatible network, or the noise-aware one with all it measures by."""

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .progress import progress, say

if TYPE_CHECKING:
    from anomaly_explorer.engine.scoring.lessons import Lessons

# Of the science targets, those kept from the noise-aware network: its modes are fitted to them.
_HELD_SHARE = 0.25
_DIGITS = 6


def train(options: Namespace) -> None:
    """Train a network on science targets of files or of a simulated survey."""
    {"bigae": _train_compatible, "denoiser": _train_measurer}[options.network](options)


def _train_compatible(options: Namespace) -> None:
    from anomaly_explorer.engine.model.train import TrainingPlan, train_autoencoder
    from anomaly_explorer.engine.model.training_set import files_set, simulated_set
    from anomaly_explorer.engine.model.weights import save_model
    from anomaly_explorer.engine.scoring.learn import best_device

    with progress("preparing spectra") as advance:
        chosen = (
            files_set(options.spectra, advance)
            if options.spectra
            else simulated_set(options.seed, options.objects or 30_000, advance)
        )
    plan = TrainingPlan(**_wished(options, epochs=60))
    result = train_autoencoder(chosen.normalized_flux, plan, _told(plan.epochs), best_device())
    facts = {
        "pixels_per_bin": chosen.grid.pixels_per_bin,
        "training_survey": chosen.survey,
        "training": _facts(vars(plan), result),
    }
    trained_on = chosen.target_ids[result.training_rows]
    card = save_model(options.out, result.network, trained_on, facts)
    say(
        f"{options.out}: {card.n_training:,} spectra of {card.training_survey}, "
        f"validation loss {facts['training']['validation_loss']}, model {card.model_id}"
    )


def _train_measurer(options: Namespace) -> None:
    import numpy as np

    from anomaly_explorer.engine.model.train_denoiser import DenoiserPlan
    from anomaly_explorer.engine.scoring.learn import learn, with_enough_modes
    from anomaly_explorer.engine.scoring.lessons import file_lessons, simulated_lessons
    from anomaly_explorer.engine.scoring.measurer_file import save_measurer

    with progress("preparing spectra") as advance:
        lessons = (
            file_lessons(options.spectra, advance)
            if options.spectra
            else simulated_lessons(options.seed, options.objects or 50_000, advance)
        )
    n_held = int(_HELD_SHARE * len(lessons.target_ids))
    order = np.random.default_rng(options.seed).permutation(len(lessons.target_ids))
    held, taught = lessons.take(np.sort(order[:n_held])), lessons.take(np.sort(order[n_held:]))
    plan = DenoiserPlan(**_wished(options, epochs=40))
    told = _told(plan.epochs)
    measurer, result = learn(taught.spectra, taught.known, taught.sky, plan, told)
    say(f"fitting modes to {n_held:,} spectra that were not trained on")
    measurer, n_normals = with_enough_modes(measurer, held.spectra, held.known)
    rows = result.training_rows[result.training_rows < len(taught.target_ids)]
    training = _facts(vars(plan), result) | {
        "n_sky": len(lessons.sky),
        "sky_templates": int(np.any(measurer.sky, axis=1).sum()),
        "normals_for_modes": n_normals,
        "notes": _notes(lessons, n_normals),
    }
    facts = {"training_survey": lessons.survey, "training": training}
    card = save_measurer(options.out, measurer, taught.target_ids[rows], facts)
    say(
        f"{options.out}: {card.n_training:,} spectra of {card.training_survey}, "
        f"validation loss {training['validation_loss']}, model {card.model_id}"
    )
    for note in training["notes"]:
        say(note)


def _wished(options: Namespace, epochs: int) -> dict[str, int]:
    return {
        "epochs": options.epochs or epochs,
        "seed": options.seed,
        "patience": options.patience or 0,
    }


def _told(n_epochs: int) -> Callable[[int, float], None]:
    """Return what says how far training is, and how well it goes."""
    return lambda epoch, loss: say(f"epoch {epoch + 1} of {n_epochs}: validation loss {loss:.4f}")


def _facts(plan: Mapping[str, Any], result: Any) -> dict[str, Any]:
    """Return what a card says of a training: its plan, its losses, and the epoch that was kept."""
    best = result.best_epoch
    return {
        **plan,
        "best_epoch": best + 1,
        "training_loss": round(result.training_losses[best], _DIGITS),
        "validation_loss": round(result.validation_losses[best], _DIGITS),
        "training_losses": _rounded(result.training_losses),
        "validation_losses": _rounded(result.validation_losses),
    }


def _rounded(losses: Sequence[float]) -> list[float]:
    return [round(loss, _DIGITS) for loss in losses]


def _notes(lessons: "Lessons", n_normals: Mapping[str, int]) -> list[str]:
    """Return sentences about what could not be fitted."""
    from anomaly_explorer.engine.scoring.learn import MIN_MODE_NORMALS, MIN_SKY

    notes = [
        f"class {name} has no modes: {n} normals were held back, {MIN_MODE_NORMALS} are needed"
        for name, n in n_normals.items()
        if n < MIN_MODE_NORMALS
    ]
    if len(lessons.sky) < MIN_SKY:
        notes.append(f"no sky templates: {len(lessons.sky)} sky fibers, {MIN_SKY} are needed")
    return notes
