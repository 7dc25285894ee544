"""The command `anomaly-explorer`: arguments in, one sentence out when something is wrong.

Nothing heavy is imported before a command runs, so that ``--help`` answers at once.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NoReturn

from anomaly_explorer.engine.errors import ExplorerError

from .settings import DEFAULT_ADDRESS, DEFAULT_PORT

EPILOG = "Start with `anomaly-explorer demo`: a whole simulated survey, offline."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, or 2 with one sentence on standard error."""
    options = make_parser().parse_args(arguments)
    from . import commands

    try:
        getattr(commands, options.run)(options)
    except ExplorerError as error:
        return _refuse(str(error))
    except OSError as error:  # a full disk, a folder without permission: the machine's, not ours
        reason = error.strerror or str(error) or type(error).__name__
        return _refuse(f"{error.filename or options.run}: {reason}")
    except KeyboardInterrupt:
        sys.stderr.write("\nanomaly-explorer: stopped; what is finished is kept\n")
        return 130
    return 0


def _refuse(sentence: str) -> int:
    # Libraries put line breaks into their messages; one problem is one line.
    sys.stderr.write(f"anomaly-explorer: {' '.join(sentence.split())}\n")
    return 2


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line like all others."""

    def error(self, message: str) -> NoReturn:
        """Write the sentence and exit with 2."""
        self.exit(_refuse(f"{message}; see {self.prog} --help"))


def make_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = _Parser(
        prog="anomaly-explorer",
        description="Score spectra with an autoencoder and look at the strange ones, live.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_making(commands)
    _add_catalog(commands)
    _add_looking(commands)
    return parser


def _version() -> str:
    try:
        return f"anomaly-explorer {version('desi-anomaly-explorer')}"
    except PackageNotFoundError:
        return "anomaly-explorer, not installed"


def _add_making(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands that make spectra and models."""
    simulate = _command(
        commands, "simulate", "make a simulated survey: spectra as DESI-layout FITS, or a catalog"
    )
    simulate.add_argument("out", type=Path, nargs="?", metavar="OUT", help="folder of spectra")
    simulate.add_argument("--catalog", type=Path, metavar="CATALOG",
                          help="score the spectra into this catalog and keep none")  # fmt: skip
    simulate.add_argument("--objects", type=_count, default=6000, help="objects (default 6000)")
    simulate.add_argument("--seed", type=int, default=1, help="seed of the survey (default 1)")
    simulate.add_argument(
        "--resolution", action="store_true", help="write the resolution matrices too (4 × the size)"
    )
    simulate.add_argument("--drifted", action="store_true",
                          help="noise, lines and gas that no calibration knows")  # fmt: skip
    simulate.add_argument("--weights", type=Path, help="weights file for --catalog")
    simulate.add_argument("--measurer", type=Path, help="measurer file for --catalog")
    simulate.add_argument("--batch-rows", type=_count, default=500_000, help="rows of a batch")
    simulate.add_argument("--threads", type=_count, help="default: one per core")
    train = _command(commands, "train", "train the compatible or the noise-aware network")
    train.add_argument(
        "spectra", type=Path, nargs="*", metavar="SPECTRA",
        help="files and folders; none = simulated spectra made for the purpose",
    )  # fmt: skip
    train.add_argument("--out", type=Path, required=True, help="weights file (.safetensors)")
    train.add_argument("--network", choices=("bigae", "denoiser"), default="bigae",
                       help="of the compatible or the calibrated score")  # fmt: skip
    train.add_argument("--objects", type=_count, help="simulated spectra to make (30000; 50000)")
    train.add_argument("--epochs", type=_count, help="rounds of training (60; 40)")
    train.add_argument("--seed", type=_seed, default=7, help="seed of spectra and training")
    train.add_argument("--patience", type=_count, metavar="EPOCHS",
                       help="stop after so many without gain (default: never)")  # fmt: skip
    judge = _command(commands, "benchmark", "judge the calibrated score where the truth is known")
    judge.add_argument("what", choices=("score",), help="what to judge")
    judge.add_argument("--trials", type=_count, default=3, help="seeds to take the mean of (3)")
    judge.add_argument("--seed", type=_seed, help="of the first trial (default: a fresh one)")
    judge.add_argument("--survey", type=Path, metavar="FOLDER",
                       help="files like DESI's, with a truth table")  # fmt: skip
    judge.add_argument("--small", action="store_true", help="less of it all, in three minutes")
    judge.add_argument("--gate", action="store_true", help="fail where recall is too low")
    judge.add_argument("--json", type=Path, metavar="FILE", help="write every figure by name")
    judge.add_argument("--card", type=Path, metavar="WEIGHTS",
                       help="write the main figures into the card of these weights")  # fmt: skip
    judge.add_argument("--out", type=Path, metavar="PAGE", help="write the tables as Markdown")
    convert = _command(commands, "convert-weights", "convert published weights to safetensors")
    convert.add_argument("source", type=Path, metavar="SOURCE", help="best_model_47k.pt")
    convert.add_argument("out", type=Path, metavar="OUT", help="weights file (.safetensors)")


