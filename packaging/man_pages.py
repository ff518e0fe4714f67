#!/usr/bin/env python3
"""Writes the manual pages, from what the program says of itself and from the tables of docs/.

usage: man_pages.py PROGRAM SOURCES OUTPUT EPOCH

Into the folder OUTPUT come db-backup.1.gz and db-backup.yaml.5.gz, dated EPOCH (seconds since 1970),
so that the same sources give the same bytes. SOURCES is the folder of the project.
"""

import gzip
import json
import pathlib
import re
import subprocess
import sys
import textwrap
import time

BACKUP_LINE = "back up databases into a deduplicated, compressed, encrypted repository"


def escaped(text):
    """As text of mdoc(7): no macro, no escape, minus signs that can be pasted."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"\*\*(.+?)\*\*", r"\\fB\1\\fP", text)
    text = re.sub(r"`([^`]*)`", r"\\(lq\1\\(rq", text)
    return "\\&" + text if text[:1] in (".", "'") else text


def argument(text):
    """As one argument of a macro."""
    return '"' + escaped(text).replace('"', "\\(dq") + '"'


def sentences(text):
    """Lines of text, a new one for each sentence, as mdoc wants it."""
    parts = re.split(r"(?<=[\w)`\"][.;]) (?=[A-Z`])", text)
    return [escaped(line) for each in parts for line in textwrap.wrap(each, 70, break_long_words=False, break_on_hyphens=False)]


def plain(markdown):
    """A cell of a table without its links."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown).strip()


class Page:
    def __init__(self, title, section, epoch):
        date = time.gmtime(epoch)
        self.lines = [f".Dd {time.strftime('%B', date)} {date.tm_mday}, {date.tm_year}",
                      f".Dt {title} {section}", ".Os"]

    def add(self, *lines):
        self.lines += lines

    def section(self, title):
        self.add(f".Sh {title}")

    def entries(self, rows, width="Ds"):
        """A list of (macro line, text)."""
        rows = list(rows)
        if rows:
            self.add(f".Bl -tag -width {width}")
            for head, text in rows:
                self.add(f".It {head}", *(sentences(text) if text else []))
            self.add(".El")

    def examples(self, lines):
        self.add(".Bd -literal -offset indent", *map(escaped, lines), ".Ed")

    def write(self, path):
        text = "\n".join(self.lines) + "\n"
        path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def option_head(option):
    value = f" Ar {argument(option['value'])}" if option["value"] else ""
    return "Xo\n" + " ,\n".join(f".Fl {escaped(name[1:])}{value}" for name in option["names"]) + "\n.Xc"


def synopsis(command, path):
    words = [f".Nm db-backup {' '.join(path)}".rstrip()]
    for each in command["arguments"]:
        words.append(f".Op Ar {each['name']} ..." if each["repeats"] else f".Ar {each['name']}")
    return words + [".Op Ar option ..."]


def add_command(page, command, path):
    page.add(f".Ss {' '.join(path)}", *synopsis(command, path), ".Pp", *sentences(command["description"]))
    page.entries((f"Ar {argument(each['name'])}", each["description"]) for each in command["arguments"])
    groups = dict.fromkeys(option["group"] for option in command["options"])
    for group in groups:
        options = [each for each in command["options"] if each["group"] == group]
        if group != "Global options" and any(each["names"] != ["-h", "--help"] for each in options):
            page.add(".Pp", escaped(group) + ":")
            page.entries((option_head(each), each["description"]) for each in options)
    if command["examples"]:
        page.add(".Pp", "Examples:")
        page.examples(command["examples"])
    for each in command["commands"]:
        add_command(page, each, path + [each["name"]])


def table_rows(path, columns):
    """The cells of the first table of a page."""
    rows = re.findall(r"^\|(.*)\|$", path.read_text("utf-8"), re.MULTILINE)
    for row in rows[2:]:
        cells = [plain(cell) for cell in re.split(r"(?<!\\)\|", row)]
        if len(cells) != columns:
            return
        yield cells


def environment_rows(path):
    """Variables that are no keys of the configuration, from `.env.example`. Those that share a text come
    one after the other, as mdoc has it, and the last one has the text."""
    text, names = [], []
    for line in [*path.read_text("utf-8").splitlines(), ""]:
        variable = re.match(r"#([A-Z][A-Z_]*)=", line)
        if variable and not variable[1].startswith("DB_BACKUP__"):
            names.append(variable[1])
            continue
        yield from ((f"Ev {name}", " ".join(text) if name == names[-1] else "") for name in names)
        if names or not line.startswith("# ") or line.startswith("# ---"):
            text, names = [], []
        if line.startswith("# ") and not line.startswith("# ---"):
            text.append(line[2:])


