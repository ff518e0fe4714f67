"""Names, calls and words that the project does not use."""

import re

from tree import Violation, line_of

_CPP_TYPE = re.compile(r"\b(?:class|struct|union|enum(?:\s+class)?|using)\s+(?P<name>[A-Z]\w*)")
_PYTHON_TYPE = re.compile(r"^\s*class\s+(?P<name>\w+)", re.MULTILINE)
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
BANNED_WORDS = {"util", "utils", "helper", "helpers", "common", "manager", "managers"}

# pattern, folders it holds in, folders it does not, a file is looked at only if it has this, advice
BANNED_CALLS = (
    (r"\bstd::(?:cout|cerr|clog)\b", ("src/",), ("src/cli/",), "",
     "only cli/ writes to the terminal; use Log"),
    (r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>])sleep\s*\(",
     ("src/", "tests/", "bench/"), (), "", "nothing sleeps to wait; wait on what will happen"),
    (r"(?:\.|->)detach\s*\(\s*\)", ("src/", "tests/", "bench/"), (), "<thread>",
     "no detached threads; join them"),
    (r"\b(?:v?f|v?sn?|d|v)?printf\s*\(", ("src/", "tests/", "bench/", "fuzz/"), (), "", "use fmt"),
)

_MARK = re.compile(r"\b(?P<mark>TO" r"DO|FIX" r"ME|XX" r"X)\b(?!\(#\d+\))")
_MACHINE_PATH = re.compile(r"(?<![\w.\-*~}])/(?:work|root|home/[a-z]\w*|Users/\w+)(?=/)")
_INVENTED_PATH = re.compile(r"/(?:root|home/\w+|Users/\w+)")  # a test or an example may need a home
_TEXT_SUFFIXES = (".hpp", ".cpp", ".py", ".proto", ".cmake", ".txt", ".md", ".json", ".yaml", ".yml",
                  ".sh", "scripts/dev", ".ci/run")


def _has_banned_word(name):
    return next((w for w in _WORD.findall(name) if w.lower() in BANNED_WORDS), None)


def names(tree, _layers):
    """No file, folder or type is called utils, helpers, common or manager."""
    for path in tree.paths:
        for part in path.split("/"):
            if word := _has_banned_word(part.split(".")[0]):
                yield Violation(path, 1, "names", f"'{word}' says nothing; name what is inside")
                break
    for path in tree.matching(".hpp", ".cpp", ".py"):
        is_python = path.endswith(".py")
        code = tree.text(path) if is_python else tree.code(path)
        for match in (_PYTHON_TYPE if is_python else _CPP_TYPE).finditer(code):
            if word := _has_banned_word(match["name"]):
                yield Violation(path, line_of(code, match.start()), "names",
                                f"'{word}' in {match['name']} says nothing; name what it does")


def calls(tree, _layers):
    """Banned calls; a line may say `tidy: allow calls, because ...`."""
    for path in tree.matching(".hpp", ".cpp"):
        code = tree.code(path)
        for pattern, held, free, needed, advice in BANNED_CALLS:
            if not path.startswith(held) or (free and path.startswith(free)) or needed not in code:
                continue
            for match in re.finditer(pattern, code):
                line = line_of(code, match.start())
                if not tree.allows(path, line, "calls"):
                    yield Violation(path, line, "calls", f"{match.group().strip()}: {advice}")


def words(tree, _layers):
    """No mark for later without an issue number, and no path of somebody's machine."""
    for path in tree.matching(*_TEXT_SUFFIXES):
        text = tree.text(path)
        for match in _MARK.finditer(text):
            yield Violation(path, line_of(text, match.start()), "words",
                            f"{match['mark']} needs an issue number: {match['mark']}(#12)")
        for match in _MACHINE_PATH.finditer(text):
            if path.startswith(("tests/", "docs/")) and _INVENTED_PATH.fullmatch(match.group()):
                continue
            line = line_of(text, match.start())
            if not tree.allows(path, line, "words"):
                yield Violation(path, line, "words", f"{match.group()}/ is a path of one machine")


def headers(tree, _layers):
    """A header is a .hpp, is included once, and opens with what it is for."""
    for path in tree.paths:
        if path.endswith((".h", ".hh", ".cc", ".cxx")):
            yield Violation(path, 1, "headers", "C++ files end in .hpp or .cpp")
    for path in tree.matching(".hpp"):
        text = tree.text(path)
        head = "\n".join(text.split("\n")[:20])
        if not re.search(r"^/// @file\b", head, re.MULTILINE):
            yield Violation(path, 1, "headers", "no `/// @file` at its head")
        if not text.startswith("#pragma once\n"):
            yield Violation(path, 1, "headers", "the first line is not `#pragma once`")
