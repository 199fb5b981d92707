"""What Linux tells of processes: the processor time and the memory of a server and all that it has started."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")


def read_stat(text: str) -> tuple[int, int]:
    """Read ``/proc/PID/stat``.

    Args:
        text: Its content; the name in it may hold anything, brackets and spaces too.

    Returns:
        The parent's id, and the ticks that the process has computed, for itself and in the kernel.
    """
    fields = text[text.rindex(")") + 2 :].split()
    return int(fields[1]), int(fields[11]) + int(fields[12])


def read_pss(text: str) -> int:
    """Read ``/proc/PID/smaps_rollup``.

    Args:
        text: Its content.

    Returns:
        KiB: the process's own memory, and of what it shares its part.
    """
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def family(process: int) -> set[int]:
    """Find a process and all that descend from it."""
    parents = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            for text in _texts([int(folder.name)], "stat"):
                parents[int(folder.name)] = read_stat(text)[0]
    found, last = {process}, set[int]()
    while found != last:
        last = set(found)
        found |= {child for child, parent in parents.items() if parent in last}
    return found


def processor_seconds(processes: Iterable[int]) -> float:
    """Add up what the processes have computed."""
    return sum(read_stat(text)[1] for text in _texts(processes, "stat")) / _TICK


def pss_kib(processes: Iterable[int]) -> int:
    """Add up the memory of the processes, what they share once."""
    return sum(read_pss(text) for text in _texts(processes, "smaps_rollup"))


def _texts(processes: Iterable[int], name: str) -> Iterator[str]:
    for process in processes:
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            yield (_PROC / str(process) / name).read_text(encoding="utf-8", errors="replace")
