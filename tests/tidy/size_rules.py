"""How long a file and a function may be."""

import ast
import re

from tree import Violation, line_of

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
HEAD_LINES = 20  # where "(long because ...)" is looked for

_LONG_BECAUSE = re.compile(r"\(long because \w+")
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_TEMPLATE = re.compile(r"\btemplate\s*<[^(){}]*>\s*(?:requires[^{;]*)?")
_HEAD_NOISE = re.compile(r"\s*(?:(?:public|protected|private):\s*)*")
_TYPE_HEAD = re.compile(r"^(?:export\s+)?(?:typedef\s+)?(?:class|struct|union|enum)\b")


def file_lines(tree, _layers):
    """A file has at most 400 lines, unless its head says `(long because ...)`."""
    for path in tree.matching(".hpp", ".cpp", ".py", ".proto"):
        lines = tree.text(path).splitlines()
        excused = any(_LONG_BECAUSE.search(line) for line in lines[:HEAD_LINES])
        if len(lines) > FILE_LINES_MAX and not excused:
            yield Violation(path, 1, "file-lines",
                            f"{len(lines)} lines; at most {FILE_LINES_MAX}, or a reason in the head")


def function_lines(tree, _layers):
    """A function, its head included, has at most 70 lines."""
    for path in tree.matching(".hpp", ".cpp"):
        code = _PREPROCESSOR.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), tree.code(path))
        yield from _too_long(tree, path, cpp_functions(code))
    for path in tree.matching(".py"):
        functions = [(node.lineno, node.end_lineno) for node in ast.walk(ast.parse(tree.text(path)))
                     if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        yield from _too_long(tree, path, functions)


def _too_long(tree, path, functions):
    for first, last in functions:
        count = last - first + 1
        if count > FUNCTION_LINES_MAX and not tree.allows(path, first, "function-lines"):
            yield Violation(path, first, "function-lines",
                            f"a function of {count} lines; at most {FUNCTION_LINES_MAX}")


def _kind(head):
    """What the brace after `head` opens."""
    head = _TEMPLATE.sub("", _HEAD_NOISE.sub("", head, count=1)).strip()
    if re.match(r"(?:inline\s+)?namespace\b|extern\s*$", head):
        return "namespace"
    if _TYPE_HEAD.match(head):
        return "type"
    if "(" in head and not head.endswith("="):
        return "function"
    return "other"


def cpp_functions(code):
    """First and last line of every function in `code`, which has no comments and literals."""
    found = []
    open_scopes = []  # (kind, offset of the head)
    head_start = 0
    for match in re.finditer(r"[{};]", code):
        at = match.start()
        inside = bool(open_scopes) and open_scopes[-1][0] in ("function", "other")
        if match.group() == "{":
            head = code[head_start:at]
            start = head_start + _HEAD_NOISE.match(head).end()
            open_scopes.append(("other", at) if inside else (_kind(head), start))
            head_start = at + 1
        elif match.group() == "}":
            kind, start = open_scopes.pop() if open_scopes else ("other", at)
            following = code[at + 1:at + 200].lstrip()[:1]
            if kind == "function" and following in ("{", ","):
                head_start = start  # `member_{value}` in a constructor's list: the head goes on
                continue
            if kind == "function":
                found.append((line_of(code, start), line_of(code, at)))
            head_start = at + 1
        elif not inside:
            head_start = at + 1
    return found