def program_page(tree, sources, epoch):
    page = Page("DB-BACKUP", 1, epoch)
    page.section("NAME")
    page.add(".Nm db-backup", f".Nd {BACKUP_LINE}")
    page.section("SYNOPSIS")
    page.add(".Nm db-backup", ".Ar command", ".Op Ar option ...")
    page.section("DESCRIPTION")
    page.add(*sentences(tree["description"] + " Every backup reads and stores only what changed, and every backup restores like a full one."),
             "All commands and options:", ".Nm db-backup Ar command Fl -help .")
    page.examples(tree["examples"])
    page.section("COMMANDS")
    for each in tree["commands"]:
        add_command(page, each, [each["name"]])
    page.section("GLOBAL OPTIONS")
    page.add("They may stand before or after the command.")
    page.entries((option_head(each), each["description"]) for each in tree["options"])
    page.section("ENVIRONMENT")
    page.add("Beside these, each key of the configuration is a variable, too: see", ".Xr db-backup.yaml 5 .")
    page.entries(environment_rows(sources / ".env.example"))
    page.section("FILES")
    page.entries([("Pa ./db\\-backup.yaml", "the configuration, the first that exists of these"),
                  ("Pa ~/.config/db\\-backup/config.yaml", ""), ("Pa /etc/db\\-backup/config.yaml", ""),
                  ("Pa ~/.local/share/db\\-backup/repository", "the repository when none is named"),
                  ("Pa ~/.local/state/db\\-backup", "what the scheduler remembers"),
                  ("Pa ~/.cache/db\\-backup", "what may be lost")])
    page.section("EXIT STATUS")
    page.entries(((f"Li {code}", meaning) for code, _, meaning, _ in table_rows(sources / "docs/exit-codes.md", 4)), width="130")
    page.section("SEE ALSO")
    page.add(".Xr db-backup.yaml 5")
    return page


def value_text(node):
    """What may stand as the value of a key, in words."""
    if "enum" in node:
        words = "One of " + ", ".join(f"`{each}`" for each in node["enum"]) + "."
    elif "maximum" in node:
        words = f"A number from {node['minimum']} to {node['maximum']}."
    elif node.get("type") == "boolean":
        words = "`true` or `false`."
    elif node.get("type") == "array":
        words = "A list."
    else:
        words = ""
    default = node.get("default")
    if default is not None:
        words += f" Default: `{str(default).lower() if isinstance(default, bool) else default}`."
    return words.strip()


def key_rows(node, path):
    for name, key in node.get("properties", {}).items():
        yield from one_key(key, f"{path}{'.' if path else ''}{name}", name in node.get("required", []))
    named = node.get("additionalProperties")
    if isinstance(named, dict):
        yield from one_key(named, path + ".NAME", False)


def one_key(key, path, is_required):
    if "description" in key:
        yield f"Li {argument(path)}", " ".join(filter(None, [key["description"], value_text(key),
                                                             "Required." if is_required else ""]))
    yield from key_rows(key, path)


def configuration_page(schema, sources, epoch):
    page = Page("DB-BACKUP.YAML", 5, epoch)
    page.section("NAME")
    page.add(".Nm db-backup.yaml", ".Nd configuration of db-backup")
    page.section("DESCRIPTION")
    page.add(*sentences("The configuration gives names to repositories and sources, and says what runs when."), "Of the files that",
             ".Xr db-backup 1", "lists, the first that exists is read, with the", ".Pa .env", "beside it.",
             *sentences("Variables DB_BACKUP__SECTION__KEY of the environment win over the file, and the command line over all."),
             ".Pp", ".Dl db\\-backup config validate", ".Pp",
             "tells all errors at once, with their lines;", ".Dl db\\-backup config show", "tells where each value comes from.")
    page.section("KEYS")
    page.add("NAME stands for a name that is chosen freely.")
    page.entries(key_rows(schema, ""))
    page.section("EXAMPLES")
    page.examples((sources / "configs/sqlite-encrypted.yaml").read_text("utf-8").splitlines())
    page.section("SEE ALSO")
    page.add(".Xr db-backup 1")
    return page


def main():
    program, sources, output, epoch = sys.argv[1:]
    sources, output = pathlib.Path(sources), pathlib.Path(output)

    def asked(*words):
        return json.loads(subprocess.run([program, *words], check=True, stdout=subprocess.PIPE).stdout)

    output.mkdir(parents=True, exist_ok=True)
    program_page(asked("__describe"), sources, int(epoch)).write(output / "db-backup.1.gz")
    configuration_page(asked("config", "schema"), sources, int(epoch)).write(output / "db-backup.yaml.5.gz")


if __name__ == "__main__":
    main()
