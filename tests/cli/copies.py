"""States to start from again and again."""

import shutil


class Copies:
    """Keeps folders as they are now; `reset` makes them so again.

    What the machine remembers of a repository belongs to it: with the memory of a later state, the earlier one would
    rightly be reported as set back.
    """

    def __init__(self, paths, folder):
        self.kept = {path: folder / f"kept-{number}-{path.name}" for number, path in enumerate(paths)}
        for path, kept in self.kept.items():
            if path.exists():
                shutil.copytree(path, kept)

    def reset(self):
        for path, kept in self.kept.items():
            shutil.rmtree(path, ignore_errors=True)
            if kept.exists():
                shutil.copytree(kept, path)
