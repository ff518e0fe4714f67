"""Replaces functions of the C library in the called program."""

import subprocess

from requirements import not_possible_here


def preloaded(program, name, source):
    """Compiles `source` and returns the environment that puts it in front of the libraries."""
    text, library = program.folder / f"{name}.c", program.folder / f"{name}.so"
    text.write_text(source)
    compiled = subprocess.run(["cc", "-shared", "-fPIC", "-o", library, text], capture_output=True, text=True)
    if compiled.returncode != 0:
        not_possible_here(f"no C compiler for {name}: {compiled.stderr}")
    return {
        "LD_PRELOAD": str(library),
        "ASAN_OPTIONS": program.environment.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
    }
