"""Measure and write the page: `python -m benchmarks [--rows N] [--out PATH]`."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.catalog.store import Store

from . import maps, spectra
from .catalog import write_catalog
from .machine import describe_machine, load_average
from .report import table
from .timing import measure

HEAD = """# Benchmarks

Written by `python -m benchmarks{arguments}`; nothing here is edited by hand. Medians, with the
16th to 84th percentile in brackets, of at least five runs after one to warm up. Ours and the stock
tool ran one after the other on the same data. These are steps of the server: network and browser
come on top. The data are random or simulated.
"""


def main() -> int:
    """Measure everything, print the page and write it."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the random store")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks.md"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        page = make_page(options.rows, Path(folder))
    print(page, end="")
    options.out.write_text(page, encoding="utf-8")
    return 0


def make_page(n_rows: int, scratch: Path) -> str:
    """Return the whole page."""
    before = load_average()
    arguments = "" if n_rows == 200_000 else f" --rows {n_rows}"
    sections = [map_section(n_rows, scratch), spectra_section(scratch)]
    facts = [
        *describe_machine(),
        f"- Load average of the last minute: {before} before, {load_average()} after (our own "
        "work included)",
    ]
    return "\n".join([HEAD.format(arguments=arguments), *facts, "", *sections])


def map_section(n_rows: int, scratch: Path) -> str:
    """Return the section about a store of N rows."""
    write_catalog(scratch / "catalog", n_rows)
    start = time.perf_counter()
    store = build_store(scratch / "catalog", scratch / "store")
    built = time.perf_counter() - start
    opening = measure(lambda: Store.open(scratch / "store"))
    pictures, size = maps.time_picture(store)
    gib = maps.size_of(scratch / "store") / 2**30
    return "\n".join(
        [
            f"## A store of {n_rows:,} random objects\n",
            f"In 40 clumps; {maps.SIZE[0]} × {maps.SIZE[1]} pixels. Built in {built:.1f} s "
            f"({gib:.2f} GiB), opened in {opening}.\n",
            table(maps.time_frames(store), "Datashader, all rows"),
            "",
            table([maps.time_lasso(store)], "shapely, all points"),
            "",
            table([maps.time_pick(store)], "NumPy, all points"),
            "",
            table([maps.time_mask(store)], "vaex, count"),
            "",
            table(pictures, "Datashader, RGBA"),
            "",
            f"{size}\n",
        ]
    )


def spectra_section(scratch: Path) -> str:
    """Return the section about spectra."""
    files = spectra.write_spectra(scratch / "spectra")
    lines = [
        spectra.time_scan(files, scratch),
        spectra.time_click(files),
        *spectra.time_reconstruction(),
        spectra.time_simulation(),
    ]
    found = f"{table(lines, 'astropy, reading only')}\n\n{spectra.noise_line(scratch)}\n"
    return f"## Spectra, on the CPU\n\nSimulated in DESI's layout.\n\n{found}"


if __name__ == "__main__":
    sys.exit(main())
