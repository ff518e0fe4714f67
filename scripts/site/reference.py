#!/usr/bin/env python3
"""The pages of docs/reference/, made of what the program says of itself.

usage: reference.py PROGRAM            writes them
       reference.py PROGRAM --check    tells which are not what they should be
"""

import json
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs/reference"
GLOBAL = "Global options"


def said(program, *words):
    return json.loads(subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout)


def cell(text):
    return text.replace("|", "\\|")


def sentence(text):
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return lines + [f"| {' | '.join(map(cell, row))} |" for row in rows] + [""]


# --- commands -------------------------------------------------------------------------------------


def option_rows(options):
    for option in options:
        value = f" {option['value']}" if option["value"] else ""
        yield ", ".join(f"`{name}{value}`" for name in option["names"]), option["description"]


def usage(path, command):
    words = [path]
    words += [f"[{each['name']}...]" if each["repeats"] else each["name"] for each in command["arguments"]]
    return " ".join(words + (["COMMAND"] if command["commands"] else []) + ["[OPTIONS]"])


def command_lines(path, command, depth):
    yield from [f"{'#' * depth} {path}", "", sentence(command["description"]), "", "```text", usage(path, command), "```", ""]
    if command["commands"]:
        yield from table(("command", "what it does"), ((f"[`{each['name']}`](#{path} {each['name']})".replace(" ", "-"), each["description"])
                                                       for each in command["commands"]))
    arguments = [(f"`{each['name']}`", each["description"]) for each in command["arguments"] if each["description"]]
    if arguments:
        yield from table(("argument", "meaning"), arguments)
    groups = dict.fromkeys(option["group"] for option in command["options"] if option["group"] != GLOBAL)
    for group in groups:
        head = "option" if group in ("Options", "OPTIONS") else group
        yield from table((head, "meaning"), option_rows(each for each in command["options"] if each["group"] == group))
    if command["examples"]:
        yield from ["```text", *command["examples"], "```", ""]
    for each in command["commands"]:
        yield from command_lines(f"{path} {each['name']}", each, depth + 1)


def commands_page(root):
    shown = [each for each in root["commands"] if each["description"]]
    lines = ["# Commands and options", "",
             "What `--help` says of each command, in one place. What it means, with examples, is told in [the command line](../cli.md).", ""]
    lines += table(("command", "what it does"), ((f"[`{each['name']}`](#db-backup-{each['name']})", each["description"]) for each in shown))
    lines += ["## Options of every command", ""]
    lines += table(("option", "meaning"), option_rows(each for each in root["options"] if each["group"] == GLOBAL))
    for each in shown:
        lines += command_lines(f"db-backup {each['name']}", each, 2)
    return lines


# --- configuration --------------------------------------------------------------------------------


def keys(schema, path=()):
    """Path, schema, and whether it is required, of each key below `schema`."""
    for name, each in schema.get("properties", {}).items():
        if each.get("type") == "object" and "description" not in each:
            yield from keys(each, path + (name,))
        else:
            yield path + (name,), each, name in schema.get("required", ())
    below = schema.get("additionalProperties")
    if isinstance(below, dict):
        name = "TAG" if path and path[-1] == "tags" else "NAME"
        if below.get("type") == "object":
            yield from keys(below, path + (name,))
        else:
            yield path + (name,), below | {"description": below.get("description") or schema.get("description", "")}, False


def kind(schema):
    if "const" in schema:
        return f"`{schema['const']}`"
    words = schema.get("enum") or schema.get("items", {}).get("enum")
    text = ", ".join(f"`{word}`" for word in words) if words else None
    kinds = schema.get("type", "string")
    kinds = [kinds] if isinstance(kinds, str) else [each for each in kinds if each != "number" or "string" not in kinds]
    if "array" in kinds:
        listed = f"list of {text or 'texts'}"
        return listed if kinds == ["array"] else f"text or {listed}"
    if text:
        return text
    if "minimum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    return {"boolean": "`true`, `false`", "string": "text", "integer": "number", "number": "number"}[kinds[0]]


def default(schema, required):
    if required:
        return "required"
    value = schema.get("default")
    return "" if value is None else f"`{json.dumps(value) if not isinstance(value, str) else value}`"


def configuration_page(schema):
    lines = ["# Keys of the configuration", "",
             "Every key, as `db-backup config schema` tells editors of it. `NAME` and `TAG` are names of your choice. How values are written, and which "
             "of several wins, is told in [configuration](../configuration.md), with an example of each.", ""]
    sections = {}
    for path, each, required in keys(schema):
        sections.setdefault(path[0], []).append((path, each, required))
    for section, rows in sections.items():
        lines += [f"## {section}", ""]
        lines += table(("key", "value", "default", "meaning"),
                       ((f"`{'.'.join(path)}`", kind(each), default(each, required), each.get("description", "")) for path, each, required in rows))
    return lines


def pages(program):
    made = {"commands.md": commands_page(said(program, "__describe")), "configuration.md": configuration_page(said(program, "config", "schema"))}
    return {name: "\n".join(lines).rstrip("\n") + "\n" for name, lines in made.items()}


def main():
    stale = []
    for name, text in pages(sys.argv[1]).items():
        path = FOLDER / name
        if not path.is_file() or path.read_text("utf-8") != text:
            stale.append(f"docs/reference/{name}")
            if "--check" not in sys.argv:
                FOLDER.mkdir(exist_ok=True)
                path.write_text(text, "utf-8")
    if stale:
        print("not what the program says:" if "--check" in sys.argv else "written:", *stale)
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
