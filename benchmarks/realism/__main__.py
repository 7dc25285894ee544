"""Compare and write the page: `python -m benchmarks.realism [--out PAGE]`, minutes on two cores."""

import argparse
import warnings
from pathlib import Path

from anomaly_explorer.engine.scan.atomic import replace_file
from benchmarks.real.collections import CHECKOUT, real_folder

from .compare import compare
from .page import write_page
from .pictures import draw_all


def main() -> None:
    """Read real spectra, make simulated ones, compare, and write page and pictures."""
    parser = argparse.ArgumentParser(prog="benchmarks.realism", description=__doc__)
    parser.add_argument("--out", type=Path, default=CHECKOUT / "docs" / "simulation.md")
    out = parser.parse_args().out
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # empty slices and fits of lines that are not there
        found = compare(real_folder())
        pictures = draw_all(found)
        page = write_page(found, "in a few minutes on two cores")
    for name, drawn in pictures.items():
        path = out.parent / "images" / name
        replace_file(path, lambda part, svg=drawn: part.write_text(svg, encoding="utf-8"))
    replace_file(out, lambda path: path.write_text(page, encoding="utf-8"))
    print(f"{out}: written")


if __name__ == "__main__":
    main()
