"""Checks documents against the part of JSON Schema (draft 7) that docs/json uses.

A keyword that is not known here is an error, so that no schema seems stricter than it is.
"""

import re

TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "null": lambda value: value is None,
}
ANNOTATIONS = {"$schema", "$id", "$comment", "title", "description", "examples", "default", "definitions", "$defs"}
FORMATS = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
}


def problems(document, schema, root=None, where="document"):
    """Returns a list of what does not fit; empty when the document is valid."""
    root = schema if root is None else root
    if schema is True:
        return []
    if schema is False:
        return [f"{where}: must not be there"]
    found = []
    for keyword, wanted in schema.items():
        if keyword in ANNOTATIONS:
            continue
        check = CHECKS.get(keyword)
        if check is None:
            raise ValueError(f"the schema keyword {keyword} is not known to this checker")
        found += check(document, wanted, schema, root, where)
    return found


def resolved(reference, root):
    if not reference.startswith("#/"):
        raise ValueError(f"the reference {reference} leaves its file")
    target = root
    for part in reference[2:].split("/"):
        target = target[part]
    return target


def check_reference(value, wanted, schema, root, where):
    return problems(value, resolved(wanted, root), root, where)


def check_type(value, wanted, schema, root, where):
    names = wanted if isinstance(wanted, list) else [wanted]
    return [] if any(TYPES[name](value) for name in names) else [f"{where}: {value!r} is not {' or '.join(names)}"]


def check_properties(value, wanted, schema, root, where):
    if not isinstance(value, dict):
        return []
    return [
        problem for name, below in wanted.items() if name in value
        for problem in problems(value[name], below, root, f"{where}.{name}")
    ]


def check_additional(value, wanted, schema, root, where):
    if not isinstance(value, dict):
        return []
    patterns = schema.get("patternProperties", {})
    return [
        problem for name in value
        if name not in schema.get("properties", {}) and not any(re.search(pattern, name) for pattern in patterns)
        for problem in problems(value[name], wanted, root, f"{where}.{name}")
    ]


def check_patterns(value, wanted, schema, root, where):
    if not isinstance(value, dict):
        return []
    return [
        problem for name in value for pattern, below in wanted.items() if re.search(pattern, name)
        for problem in problems(value[name], below, root, f"{where}.{name}")
    ]


def check_items(value, wanted, schema, root, where):
    if not isinstance(value, list):
        return []
    return [problem for at, each in enumerate(value) for problem in problems(each, wanted, root, f"{where}[{at}]")]


def check_one_of(value, wanted, schema, root, where):
    fits = sum(not problems(value, each, root, where) for each in wanted)
    return [] if fits == 1 else [f"{where}: fits {fits} of {len(wanted)} forms"]


def check_any_of(value, wanted, schema, root, where):
    return [] if any(not problems(value, each, root, where) for each in wanted) else [f"{where}: fits no form"]


def check_all_of(value, wanted, schema, root, where):
    return [problem for each in wanted for problem in problems(value, each, root, where)]


def condition(text, holds):
    """A check of the value alone; `holds` is also true for values of another type."""
    return lambda value, wanted, schema, root, where: (
        [] if holds(value, wanted) else [f"{where}: {value!r} {text.format(wanted)}"]
    )


def is_number(value):
    return TYPES["number"](value)


def has_format(value, wanted):
    return not isinstance(value, str) or FORMATS[wanted].fullmatch(value) is not None


CHECKS = {
    "$ref": check_reference,
    "type": check_type,
    "properties": check_properties,
    "additionalProperties": check_additional,
    "patternProperties": check_patterns,
    "items": check_items,
    "oneOf": check_one_of,
    "anyOf": check_any_of,
    "allOf": check_all_of,
    "required": condition("lacks one of {}", lambda value, wanted: not isinstance(value, dict) or set(wanted) <= set(value)),
    "enum": condition("is none of {}", lambda value, wanted: value in wanted),
    "const": condition("is not {}", lambda value, wanted: value == wanted),
    "pattern": condition("does not match {}", lambda value, wanted: not isinstance(value, str) or re.search(wanted, value)),
    "format": condition("is no {}", has_format),
    "minLength": condition("is shorter than {}", lambda value, wanted: not isinstance(value, str) or len(value) >= wanted),
    "maxLength": condition("is longer than {}", lambda value, wanted: not isinstance(value, str) or len(value) <= wanted),
    "minItems": condition("has fewer items than {}", lambda value, wanted: not isinstance(value, list) or len(value) >= wanted),
    "maxItems": condition("has more items than {}", lambda value, wanted: not isinstance(value, list) or len(value) <= wanted),
    "uniqueItems": condition("repeats an item", lambda value, wanted: not (wanted and isinstance(value, list))
                             or all(each not in value[:at] for at, each in enumerate(value))),
    "minimum": condition("is below {}", lambda value, wanted: not is_number(value) or value >= wanted),
    "maximum": condition("is above {}", lambda value, wanted: not is_number(value) or value <= wanted),
    "exclusiveMinimum": condition("is not above {}", lambda value, wanted: not is_number(value) or value > wanted),
}