def _add_catalog(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands from spectra to store."""
    scan = _command(commands, "scan", "score spectra into a catalog; goes on where it was stopped")
    scan.add_argument("spectra", type=Path, nargs="+", metavar="SPECTRA", help="files and folders")
    scan.add_argument("--out", type=Path, required=True, metavar="CATALOG", help="folder to write")
    scan.add_argument("--weights", type=Path, help="weights file (default: the shipped ones)")
    scan.add_argument("--measurer", type=Path, help="measurer file (default: the shipped one)")
    scan.add_argument("--batch-rows", type=_count, default=500_000, help="rows of a Parquet batch")
    crew = scan.add_mutually_exclusive_group()
    crew.add_argument("--workers", type=_count, default=1, metavar="N",
                      help="Dask processes of this machine (default 1: no Dask)")  # fmt: skip
    crew.add_argument("--scheduler", metavar="ADDRESS",
                      help="use the workers of this Dask scheduler (tcp://…)")  # fmt: skip
    calibrate = _command(commands, "calibrate", "turn the statistics of a catalog into sigmas")
    calibrate.add_argument("catalog", type=Path, metavar="CATALOG")
    calibrate.add_argument("--from", type=Path, dest="source", metavar="OTHER",
                           help="apply the calibration of this catalog as it is")  # fmt: skip
    calibrate.add_argument("--normals", type=_count, metavar="N",
                           help="of a survey, to fit to at most (default 1000000)")  # fmt: skip
    embed = _command(commands, "embed", "map the latents of a catalog and find clusters")
    embed.add_argument("catalog", type=Path, metavar="CATALOG")
    embed.add_argument("--landmarks", type=_count, default=20_000, help="objects the map is fit on")
    embed.add_argument("--seed", type=_seed, default=0)
    build = _command(commands, "build", "build the store the explorer opens")
    build.add_argument("catalog", type=Path, metavar="CATALOG")
    build.add_argument("store", type=Path, metavar="STORE")


def _add_looking(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands that read a store."""
    info = _command(commands, "info", "say what is in a store")
    info.add_argument("store", type=Path, metavar="STORE")
    info.add_argument("--json", action="store_true", help="machine-readable")
    info.add_argument("--verify", action="store_true",
                      help="compare every byte of the store with what its build wrote")  # fmt: skip
    info.add_argument("--statistics", nargs="*", metavar="COLUMN",
                      help="columns in numbers (default: score_mse snr redshift)")  # fmt: skip
    show = _command(commands, "object", "print one object: its row and its score recomputed")
    show.add_argument("store", type=Path, metavar="STORE")
    show.add_argument("target_id", type=int, metavar="TARGETID")
    _add_models(show)
    why = _command(commands, "explain", "say why an object is strange to the model, in a paragraph")
    why.add_argument("store", type=Path, metavar="STORE")
    why.add_argument("target_id", type=int, metavar="TARGETID")
    why.add_argument("--json", action="store_true", help="the note and its numbers as JSON")
    _add_models(why)
    export = _command(commands, "export", "write objects of a store to a file")
    export.add_argument("store", type=Path, metavar="STORE")
    export.add_argument("out", type=Path, metavar="OUT", help=".csv, .ecsv, .parquet, .fits, .vot")
    export.add_argument("--population", choices=("science", "gated", "unknown", "all"),
                        help="default: all; of a tier, the one that the page opens on")  # fmt: skip
    export.add_argument("--tier", default="", help="only objects of this tier")
    insights = _command(commands, "insights", "find what a store says of its population")
    insights.add_argument("store", type=Path, metavar="STORE")
    insights.add_argument("--cards", nargs="+", metavar="CARD", help="default: all of them")
    insights.add_argument("--tier", help="the tier they are about (default: sigma_top_1, or top_1 "
                          "where nothing is calibrated)")  # fmt: skip
    insights.add_argument("--seed", type=_seed, default=0, help="of samples and permutations")
    insights.add_argument("--out", type=Path, metavar="FOLDER", help="write figures (SVG) there")
    insights.add_argument("--json", type=Path, metavar="FILE", help="write every number by name")
    insights.add_argument("--spectra", type=Path, metavar="ROOT",
                          help="root of the scanned spectra")  # fmt: skip
    serve = _command(commands, "serve", "open the explorer on a store")
    serve.add_argument("store", type=Path, metavar="STORE")
    _add_models(serve)
    _add_server(serve)
    bench = _command(commands, "bench", "measure the steps of the server over a store")
    bench.add_argument("store", type=Path, metavar="STORE")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write every figure by name")
    _add_spectra(bench)
    demo = _command(commands, "demo", "simulate, scan, embed, build and serve, offline")
    demo.add_argument("--folder", type=Path, default=Path("demo"), help="where to keep it")
    demo.add_argument("--objects", type=_count, default=6500)
    demo.add_argument("--no-serve", action="store_true", help="prepare everything, then stop")
    _add_server(demo)


def _add_spectra(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spectra", type=Path, metavar="ROOT",
                        help="root of the scanned spectra")  # fmt: skip
    parser.add_argument("--weights", type=Path, help="weights file (default: the shipped ones)")


def _add_models(parser: argparse.ArgumentParser) -> None:
    _add_spectra(parser)
    parser.add_argument("--measurer", type=Path, help="measurer file (default: the shipped one)")


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="0 = any free one")
    parser.add_argument("--address", default=DEFAULT_ADDRESS, help="network address to listen on")
    parser.add_argument("--allow-origin", action="append", default=[], metavar="HOST",
                        help="further host[:port] browsers may connect from")  # fmt: skip
    parser.add_argument("--light", action="store_true", help="open in the light theme")
    parser.add_argument("--processes", type=_count, default=1, metavar="N",
                        help="processes that serve the port together (default 1)")  # fmt: skip


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(run=name.replace("-", "_") if name != "object" else "show_object")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def _seed(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 31:
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: one is a number from 0 to 2^31 - 1")
    return number


def _count(text: str) -> int:
    try:
        number = int(text.replace("_", "").replace(",", ""))
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive whole number")
    return number


if __name__ == "__main__":
    sys.exit(main())
