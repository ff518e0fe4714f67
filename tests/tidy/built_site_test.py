"""The check of the built site finds what is wrong in a site, and leaves the like that is fine alone."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts/site"))

import built_site  # noqa: E402 (found by the path above)

PAGE = "<html><head>{head}</head><body><h1 id=top>A</h1>{body}</body></html>"


def faults(folder, head="", body="", **files):
    """What is wrong in a site of one page and `files`; `a_css` is a.css."""
    (folder / "index.html").write_text(PAGE.format(head=head, body=body))
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return list(built_site.Site(folder).faults())


PLANTED = [
    {"head": '<script src="https://cdn.example/a.js"></script>'},
    {"head": '<script src="//cdn.example/a.js"></script>'},
    {"head": "<script>fetch('https://cdn.example/a.json')</script>"},
    {"head": '<link rel="stylesheet" href="https://cdn.example/a.css">'},
    {"head": '<link rel="preconnect" href="https://cdn.example">'},
    {"head": "<style>@import 'https://cdn.example/a.css';</style>"},
    {"body": '<img src="https://cdn.example/a.png">'},
    {"body": '<img srcset="a.png 1x, https://cdn.example/a.png 2x">', "a_png": ""},
    {"body": '<iframe src="HTTPS://cdn.example/"></iframe>'},
    {"body": '<p style="background: url(https://cdn.example/a.png)">'},
    {"body": '<form action="https://cdn.example/"></form>'},
    {"a_css": 'a { background: url("https://cdn.example/a.png") }'},
    {"a_css": '@import "//cdn.example/a.css";'},
    {"a_css": "a { background: url(gone.png) }"},
    {"a_js": 'import("https://cdn.example/a.js")'},
    {"a_js": "const a = `//cdn.example/${b}`"},
    {"a_svg": '<svg><image href="https://cdn.example/a.png"/></svg>'},
    {"body": '<a href="gone.html">a</a>'},
    {"body": '<a href="#gone">a</a>'},
    {"body": '<a href="b.html#gone">a</a>', "b_html": PAGE.format(head="", body="")},
    {"body": '<a href="/index.html">a</a>'},
    {"body": '<a href="../index.html">a</a>'},
]


@pytest.mark.parametrize("site", PLANTED)
def test_finds_what_is_planted(tmp_path, site):
    assert len(faults(tmp_path, **site)) == 1


FINE = [
    {"body": '<a href="https://example.org/a">a</a> <a href="mailto:a@example.org">a</a>'},
    {"body": '<a href="#top">a</a> <a href="index.html?b#top">a</a> <a href=".">a</a>'},
    {"body": '<img src="data:image/png;base64,AAAA"> <a name="old"></a><a href="#old">a</a>'},
    {"body": '<a href="b%20c.html">a</a>', "b c_html": PAGE.format(head="", body="")},
    {"head": '<link rel="stylesheet" href="a.css">', "a_css": "/* https://example.org */ a { mask: url(#b); top: 0 }"},
    {"a_js": '/* see https://example.org */ const a = "http://www.w3.org/2000/svg", b = "a//b", c = "//"'},
    {"a_svg": '<svg xmlns="http://www.w3.org/2000/svg"><a href="https://example.org"/></svg>'},
]


@pytest.mark.parametrize("site", FINE)
def test_leaves_the_fine_alone(tmp_path, site):
    assert faults(tmp_path, **site) == []


def test_a_folder_without_pages_is_no_site(tmp_path):
    assert len(list(built_site.Site(tmp_path).faults())) == 1
