"""What one call of the program takes, for tests that report it."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import measure  # noqa: E402

MIB = 2**20
# Sanitizers and coverage have a memory and a pace of their own.
IS_INSTRUMENTED = any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "GCOV_PREFIX"))


def timed(repository, words, report, name):
    """Runs the program, notes seconds and the peak of anonymous memory, and returns the sample."""
    sample = measure.run(
        [[repository.program.path, *words, *repository.words, "--json"]], [],
        env=repository.program.environment, log=repository.program.folder / "stderr.log",
    )
    report(f"{name}_s", round(sample.seconds, 3))
    report(f"{name}_anonymous_mib", round(sample.anonymous_bytes / MIB, 1))
    return sample
