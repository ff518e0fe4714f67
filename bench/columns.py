#!/usr/bin/env python3
"""Measures the codec zstd-columns against zstd (docs/decisions/0014).

    bench/columns.py --build build/release                    on two tables that are made
    bench/columns.py --chunk 2 orders.tsv                     on COPY text: psql -c 'COPY orders TO STDOUT' > orders.tsv

columns.cpp is compiled against the libraries of the build folder.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = pathlib.Path(__file__).with_suffix(".cpp")


def compile_bench(build, program):
    libraries = [build / f"src/{name}/libdb_backup_{name}.a" for name in ("compress", "base")]
    missing = [str(each) for each in libraries if not each.exists()]
    if missing:
        sys.exit(f"there is no {missing[0]}: build first, or give --build")
    subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", "-O2", f"-I{ROOT / 'src'}", "-o", program, SOURCE,
                    *libraries, "-lfmt", "-lzstd", "-lz"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog=__doc__.split("\n\n", 1)[1])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="the build folder")
    parser.add_argument("--chunk", type=int, default=1, metavar="MIB", help="MiB of a chunk")
    parser.add_argument("--runs", type=int, default=5, help="medians are of this many")
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="COPY text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "columns"
        compile_bench(options.build, program)
        return subprocess.run([program, str(options.chunk), str(options.runs), *options.files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
