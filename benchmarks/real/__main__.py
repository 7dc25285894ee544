"""Score and write the page: `python -m benchmarks.real [--measurer FILE] [--out PAGE]`.

The network is trained on simulated spectra when the file is not there, and kept in it.
"""

import argparse
import warnings
from pathlib import Path

from anomaly_explorer.engine.scan.atomic import replace_file

from .collections import CHECKOUT, real_folder
from .network import measurer_of
from .page import write_page
from .pictures import draw_all
from .scoring import score_survey
from .surveys import read_surveys, simulate

_KEPT = CHECKOUT / "build" / "benchmarks" / "simulated-denoiser.safetensors"


def main() -> None:
    """Score every survey in the folder of real spectra, and write page and pictures."""
    parser = argparse.ArgumentParser(prog="benchmarks.real", description=__doc__)
    parser.add_argument("--measurer", type=Path, default=_KEPT, help="where the network is kept")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "docs" / "real-data.md")
    options = parser.parse_args()
    options.measurer.parent.mkdir(parents=True, exist_ok=True)
    root, all_scored = real_folder(), []
    simulated = simulate(measurer_of(options.measurer))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # medians of bins that no spectrum of a survey has
        for survey in read_surveys(root):
            all_scored.append(score_survey(survey, simulated))
            print(f"{survey.collection.name}: scored", flush=True)
        pictures = draw_all(all_scored)
        page = write_page(all_scored)
    for name, drawn in pictures.items():
        path = options.out.parent / "images" / name
        replace_file(path, lambda part, svg=drawn: part.write_text(svg, encoding="utf-8"))
    replace_file(options.out, lambda path: path.write_text(page, encoding="utf-8"))
    print(f"{options.out}: written")


if __name__ == "__main__":
    main()
