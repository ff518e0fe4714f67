#!/usr/bin/env python3
"""Draws what the tables of the pages on benchmarks say, into docs/benchmarks/.

usage: plots.py            writes the plots
       plots.py --check    tells which are not those of the tables
"""

import html
import pathlib
import re
import sys

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
# Page: its plot, and what is drawn of its table: case, column, title.
PLOTS = {
    "benchmarks.md": ("latest.svg", (
        ("full backup", "time", "full backup, seconds"),
        ("full backup", "stored", "full backup, MB stored"),
        ("second backup, 1 % updated and 1 % appended", "time", "second backup, seconds"),
        ("second backup, 1 % updated and 1 % appended", "stored", "second backup, MB stored"),
        ("backup of the unchanged database", "time", "unchanged database, seconds"),
        ("restore", "time", "restore, seconds"),
    )),
    "benchmarks-postgres.md": ("postgres.svg", (
        ("full backup of PostgreSQL", "time", "full backup, seconds"),
        ("full backup of PostgreSQL", "stored", "full backup, MB stored"),
        ("second backup of PostgreSQL, 1 % updated and 1 % appended", "time", "second backup, seconds"),
        ("second backup of PostgreSQL, 1 % updated and 1 % appended", "stored", "second backup, MB stored"),
        ("backup of the unchanged PostgreSQL", "time", "unchanged database, seconds"),
        ("restore into PostgreSQL", "time", "restore, seconds"),
    )),
    "benchmarks-s3.md": ("s3.svg", (
        ("full backup to S3", "time", "full backup, seconds"),
        ("full backup to S3", "stored", "full backup, MB stored"),
        ("second backup to S3", "time", "second backup, seconds"),
        ("second backup to S3", "stored", "second backup, MB stored"),
        ("unchanged backup to S3", "time", "unchanged database, seconds"),
        ("restore from S3", "time", "restore, seconds"),
    )),
}
WIDTH, LABEL, BAR, ROW = 720, 130, 470, 20
STYLE = ("text{font:13px system-ui,sans-serif;fill:#808890}.title{font-weight:600}.name{text-anchor:end}"
         ".ours{fill:#2a7de1}.other{fill:#a8b0b8}")


def table(page):
    """The rows of "What was measured" as dictionaries."""
    text = page.partition("## What was measured")[2]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in re.findall(r"^\|.*\|$", text, re.MULTILINE)]
    return [dict(zip(rows[0], row)) for row in rows[2:]]


def value_of(cell):
    return float(cell.split()[0].replace(",", ""))


def panels(page, drawn):
    """Title, and the value of each program, of what there is to draw."""
    rows = table(page)
    for case, column, title in drawn:
        values = {row["program"]: value_of(row[column]) for row in rows if row["case"] == case and row[column]}
        if values:
            yield title, values


def draw(found):
    """Bars as an SVG document; readable on light and dark pages."""
    parts, top = [], 8
    for title, values in found:
        longest = max(values.values()) or 1
        parts.append(f'<text x="0" y="{top + 14}" class="title">{html.escape(title)}</text>')
        top += 22
        for name, value in values.items():
            kind = "ours" if name == "db-backup" else "other"
            width = max(1.0, BAR * value / longest)
            parts.append(f'<text x="{LABEL - 8}" y="{top + 13}" class="name">{html.escape(name)}</text>')
            parts.append(f'<rect x="{LABEL}" y="{top + 2}" width="{width:.1f}" height="{ROW - 5}" class="{kind}"/>')
            parts.append(f'<text x="{LABEL + width + 6:.1f}" y="{top + 13}" class="value">{value:,.2f}</text>')
            top += ROW
        top += 12
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}" role="img">\n'
            f"<title>Benchmarks: shorter is better</title>\n<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n")


def plots(docs):
    """Path and content of each plot that a page shows."""
    for page, (name, drawn) in PLOTS.items():
        if (docs / page).is_file():
            yield docs / "benchmarks" / name, draw(panels((docs / page).read_text("utf-8"), drawn))


def write(docs):
    (docs / "benchmarks").mkdir(exist_ok=True)
    for path, text in plots(docs):
        path.write_text(text, "utf-8")


def main():
    if "--check" not in sys.argv:
        write(DOCS)
        return 0
    stale = [path.name for path, text in plots(DOCS) if not path.is_file() or path.read_text("utf-8") != text]
    if stale:
        print("not what the tables say:", *stale)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
