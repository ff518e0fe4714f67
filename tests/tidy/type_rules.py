"""One name, one type: what the linker takes for the same must be the same."""

import re

from tree import Violation

_OPENS = re.compile(r"^(?:inline )?namespace(?: (?P<name>[\w:]+))? \{(?P<rest>.*)$")
_CLOSES = re.compile(r"^\}  // namespace")
_TYPE = re.compile(r"^(?:template <.*> )?(?:class|struct|union|enum(?: class)?)(?: \[\[\w+\]\])? (?P<name>\w+)"
                   r"(?: final)?(?: : [^;]*)?(?: \{.*)?$")


def _types(tree, path):
    """Each type that `path` defines for the whole program, as (qualified name, line)."""
    namespaces = []
    lines = tree.text(path).split("\n")
    for number, line in enumerate(lines, 1):
        if opens := _OPENS.match(line):
            if "}" not in opens["rest"]:
                namespaces.append(opens["name"])
        elif _CLOSES.match(line):
            namespaces = namespaces[:-1]
        elif None not in namespaces and (found := _TYPE.match(line)):
            yield "::".join([*namespaces, found["name"]]), number


def one_definition(tree, _layers):
    """No two types outside unnamed namespaces have one name: their inline functions, written or not (a
    destructor), are the same to the linker, which takes either, and no compiler says so."""
    first = {}
    for path in tree.matching(".hpp", ".cpp"):
        for name, line in _types(tree, path):
            if name in first:
                yield Violation(path, line, "one-definition",
                                f"{name} is the name of another type already ({first[name]})")
            first.setdefault(name, path)
