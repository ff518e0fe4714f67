"""What must hold for the built site: it asks no other host for anything, and every link leads somewhere.

usage: built_site.py FOLDER
"""

import html.parser
import pathlib
import re
import sys
import urllib.parse

_ELSEWHERE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_NO_PLACE = re.compile(r"^\s*(?:data|mailto|javascript|blob):", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*(?P<quote>[\"']?)(?P<url>.*?)(?P=quote)\s*\)|@import\s+[\"'](?P<import>[^\"']+)[\"']", re.DOTALL)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# A host in a text of a script may be asked for something.
_JS_HOST = re.compile(r"[\"'`](?P<url>(?:https?:|wss?:)?//[\w-]+(?:\.[\w-]+)+[^\"'`]*)")
# Names, not places.
_NAMESPACES = ("http://www.w3.org/",)
# Texts of the pages, in which a host may stand as in any text.
_TEXTS = ("search/search_index.js", "search/search_index.json")
# What a browser loads by itself; a link is followed by people.
_LOADING = {"src", "srcset", "data", "poster", "background", "xlink:href"}
_LINK_LOADS_NOTHING = {"next", "prev", "author", "license"}


class _Page(html.parser.HTMLParser):
    """Ids, links, and what a page loads, each with the number of its line."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.ids, self.links, self.loads, self.scripts, self.styles = set(), [], [], [], []
        self._inside = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        line = self.getpos()[0]
        values = {name: value or "" for name, value in attributes}
        self.ids.update(filter(None, (values.get("id"), values.get("name") if tag == "a" else None)))
        for name, value in values.items():
            if name in _LOADING:
                urls = [part.split()[0] for part in value.split(",") if part.strip()] if name == "srcset" else [value]
                self.loads += [(line, url) for url in urls]
        if "style" in values:
            self.styles.append((line, values["style"]))
        if tag in ("link", "use", "image") and "href" in values and values.get("rel") not in _LINK_LOADS_NOTHING:
            self.loads.append((line, values["href"]))
        elif "href" in values:
            self.links.append((line, values["href"]))
        if tag == "form" and values.get("action"):
            self.loads.append((line, values["action"]))
        self._inside = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts.append((self.getpos()[0], data))
        elif self._inside == "style":
            self.styles.append((self.getpos()[0], data))


def css_urls(text):
    for match in _CSS_URL.finditer(_CSS_COMMENT.sub("", text)):
        yield match["import"] if match["import"] is not None else match["url"].strip()


def js_hosts(text):
    for match in _JS_HOST.finditer(text):
        if not match["url"].startswith(_NAMESPACES):
            yield match["url"]


class Site:
    """The files below `root`."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.pages = {path: _Page(path.read_text("utf-8")) for path in sorted(self.root.rglob("*.html"))}

    def faults(self):
        """One line for each thing that is wrong."""
        for path, page in self.pages.items():
            yield from self._page_faults(path, page)
        for path in sorted(self.root.rglob("*.css")):
            yield from (f"{self._name(path)}: {fault}" for fault in self._style_faults(path, path.read_text("utf-8")))
        for path in sorted(self.root.rglob("*.js")):
            if self._name(path) in _TEXTS:
                continue
            yield from (f"{self._name(path)}: {fault}" for fault in self._script_faults(path.read_text("utf-8")))
        for path in sorted(self.root.rglob("*.svg")):
            page = _Page(path.read_text("utf-8"))
            yield from (f"{self._name(path)}:{line}: asks another host: {url}" for line, url in page.loads if _ELSEWHERE.match(url))
        if not self.pages:
            yield f"{self.root}: there is no page"

    def _name(self, path):
        return path.relative_to(self.root).as_posix()

    def _page_faults(self, path, page):
        for line, url in page.loads:
            if _ELSEWHERE.match(url):
                yield f"{self._name(path)}:{line}: asks another host: {url}"
            else:
                yield from self._dead(path, line, url)
        for line, url in page.links:
            if not _ELSEWHERE.match(url):
                yield from self._dead(path, line, url)
        for line, text in page.styles:
            yield from (f"{self._name(path)}:{line}: {fault}" for fault in self._style_faults(path, text))
        for line, text in page.scripts:
            yield from (f"{self._name(path)}:{line}: {fault}" for fault in self._script_faults(text))

    def _style_faults(self, path, text):
        for url in css_urls(text):
            if _ELSEWHERE.match(url):
                yield f"asks another host: {url}"
            elif not _NO_PLACE.match(url) and not url.startswith("#") and self._target(path, url) is None:
                yield f"{url} is not there"

    def _script_faults(self, text):
        return (f"may ask another host: {url}" for url in js_hosts(text))

    def _target(self, path, url):
        """The file that `url` on `path` leads to, or nothing."""
        place = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
        if place.startswith("/") and path == self.root / "404.html":
            place = "." + place  # A server shows it in the place of any page.
        target = (path.parent / place).resolve() if place else path
        if target.is_dir():
            target = target / "index.html"
        return target if target.is_file() and target.is_relative_to(self.root) else None

    def _dead(self, path, line, url):
        if _NO_PLACE.match(url):
            return
        target = self._target(path, url)
        fragment = urllib.parse.unquote(urllib.parse.urlsplit(url).fragment)
        if target is None:
            yield f"{self._name(path)}:{line}: {url} is not there"
        elif fragment and target in self.pages and fragment not in self.pages[target].ids:
            yield f"{self._name(path)}:{line}: {url}: there is no such anchor"


def main():
    site = Site(sys.argv[1])
    faults = list(site.faults())
    print("\n".join(faults + [f"{len(site.pages)} pages, {len(faults)} faults"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
