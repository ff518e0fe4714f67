"""The files of the project as the rules see them: listed once, read once."""

import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__", ".pytest_cache", "site"}
# Stored bytes: a corpus or a golden file may hold anything.
SKIPPED_PREFIXES = ("fuzz/corpus/", "tests/golden/data/")

# Comments, raw strings, strings and character literals of C++; a digit separator is none of them.
_CPP_NOISE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s"]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"
        |(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL | re.VERBOSE,
)
_ALLOWED = re.compile(r"tidy: allow (?P<rule>[\w-]+), because \w")


@dataclass(frozen=True, order=True)
class Violation:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


class Tree:
    """A checkout below `root`. Paths are relative to it, with slashes."""

    def __init__(self, root):
        self.root = Path(root)
        self.paths = sorted(p for p in self._list() if not p.startswith(SKIPPED_PREFIXES))

    def _list(self):
        if (self.root / ".git").exists():
            answer = subprocess.run(
                ["git", "-c", "safe.directory=*", "ls-files", "-coz", "--exclude-standard"],
                cwd=self.root, capture_output=True, text=True, check=False)
            if answer.returncode == 0:
                return [p for p in answer.stdout.split("\0") if p and (self.root / p).is_file()]
        return [str(p.relative_to(self.root)) for p in self.root.rglob("*")
                if p.is_file() and not SKIPPED_FOLDERS & set(p.relative_to(self.root).parts)]

    def matching(self, *suffixes, below=""):
        """Paths that end in one of `suffixes` and stand below the folder `below`."""
        return [p for p in self.paths if p.endswith(suffixes) and p.startswith(below)]

    @lru_cache(maxsize=None)
    def text(self, path):
        """The file as text; empty for a binary file."""
        content = (self.root / path).read_bytes()
        return "" if b"\0" in content else content.decode("utf-8", "replace")

    @lru_cache(maxsize=None)
    def code(self, path):
        """C++ source with comments and literals blanked out; every line keeps its number."""
        return _CPP_NOISE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), self.text(path))

    def allows(self, path, line, rule):
        """Whether line number `line`, or the one before, says `tidy: allow RULE, because ...`."""
        near = self.text(path).split("\n")[max(line - 2, 0):line]
        return any(match["rule"] == rule for match in map(_ALLOWED.search, near) if match)


def line_of(text, offset):
    """The number of the line, from 1, that holds the character at `offset`."""
    return text.count("\n", 0, offset) + 1
