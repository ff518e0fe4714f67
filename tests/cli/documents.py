"""The commands that stand in the documentation, and a host on which they can be run as they stand there.

A page's ```sh blocks are run by tests, and so are the lines `$ ...` of its ```console blocks. One that cannot be run has a line
`<!-- not run: REASON -->` above it.
"""

import dataclasses
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FOLDERS = ("/mnt/backup2", "/mnt/backups", "/mnt/backup", "/mnt/disk", "/srv/shop", "/etc/db-backup", "/etc/systemd/system", "/etc/cron.d",
           "/etc/bash_completion.d", "/root")
_PART = re.compile(r"^#{2,3} (?P<title>[^\n]+)$|(?:^<!-- not run: (?P<reason>[^\n]+?) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$",
                   re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^(?:\$ )?(?:\w+=\S+ )*(?:db-backup|export|curl|aws|gcloud|az|createdb|scripts/dev) ", re.MULTILINE)


@dataclasses.dataclass
class Block:
    """Commands of a page."""

    page: str
    heading: str
    line: int
    script: str
    kind: str
    not_run: str = ""

    @property
    def lines(self):
        """Each command by itself."""
        return [line for line in re.split(r"(?<!\\)\n", self.script) if line.strip()]


def blocks(page, kinds=("sh", "console")):
    """The blocks of commands of a page below docs/, in their order."""
    text, heading, found = (DOCS / page).read_text("utf-8"), "", []
    for match in _PART.finditer(text):
        if match["title"]:
            heading = match["title"].replace("`", "")
        elif match["kind"] in kinds:
            script = match["text"]
            if match["kind"] == "console":
                script = "".join(line[2:] + "\n" for line in script.splitlines() if line.startswith("$ "))
            found.append(Block(page, heading, text.count("\n", 0, match.start()) + 1, script, match["kind"], match["reason"] or ""))
    return found


def to_run(page):
    return [block for block in blocks(page) if not block.not_run]


def untold(page):
    """Blocks that hold commands and do not say so, so that nothing runs them."""
    return [block for block in blocks(page, ("", "bash", "shell", "text")) if _COMMAND.search(block.script)]


def pages():
    """All pages but those that are made of the program, and those that tell of decisions."""
    return sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if path.parent.name not in ("reference", "decisions"))


class Host:
    """A machine of which only the folders that the pages name exist, below `folder`. `words` are
    (pattern, replacement) for what else a command names and is elsewhere here, such as servers."""

    def __init__(self, program, folder):
        self.folder, self.program = folder, program
        self.words, self.environment = [], {}
        self.home = pathlib.Path(program.environment["HOME"])
        (folder / "bin").mkdir()
        (folder / "bin" / "db-backup").symlink_to(program.path)
        for name in FOLDERS:
            self.path(name).mkdir(parents=True)

    def path(self, name):
        """Where `/mnt/backup/db` of a page is."""
        return self.folder / name[1:]

    def add_program(self, name, script):
        """A stand-in for a program that is not here."""
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def here(self, text):
        for name in FOLDERS:
            text = re.sub(rf"(?<![\w.]){name}(?![\w-])", str(self.path(name)), text)
        for pattern, replacement in self.words:
            text = re.sub(pattern, replacement, text)
        return text

    def run(self, *scripts, env=None):
        """One shell for all, so that what one block exports is there for the next."""
        script = self.here("\n".join(scripts))
        environment = self.program.environment | {"PATH": f"{self.folder / 'bin'}:{self.program.environment['PATH']}"}
        environment |= self.environment | (env or {})
        environment = {name: value for name, value in environment.items() if value is not None}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=environment, cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{script}\n--- exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def keep(self):
        """What is there now is what `put_back` brings back."""
        self._kept = self.folder.with_name(self.folder.name + "-kept")
        subprocess.run(["cp", "-a", self.folder, self._kept], check=True)

    def put_back(self):
        shutil.rmtree(self.folder)
        subprocess.run(["cp", "-a", self._kept, self.folder], check=True)
