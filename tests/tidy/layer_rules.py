"""Who may include whom: the declared layers, and the walls around plug-ins."""

import re

from tree import Violation, line_of

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"(?P<header>[^"]+)"', re.MULTILINE)

# A folder below one of these holds one concrete plug-in of that kind.
PLUGIN_KINDS = ("storage", "connector", "notify")
# What several plug-ins of a kind share; for them alone.
SHARED = ("storage/cloud",)
PLUGIN_LIST = "src/cli/plugins.cpp"
STRANGERS = {("connector", "storage"), ("storage", "connector")}


class Layers:
    """The graph that db_backup_module() declared: lines of "name folder: used used ..."."""

    def __init__(self, text):
        self.folders = {}
        self.uses = {}
        for line in text.splitlines():
            head, _, used = line.partition(":")
            name, folder = head.split()
            self.folders[name] = folder
            self.uses[name] = used.split()

    def module_of(self, path):
        """The module whose folder holds `path` (relative to src/); the deepest one wins."""
        holders = [(len(folder), name) for name, folder in self.folders.items()
                   if path.startswith(folder + "/")]
        return max(holders)[1] if holders else None

    def reachable(self, name):
        """Every module that `name` uses, directly or through others."""
        found, waiting = set(), list(self.uses[name])
        while waiting:
            used = waiting.pop()
            if used not in found:
                found.add(used)
                waiting.extend(self.uses.get(used, []))
        return found


def _includes(tree, path):
    text = tree.text(path)
    for match in _INCLUDE.finditer(text):
        yield match["header"], line_of(text, match.start())


def layering(tree, layers):
    """An #include of another module needs that module in USES of db_backup_module()."""
    for path in tree.matching(".hpp", ".cpp", below="src/"):
        own = layers.module_of(path.removeprefix("src/"))
        if own is None:
            yield Violation(path, 1, "layering", "no db_backup_module() declares this folder")
            continue
        allowed = layers.reachable(own) | {own}
        for header, line in _includes(tree, path):
            used = layers.module_of(header)
            if used is None:
                if not header.endswith(".pb.h"):
                    yield Violation(path, line, "layering",
                                    f'"{header}" is in no module; name it from src/ on')
            elif used not in allowed:
                yield Violation(path, line, "layering",
                                f"module '{own}' does not declare that it uses '{used}'")


def plugins(tree, _layers):
    """Connectors and storages never meet, and only cli/plugins.cpp names a concrete plug-in."""
    for path in tree.matching(".hpp", ".cpp", below="src/"):
        folder = path.split("/")[1]
        for header, line in _includes(tree, path):
            parts = header.split("/")
            if (folder, parts[0]) in STRANGERS:
                yield Violation(path, line, "plugins", f"{folder} never includes {parts[0]}")
            is_concrete = len(parts) > 2 and parts[0] in PLUGIN_KINDS
            its_folder = "/".join(parts[:2])
            own_folder = path.startswith(f"src/{parts[0] if its_folder in SHARED else its_folder}/")
            if is_concrete and not own_folder and path != PLUGIN_LIST:
                yield Violation(path, line, "plugins",
                                f'only {PLUGIN_LIST} names a concrete plug-in, not "{header}"')
