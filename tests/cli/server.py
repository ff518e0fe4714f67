"""One real server for tests: of an object store or of a database."""

import pathlib
import subprocess

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts/servers.sh"


class Server:
    """Started by scripts/servers.sh; `stop` it. It ends with the process of the tests, too."""

    def __init__(self, name, folder, *options, place=None):
        """In a folder of its own below `folder`, named as the server or, of several, as `place`."""
        self.name, self.folder = name, pathlib.Path(folder) / (place or name)
        subprocess.run([SCRIPT, "start", name, self.folder, "--with-caller", *map(str, options)], check=True)
        self.endpoint = self.text("endpoint")

    def text(self, name):
        return (self.folder / name).read_text().strip()

    def crash(self):
        """Ends it in the middle of whatever it does."""
        subprocess.run([SCRIPT, "crash", self.folder], check=True)

    def restart(self):
        """After a crash: where it was, with what was stored."""
        subprocess.run([SCRIPT, "restart", self.name, self.folder], check=True)

    def remove(self):
        """Stops it and deletes what it stored elsewhere."""
        subprocess.run([SCRIPT, "remove", self.folder], check=True)

    def stop(self):
        subprocess.run([SCRIPT, "stop", self.folder], check=True)
