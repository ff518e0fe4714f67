#!/usr/bin/env python3
"""Runs clang-tidy on C++ files and remembers which contents passed.

usage: lint.py [--jobs N] [--all | --since COMMIT | FILE...]

Without files: those changed since the upstream branch, or since COMMIT, and those that include a
changed header; all, if it is not known or the settings have changed since. A
file is looked at again only when it, a header of the project that it includes, its compiler
command, .clang-tidy or clang-tidy itself changed. Needs the configured tree build/tidy.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "tidy"
CLANG_TIDY = "clang-tidy-19"
CACHE_DAYS_MAX = 30
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def make_generated_headers():
    """Builds what protoc writes, so that sources which include it can be parsed."""
    targets = re.findall(r"^(\S+\.pb\.h):", output_of("ninja", "-C", str(BUILD), "-t", "targets", "all"),
                         re.MULTILINE)
    if targets:
        output_of("ninja", "-C", str(BUILD), *targets)


def commands():
    """Project source -> its compiler command, from the compilation database."""
    entries = json.loads((BUILD / "compile_commands.json").read_text("utf-8"))
    found = {}
    for entry in entries:
        path = Path(entry["file"])
        if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "build"):
            found[str(path.relative_to(ROOT))] = entry["command"]
    return found


@lru_cache(maxsize=None)
def included(path):
    """The project's headers that `path` includes directly."""
    places = (Path(path).parent, Path("src"), Path("tests"), Path("fuzz"))
    found = set()
    for header in INCLUDE.findall((ROOT / path).read_text("utf-8", "replace")):
        for place in places:
            if (ROOT / place / header).is_file():
                found.add(os.path.normpath(place / header))
                break
    return frozenset(found)


def closure(path):
    """`path` and every header of the project that it includes, however deep."""
    found, waiting = set(), [path]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(included(current))
    return found


def changed_files():
    """Files that differ from where this branch left its upstream, uncommitted ones included."""
    for upstream in ("@{upstream}", "origin/HEAD", "origin/main", "HEAD~1"):
        answer = subprocess.run(["git", "merge-base", "HEAD", upstream], cwd=ROOT, capture_output=True,
                                text=True, check=False)
        if answer.returncode == 0:
            tracked = output_of("git", "diff", "--name-only", answer.stdout.strip())
            untracked = output_of("git", "ls-files", "-o", "--exclude-standard")
            return set((tracked + untracked).split())
    return set(output_of("git", "ls-files", "-co", "--exclude-standard").split())


class Cache:
    """Empty files named by the hash of everything that decides the verdict "passed"."""

    def __init__(self):
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self.folder = base / "db-backup-dev" / "lint"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.digest = hashlib.sha256(output_of(CLANG_TIDY, "--version").encode())
        for settings in sorted(output_of("git", "ls-files", "-co", "--exclude-standard", "--",
                                         ".clang-tidy", "**/.clang-tidy").split()):
            self.digest.update(settings.encode() + (ROOT / settings).read_bytes())

    def key(self, path, command):
        digest = self.digest.copy()
        # The place of the checkout does not matter, only what is compiled.
        digest.update(command.replace(str(ROOT), "").encode())
        for part in sorted(closure(path)):
            digest.update(part.encode() + b"\0" + (ROOT / part).read_bytes() + b"\0")
        return self.folder / digest.hexdigest()

    def forget_old(self):
        oldest = time.time() - CACHE_DAYS_MAX * 86400
        for entry in self.folder.iterdir():
            if entry.stat().st_mtime < oldest:
                entry.unlink(missing_ok=True)


def lint(path):
    """What clang-tidy says about `path`; empty when it passes."""
    answer = subprocess.run([CLANG_TIDY, "-p", str(BUILD), "--quiet", path], cwd=ROOT,
                            capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        return ""
    said = answer.stdout.strip() or answer.stderr.strip() or f"exit status {answer.returncode}"
    return said.replace(str(ROOT) + "/", "")


def changed_since(commit, known):
    """All of `known`, where that commit says nothing about them."""
    answer = subprocess.run(["git", "diff", "--name-only", commit], cwd=ROOT, capture_output=True, text=True, check=False)
    named = set(answer.stdout.split())
    # What decides about every file: its checks, and how it is compiled.
    settings = {name for name in named if name.endswith(".clang-tidy") or name.startswith(("CMakeLists.txt", "cmake/"))}
    if answer.returncode != 0 or settings - {"cmake/testing.cmake"}:
        return set(known)
    return named | set(output_of("git", "ls-files", "-o", "--exclude-standard").split())


def chosen_files(arguments, known):
    if arguments.all:
        return sorted(known)
    if arguments.since:
        named = changed_since(arguments.since, known)
    elif arguments.files:
        named = {os.path.relpath(Path(f).resolve(), ROOT) for f in arguments.files}
    else:
        named = changed_files()
    return sorted(path for path in known if closure(path) & named)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--since", metavar="COMMIT", help="one at which all passed")
    parser.add_argument("files", nargs="*", metavar="FILE")
    arguments = parser.parse_args()

    make_generated_headers()
    known = commands()
    cache = Cache()
    cache.forget_old()
    chosen = chosen_files(arguments, known)
    keys = {path: cache.key(path, known[path]) for path in chosen}
    waiting = [path for path in chosen if not keys[path].exists()]
    for path in set(chosen) - set(waiting):
        keys[path].touch()

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for path, said in zip(waiting, pool.map(lint, waiting)):
            if said:
                failed += 1
                print(said, flush=True)
            else:
                keys[path].touch()
    print(f"lint: {len(chosen)} files, {len(chosen) - len(waiting)} known to pass, {failed} failed",
          file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
