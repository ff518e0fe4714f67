#!/usr/bin/env python3
"""Checks the rules of CONTRIBUTING.md that clang-tidy cannot.

usage: check.py [--root FOLDER] [--layers FILE] [RULE...]

FILE is the graph of modules that configuring writes to the build folder (layers.txt). A line can be
excused from calls, words and function-lines by a comment `tidy: allow RULE, because ...` on it or
on the line before.
"""

import argparse
import sys
from pathlib import Path

import doc_rules
import layer_rules
import size_rules
import type_rules
import word_rules
from tree import Tree

RULES = {
    "layering": layer_rules.layering,
    "plugins": layer_rules.plugins,
    "file-lines": size_rules.file_lines,
    "function-lines": size_rules.function_lines,
    "one-definition": type_rules.one_definition,
    "names": word_rules.names,
    "calls": word_rules.calls,
    "words": word_rules.words,
    "headers": word_rules.headers,
    "links": doc_rules.links,
    "changelog": doc_rules.changelog,
    "error-codes": doc_rules.error_codes,
}


def check(root, layers=None, rules=None):
    """Every violation of `rules` (default: all) in the tree at `root`, in order."""
    tree = Tree(root)
    return sorted(v for name in rules or RULES for v in RULES[name](tree, layers))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--layers", type=Path)
    parser.add_argument("rules", nargs="*", metavar="RULE", help=", ".join(RULES))
    arguments = parser.parse_args()
    unknown = [r for r in arguments.rules if r not in RULES]
    if unknown:
        parser.error(f"no rule '{unknown[0]}': choose from {', '.join(RULES)}")
    needs_layers = not arguments.rules or "layering" in arguments.rules
    if needs_layers and not arguments.layers:
        parser.error("the rule 'layering' needs --layers FILE")
    layers = layer_rules.Layers(arguments.layers.read_text("utf-8")) if arguments.layers else None
    violations = check(arguments.root, layers, arguments.rules)
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
