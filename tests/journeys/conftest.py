"""A demo made once by the real command, a server on it, and a browser that tolerates no error."""

import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anomaly_explorer.dashboard import cli

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = (sys.executable, "-m", "anomaly_explorer.dashboard.cli")


@dataclass(frozen=True)
class Survey:
    """Folders of one survey taken through the whole path."""

    spectra: Path
    catalog: Path
    store: Path

    def table(self, *names: str) -> pa.Table:
        """Columns of the catalog with map positions, and sigmas if it has any, in order."""
        batches = sorted(self.catalog.glob("desi_dr1_catalog_batch_*.parquet"))
        table = pa.concat_tables([pq.read_table(path, columns=list(names)) for path in batches])
        for beside in ("embedding/positions.parquet", "calibration/scores.parquet"):
            if not (self.catalog / beside).exists():
                continue
            more = pq.read_table(self.catalog / beside)
            for name in more.column_names:
                table = table.append_column(name, more[name])
        return table


def run_command(*arguments: object) -> str:
    """Run a command of `anomaly-explorer` in this process; returns what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = cli.main(list(map(str, arguments)))
    assert code == 0, out.getvalue()[-3000:] + err.getvalue()[-3000:]
    return out.getvalue()


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Survey:
    """Make the demo as a user does, in a process of its own."""
    folder = Path(os.environ.get("ANOMALY_DEMO") or tmp_path_factory.mktemp("demo"))
    done = subprocess.run([*PROGRAM, "demo", "--folder", str(folder), "--no-serve"],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (root,) = folder.iterdir()
    return Survey(root / "spectra", root / "catalog", root / "store")


@contextmanager
def served(survey: Survey):
    """Serve a store on a free port; yields the address."""
    command = [*PROGRAM, "serve", survey.store, "--spectra", survey.spectra, "--port", "0"]
    with subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            lines = []
            for line in server.stdout:
                lines.append(line)
                if found := re.search(r"http://[\d.]+:\d+", line):
                    yield found.group()
                    break
            else:
                pytest.fail("the server did not start: " + "".join(lines))
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def browser():
    # Playwright keeps an event loop running: longer than a file, other tests would find it.
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: CI must run the browser journey")
        pytest.skip("no Chromium on this machine: install Debian's chromium for the journeys")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    """A page on which an error in the console or a request to the outside is a failure."""
    troubles: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    opened.on("pageerror", lambda error: troubles.append(f"page error: {error}"))
    opened.on(
        "console",
        lambda message: troubles.append(message.text) if message.type == "error" else None,
    )
    opened.on(
        "request",
        lambda request: (
            None
            if re.match(r"(https?|wss?)://127\.0\.0\.1:|data:|blob:", request.url)
            else troubles.append(f"outside request: {request.url}")
        ),
    )
    yield opened
    context.close()
    assert troubles == []
