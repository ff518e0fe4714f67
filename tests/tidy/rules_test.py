"""Every rule finds the violation planted for it, and leaves the like that is fine alone."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import check  # noqa: E402 (found by the path above)
import layer_rules  # noqa: E402
import size_rules  # noqa: E402

LAYERS = layer_rules.Layers(
    "base base:\n"
    "storage storage: base\n"
    "storage_local storage/local: storage\n"
    "connector connector: base\n"
    "engine engine: storage connector\n"
    "cli cli: engine\n")
HEADER = "#pragma once\n\n/// @file\n/// What it is for.\n\n"
LATER = "TO" "DO"


def violations(tmp_path, rule, files):
    """What `rule` says about a tree of `files`, as "path:line" strings."""
    for path, text in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return [f"{v.path}:{v.line}" for v in check.check(tmp_path, LAYERS, [rule])]


def function_of(lines):
    return "int f() {\n" + "    ++calls;\n" * (lines - 2) + "}\n"


PLANTED = [
    # rule, path, text, the line that must be found
    ("layering", "src/base/a.cpp", '#include "base/a.hpp"\n#include "storage/b.hpp"\n', 2),
    ("layering", "src/storage/a.cpp", '#include "storage/local/b.hpp"\n', 1),
    ("layering", "src/storage/a.cpp", '#include "neighbour.hpp"\n', 1),
    ("layering", "src/unknown/a.cpp", "int a = 0;\n", 1),
    ("plugins", "src/storage/a.cpp", '#include "connector/connector.hpp"\n', 1),
    ("plugins", "src/connector/sqlite/a.cpp", '\n#include "storage/storage.hpp"\n', 2),
    ("plugins", "src/engine/backup.cpp", '#include "storage/local/local_storage.hpp"\n', 1),
    ("plugins", "src/engine/backup.cpp", '#include "storage/cloud/refusal.hpp"\n', 1),
    ("plugins", "src/cli/main.cpp", '#include "connector/sqlite/connector.hpp"\n', 1),
    ("file-lines", "src/base/a.cpp", "int a;\n" * 401, 1),
    ("file-lines", "tests/cli/a_test.py", "a = 1\n" * 401, 1),
    ("function-lines", "src/base/a.cpp", "\n" + function_of(71), 2),
    ("function-lines", "src/base/a.cpp", "namespace dbbackup {\nnamespace {\n" + function_of(71), 3),
    ("function-lines", "src/base/a.hpp", HEADER + "class A {\npublic:\n" + function_of(71) + "};\n", 8),
    ("function-lines", "src/base/a.cpp", "A::A() : a_{1}, b_(2) {\n" + "    f();\n" * 70 + "}\n", 1),
    ("function-lines", "tests/unit/a_test.cpp", "TEST(A, B) {\n" + "    f([] { g(); });\n" * 70 + "}\n", 1),
    ("function-lines", "scripts/a.py", "def f():\n" + "    g()\n" * 70, 1),
    ("one-definition", "src/base/a.cpp", "namespace a {\nclass B {\n};\n}  // namespace a\n"
                                         "namespace a {\nenum class B : int { b };\n}  // namespace a\n", 6),
    ("names", "src/base/string_utils.cpp", "int a;\n", 1),
    ("names", "tests/helpers/a.cpp", "int a;\n", 1),
    ("names", "src/base/a.cpp", "\nclass ChunkManager {};\n", 2),
    ("names", "src/base/a.cpp", "enum class CommonThing { a };\n", 1),
    ("names", "scripts/a.py", "class Helper:\n    pass\n", 1),
    ("calls", "src/engine/a.cpp", 'void f() {\n    std::cout << "x";\n}\n', 2),
    ("calls", "src/engine/a.cpp", "std::this_thread::sleep_for(x);\n", 1),
    ("calls", "tests/unit/a_test.cpp", "sleep(1);\n", 1),
    ("calls", "src/engine/a.cpp", "#include <thread>\nworker.detach();\n", 2),
    ("calls", "src/cli/a.cpp", 'std::printf("%d", 1);\n', 1),
    ("calls", "src/base/a.cpp", 'std::snprintf(b, 1, "%d", 1);\n', 1),
    ("words", "src/base/a.cpp", f"int a;\n// {LATER}: later\n", 2),
    ("words", "src/base/a.cpp", "// see /ho" "me/ada/notes\n", 1),
    ("words", "tests/unit/a_test.cpp", 'open("/wo' 'rk/main/x");\n', 1),
    ("headers", "src/base/a.hpp", "#pragma once\n\nint a;\n", 1),
    ("headers", "src/base/a.hpp", "/// @file\n#pragma once\n", 1),
    ("headers", "src/base/a.h", HEADER, 1),
    ("links", "docs/a.md", "\n[b](b.md)\n", 2),
    ("links", "docs/a.md", "[out](../../elsewhere.md)\n", 1),
    ("links", "docs/a.md", "# One thing\n[here](#another-thing)\n", 2),
    ("links", "docs/a.md", "![picture](a.svg)\n", 1),
    ("links", "src/base/a.hpp", "/// See docs/gone.md.\n", 1),
    ("changelog", "changelog/unreleased/0001-a.md", "Something new\n", 1),
    ("changelog", "changelog/unreleased/new.md", "added: something\n", 1),
    ("error-codes", "src/base/a.cpp", '\nthrow explained<ConfigError>("a (b",\n    "Do.", "new_thing");\n', 2),
    ("error-codes", "src/base/a.cpp", 'error.set_code("new_thing");\n', 1),
    ("error-codes", "docs/troubleshooting.md", "# Page\n\n| `gone_thing` | why |\n", 3),
]


@pytest.mark.parametrize(("rule", "path", "text", "line"), PLANTED)
def test_finds_the_planted_violation(tmp_path, rule, path, text, line):
    assert f"{path}:{line}" in violations(tmp_path, rule, {path: text})


FINE = [
    ("layering", "src/engine/a.cpp", '#include "base/a.hpp"\n#include "storage/b.hpp"\n#include <vector>\n'),
    ("layering", "src/base/a.cpp", '// #include "storage/b.hpp"\n#include "records.pb.h"\n'),
    ("plugins", "src/cli/plugins.cpp", '#include "storage/local/local_storage.hpp"\n'),
    ("plugins", "src/storage/s3/a.cpp", '#include "storage/cloud/refusal.hpp"\n'),
    ("plugins", "src/storage/local/a.cpp", '#include "storage/local/a.hpp"\n#include "storage/storage.hpp"\n'),
    ("file-lines", "src/base/a.cpp", "int a;\n" * 400),
    ("file-lines", "src/base/a.hpp", "/// @file\n/// A table (long because it is one).\n" + "int a;\n" * 400),
    ("function-lines", "src/base/a.cpp", function_of(70) + "\n" + function_of(70)),
    ("function-lines", "src/base/a.cpp", "const Table kTable = {\n" + "    {1},\n" * 100 + "};\n"),
    ("function-lines", "src/base/a.cpp", "// f() {\n" + "// \n" * 100 + 'const char* a = "f() {";\n'),
    ("one-definition", "src/base/a.cpp", "namespace a {\nclass B;\nstruct B final : C {\n};\nnamespace {\nstruct B {};\n"
                                         "}  // namespace\nclass B::D {\n};\n}  // namespace a\nstruct B {};\n"),
    ("names", "src/base/utility.cpp", "class Uncommon {};\n// class Manager\n"),
    ("calls", "src/cli/a.cpp", 'std::cout << "x";\n'),
    ("calls", "src/base/a.cpp", '// std::cout\nf("sleep(1) printf(");\nvfs.detach();\n'),
    ("calls", "src/base/a.cpp", "#include <thread>\nx.detach();  // tidy: allow calls, because it is no thread\n"),
    ("words", "src/base/a.cpp", f"// {LATER}(#12): later\n"),
    ("words", "tests/unit/a_test.cpp", 'f("/ho' 'me/ada/.cache"); g("s3://bucket/work/a");\n'),
    ("headers", "src/base/a.hpp", HEADER),
    ("links", "docs/a.md", "# The *one* thing, twice!\n[x](#the-one-thing-twice) [y](../docs/) `[z](z.md)`\n"
                           "```\n[z](z.md)\n```\n<https://example.org> [w](https://example.org/a.md)\n"),
    ("error-codes", "src/base/a.cpp", 'explained<ConfigError>("it is", "Do \\"this\\".");\nf("word");\n'),
    ("changelog", "changelog/unreleased/0001-some-words.md", "added: something new\n\nMore about it.\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), FINE)
def test_leaves_the_fine_alone(tmp_path, rule, path, text):
    assert violations(tmp_path, rule, {path: text}) == []


def test_a_type_of_one_file_may_not_be_in_another(tmp_path):
    kind = "namespace a {\nclass B {\n};\n}  // namespace a\n"
    files = {"src/base/a.cpp": kind, "src/base/c.hpp": kind, "tests/unit/b.cpp": "namespace b {\nstruct B {};\n}  // namespace b\n"}
    assert violations(tmp_path, "one-definition", files) == ["src/base/c.hpp:2"]


def test_every_rule_has_a_planted_violation():
    assert {rule for rule, *_ in PLANTED} == set(check.RULES)
    assert {rule for rule, *_ in FINE} == set(check.RULES)


def test_function_bounds_cover_all_kinds_of_scopes():
    code = ("namespace a {\nclass B {\n    B() : x_{1},\n          y_{2} {\n    }\n};\n}\n"
            "template <class T>\nauto f(T t) -> int {\n    if (t) { g(); }\n}\n")
    assert size_rules.cpp_functions(code) == [(3, 5), (8, 11)]


def test_a_violation_names_place_rule_and_reason(tmp_path):
    (tmp_path / "a.cpp").write_text(f"// {LATER}\n", "utf-8")
    (found,) = check.check(tmp_path, LAYERS, ["words"])
    assert re.fullmatch(r"a\.cpp:1: words: \w+ needs an issue number: .*", str(found))
