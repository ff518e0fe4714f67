"""Hooks of mkdocs: what the pages link to outside docs/ becomes a part of the site.

Links in the pages are those of the source tree, where everybody reads them, too. A page outside docs/
(CONTRIBUTING.md) is shown below project/, any other file (a dashboard, the .proto) is there to be
fetched below files/.
"""

import pathlib
import posixpath
import re

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ["CONTRIBUTING.md"]
_CODE = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)[^\n]*$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")


def place(path):
    """Where the site has the file `path` of the project."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"project/{path}" if path.endswith(".md") else f"files/{path}"


def source(place_in_site):
    """The inverse of `place`."""
    folder, _, rest = place_in_site.partition("/")
    return rest if folder in ("project", "files") else f"docs/{place_in_site}"


def links(path, text):
    """Each link of the page `path` to a file of the project: its match and that file."""
    masked = _CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    for match in _LINK.finditer(masked):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), match["target"]))
        if (ROOT / target).is_file():
            yield match, target


def on_files(files, config):
    """Adds what is linked to from anywhere in the site and is not in docs/."""
    seen = set()
    waiting = PAGES + [f"docs/{file.src_uri}" for file in files.documentation_pages()]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if not path.startswith("docs/"):
            files.append(File.generated(config, place(path), abs_src_path=str(ROOT / path)))
        if path.endswith(".md"):
            waiting += [target for _, target in links(path, (ROOT / path).read_text("utf-8"))]
    return files


def _plain_bars(match):
    return re.sub(r"`[^`\n]+`", lambda code: code.group().replace("\\|", "|"), match.group())


def on_page_markdown(markdown, page, **_):
    """The page as this renderer takes it: links as the site has them, and no escapes in the code of a table."""
    here = source(page.file.src_uri)
    for match, target in reversed(list(links(here, markdown))):
        link = posixpath.relpath(place(target), posixpath.dirname(page.file.src_uri) or ".")
        markdown = markdown[: match.start("target")] + link + markdown[match.end("target"):]
    return re.sub(r"^\|.*$", _plain_bars, markdown, flags=re.MULTILINE)


def on_post_build(config):
    """The theme's scripts would fetch some things from other hosts: diagrams, what browsers of 2019 lack,
    facts about a repository on GitHub. No page needs them, and now none can get them."""
    for script in (pathlib.Path(config.site_dir) / "assets/javascripts").glob("*.js"):
        text = script.read_text("utf-8")
        script.write_text(re.sub(r"https://(?:unpkg\.com|api\.github\.com)/", "not-fetched/", text), "utf-8")
