"""``make bench``: every figure as a ratio to its rival, measured in turns in one run."""

import argparse
import shutil
import subprocess
import sys
import time

import pytest

from benchmarks import environments
from benchmarks.environments import ROOT
from benchmarks.groups import GROUPS
from benchmarks.report import RESULTS, Report

PLOTS = environments.BUILD / "plots"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("group", nargs="*", help=f"what to measure: {', '.join(GROUPS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, under 3 minutes for all")
    parsed = parser.parse_args()
    unknown = [name for name in parsed.group if name not in GROUPS]
    if unknown:
        parser.error(f"there is no group {', '.join(unknown)}")
    return parsed


def draw() -> None:
    """Draw the results anew, in the environment that has what draws."""
    shutil.rmtree(PLOTS, ignore_errors=True)
    PLOTS.mkdir(parents=True)
    script = ROOT / "benchmarks" / "plots.py"
    try:
        subprocess.run([environments.python(environments.OURS), script, RESULTS, PLOTS], check=True)
    except subprocess.CalledProcessError as fault:
        print(f"there are no plots: {fault}")


def main() -> str | None:
    """Measure.

    Returns:
        What was missed, for `sys.exit`; None where every bound holds.
    """
    given = arguments()
    chosen = given.group or list(GROUPS)
    told = Report(quick=given.quick)
    for name in chosen:
        began = time.monotonic()
        try:
            GROUPS[name](told)
        except pytest.skip.Exception as missing:
            told.skip(f"{name}: {missing}")
        except Exception as fault:  # the others are measured all the same
            told.missed.append(f"{name} ended with {type(fault).__name__}: {fault}")
        told.seconds[name] = round(time.monotonic() - began, 1)
    told.write()
    print(f"\n{RESULTS.relative_to(ROOT)} has all of it", flush=True)
    draw()
    return "missed:\n" + "\n".join(told.missed) if told.missed else None


if __name__ == "__main__":
    sys.exit(main())
