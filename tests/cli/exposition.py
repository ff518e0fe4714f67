"""Metrics as text, read as Prometheus reads them; and what makes them."""

import re
import shutil
import subprocess

SAMPLE = re.compile(r'^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>[-+.\d]+)$')
# Due in a year.
JOB = {"nightly": {"source": "shop", "cron": "0 0 1 1 *", "retries": 0}}
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def promtool(*words, text=None):
    path = shutil.which("promtool")
    assert path, "promtool is missing: Debian's package prometheus"
    done = subprocess.run([path, *map(str, words)], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, f"promtool {words}: {done.stdout}{done.stderr}\n{text or ''}"
    return done.stdout


def samples(text):
    """{(name, labels without braces): value}"""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, f"no sample: {line}"
            labels = frozenset(LABEL.findall(match["labels"] or ""))
            assert (match["name"], labels) not in found, f"twice: {line}"
            found[match["name"], labels] = float(match["value"])
    return found


class Page:
    """Metrics, by name and some of their labels."""

    def __init__(self, text):
        self.text = text
        self.samples = samples(text)

    def all(self, name, **labels):
        return [value for (each, its), value in self.samples.items()
                if each == f"db_backup_{name}" and set(labels.items()) <= its]

    def one(self, name, **labels):
        values = self.all(name, **labels)
        assert len(values) == 1, f"{name} {labels}: {values}\n{self.text}"
        return values[0]


def with_textfile(shop, **sections):
    file = shop.folder / "collector" / "db.prom"
    file.parent.mkdir(exist_ok=True)
    shop.write(metrics={"textfile": str(file)}, **sections)
    return file


def read(file):
    return Page(file.read_text())
