"""Links, the files of changelog/unreleased/, and the page of error codes."""

import re
from pathlib import PurePosixPath

from tree import Violation, line_of

_CODE = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)[^\n]*$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(\s*<?(?P<inline>[^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)"
                   r"|^\[[^\]]+\]:\s*(?P<reference>\S+)|<(?:img|a)\s[^>]*?(?:src|href)=\"(?P<html>[^\"]+)\"",
                   re.MULTILINE)
_ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:")
_HEADING = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*#*$", re.MULTILINE)
_ANCHOR = re.compile(r"<a\s+(?:id|name)=\"(?P<id>[^\"]+)\"")
_MENTION = re.compile(r"(?<![\w./-])docs/[\w/-]+\.(?:md|json|svg)\b")

_CHANGE_NAME = re.compile(r"^\d{4}-[a-z0-9]+(?:-[a-z0-9]+)*\.md$")
_CHANGE_HEAD = re.compile(r"^(?:added|changed|deprecated|removed|fixed|security): [^\n]+$")

_EXPLAINED = re.compile(r"\bexplained<\w+>\(|\bset_code\(")
_LITERAL = re.compile(r'"(?:\\.|[^"\\\n])*"')
_LAST_WORDS = re.compile(r'(?:[?:]\s*"(?P<other>[a-z]\w*)"\s*:\s*)?"(?P<code>[a-z]\w*)"\s*$')
_CODE_CONSTANT = re.compile(r'\bkCode\b[^"\n;]*"(?P<code>\w+)"')
_ROW = re.compile(r"^\|(?P<cell>[^|]*)\|", re.MULTILINE)
_ERROR_PAGE = "docs/troubleshooting.md"


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def _anchors(tree, path):
    """The anchors of a page, made from its headings as the common renderers do."""
    text = tree.text(path)
    found, seen = set(), {}
    plain = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE).sub(_blank, text)
    for match in _HEADING.finditer(plain):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match["title"])
        slug = re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found | {m["id"] for m in _ANCHOR.finditer(text)}


def _resolve(folder, target):
    """`target` as seen from `folder`, or nothing when it leaves the project."""
    parts = []
    for part in (PurePosixPath(folder) / target).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def links(tree, _layers):
    """Every relative link, its anchor, and every docs/ page that code mentions exist."""
    known = set(tree.paths)
    folders = {str(parent) for p in known for parent in PurePosixPath(p).parents}
    for path in tree.matching(".md"):
        text = _CODE.sub(_blank, tree.text(path))
        for match in _LINK.finditer(text):
            target = match["inline"] or match["reference"] or match["html"]
            if _ELSEWHERE.match(target):
                continue
            line = line_of(text, match.start())
            place, _, anchor = target.partition("#")
            page = _resolve(PurePosixPath(path).parent, place) if place else path
            if page is None or (page not in known and page not in folders):
                yield Violation(path, line, "links", f"{target} does not exist")
            elif anchor and page.endswith(".md") and anchor not in _anchors(tree, page):
                yield Violation(path, line, "links", f"{page} has no heading #{anchor}")
    for path in tree.matching(".hpp", ".cpp", ".py", ".proto", ".txt", ".cmake"):
        if path.startswith("tests/tidy/"):
            continue
        text = tree.text(path)
        for match in _MENTION.finditer(text):
            if match.group() not in known:
                yield Violation(path, line_of(text, match.start()), "links",
                                f"{match.group()} does not exist")


def changelog(tree, _layers):
    """changelog/unreleased/NNNN-words.md opens with `added: ...` or another kind of change."""
    for path in tree.matching("", below="changelog/unreleased/"):
        name = PurePosixPath(path).name
        if name == "README.md":
            continue
        if not _CHANGE_NAME.match(name):
            yield Violation(path, 1, "changelog", "the name is not NNNN-some-words.md")
        if not _CHANGE_HEAD.match(tree.text(path).split("\n")[0]):
            yield Violation(path, 1, "changelog", "the first line is not `added: ...`, `fixed: ...`")


def _codes_in(text):
    """Offsets and names of the error codes that a source file gives to its errors."""
    for match in _CODE_CONSTANT.finditer(text):
        yield match.start(), match["code"]
    masked = _LITERAL.sub(lambda m: "x" * len(m.group()), text)
    for match in _EXPLAINED.finditer(masked):
        end, depth = match.end(), 1
        while depth and end < len(masked):
            depth += {"(": 1, ")": -1}.get(masked[end], 0)
            end += 1
        last = _LAST_WORDS.search(text[match.end():end - 1])
        if last:
            for name in ("code", "other"):
                if last[name]:
                    yield match.start(), last[name]


def error_codes(tree, _layers):
    """docs/troubleshooting.md has a row for each error code, and none that the program lacks."""
    told = {}
    page = tree.text(_ERROR_PAGE) if _ERROR_PAGE in tree.paths else ""
    for match in _ROW.finditer(page):
        for code in re.findall(r"`([a-z_]+)`", match["cell"]):
            told.setdefault(code, line_of(page, match.start()))
    literals = set()
    for path in tree.matching(".cpp", ".hpp", below="src/"):
        text = tree.text(path)
        literals.update(re.findall(r'"([a-z_]+)"', text))
        for start, code in _codes_in(text):
            if code not in told:
                yield Violation(path, line_of(text, start), "error-codes",
                                f"{_ERROR_PAGE} does not explain `{code}`")
    for code, line in told.items():
        if code not in literals:
            yield Violation(_ERROR_PAGE, line, "error-codes", f"no error has the code `{code}`")
