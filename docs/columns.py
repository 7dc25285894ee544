"""The column tables of docs/data.md, made from the schema: `python docs/columns.py` writes them."""

from pathlib import Path

from anomaly_explorer.engine.catalog.schema import CALIBRATED, COLUMNS, LATENT_NAMES, Column

PAGE = Path(__file__).with_name("data.md")
BEGIN = "<!-- columns: written by docs/columns.py -->"
END = "<!-- end of columns -->"
BEGIN_CALIBRATED = "<!-- calibrated: written by docs/columns.py -->"
END_CALIBRATED = "<!-- end of calibrated -->"
_HEAD = "| name | in Parquet | type | unit | meaning |\n|---|---|---|---|---|"


def column_table() -> str:
    """Return the table of all columns in Markdown, the latents in one line."""
    lines = [_HEAD]
    for column in COLUMNS:
        if column.name not in LATENT_NAMES:
            lines.append(_line(column, column.name, column.catalog_name, column.meaning))
        elif column.name == LATENT_NAMES[0]:
            last = len(LATENT_NAMES) - 1
            names = (f"latent_000 … latent_{last:03d}", f"lat_000 … lat_{last:03d}")
            lines.append(_line(column, *names, "latents of the encoder"))
    return "\n".join(lines)


def calibrated_table() -> str:
    """Return the table of the columns of a calibration in Markdown."""
    return "\n".join([_HEAD, *(_line(c, c.name, c.catalog_name, c.meaning) for c in CALIBRATED)])


def _line(column: Column, name: str, catalog_name: str, meaning: str) -> str:
    safe = meaning.replace("|", "\\|")
    unit = column.unit or "–"
    return f"| `{name}` | `{catalog_name}` | {column.dtype} | {unit} | {safe} |"


def page_with_table(page: str) -> str:
    """Return the page with the tables between their marks replaced."""
    page = _replaced(page, (BEGIN, END), column_table())
    return _replaced(page, (BEGIN_CALIBRATED, END_CALIBRATED), calibrated_table())


def _replaced(page: str, marks: tuple[str, str], table: str) -> str:
    begin, end = marks
    before, rest = page.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n{table}\n{end}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
