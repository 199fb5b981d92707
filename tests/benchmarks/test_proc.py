"""What the benchmarks read of ``/proc``."""

import os
import subprocess
import sys

from benchmarks import proc

STAT = (
    "4711 (odd) name (x) S 815 4711 4711 0 -1 4194560 1201 0 3 0 130 45 7 9 20 0 1 0 86000 1 2 18446744073709551615 "
    "1 1 0 0 0 0 0 16781312 17 0 0 0 17 1 0 0 0 0 0 1 1 1 1 1 1 1 0"
)
ROLLUP = """\
559e3a000000-7ffd3a1e9000 ---p 00000000 00:00 0                          [rollup]
Rss:               31000 kB
Pss:               22345 kB
Pss_Dirty:         20000 kB
"""


def test_parent_and_ticks_are_found_behind_a_name_with_brackets_and_spaces() -> None:
    assert proc.read_stat(STAT) == (815, 130 + 45)


def test_the_proportional_size_is_told_in_kib() -> None:
    assert proc.read_pss(ROLLUP) == 22_345


def test_a_family_is_a_process_and_all_below_it() -> None:
    script = (
        "import subprocess, sys\nchild = subprocess.Popen(['cat'], stdin=subprocess.PIPE)\nprint(child.pid)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-uc", f"{script}\nchild.stdin.close()\nchild.wait()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        below = int(parent.stdout.readline())
        assert proc.family(os.getpid()) >= {os.getpid(), parent.pid, below}
        assert proc.family(parent.pid) == {parent.pid, below}
        assert proc.pss_kib({parent.pid, below}) > proc.pss_kib({below}) > 0
        parent.communicate("\n")


def test_processes_that_have_ended_count_nothing() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert proc.processor_seconds({done.pid}) == 0
    assert proc.pss_kib({done.pid}) == 0


def test_processor_time_counts_only_up() -> None:
    before = proc.processor_seconds({os.getpid()})
    assert 0 < before <= proc.processor_seconds({os.getpid()})
