"""The report of a run: tables on stdout, and all of it as JSON for plots and comparisons."""

import json
import os
import platform
import sys
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import bounds, environments, figures

T = TypeVar("T")
RESULTS = environments.BUILD / "results.json"
PACKAGES = (
    "cxfulfill", "flask", "gunicorn", "uvicorn", "uvloop", "httptools", "pydantic", "google-auth", "cryptography",
    "redis", "functions-framework", "fastapi", "ezcx", "protobuf",
)  # fmt: skip
"""Those whose versions are told."""


@dataclass(frozen=True)
class Table:
    """What was measured of one thing, by candidate.

    Attributes:
        key: What bounds call it.
        title: What is measured.
        unit: In what.
        base: The row that the others are divided by; None where values stand for themselves.
        rows: The values of all rounds, by candidate.
        sizes: Of what grows, its sizes: then each row is a curve with a value for each of them.
    """

    key: str
    title: str
    unit: str
    base: str | None
    rows: dict[str, list[float]]
    sizes: tuple[float, ...] = ()


@dataclass
class Report:
    """Collects tables, prints each at once, and knows what was missed.

    Attributes:
        quick: Whether fewer rounds are run.
        tables: All tables, as they are written.
        skipped: What is not measured, and why.
        missed: The bounds that do not hold.
        seconds: How long each group took.
    """

    quick: bool = False
    tables: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def choose(self, full: T, quick: T) -> T:
        """Give one for all of it, or the other for a quick run."""
        return quick if self.quick else full

    def skip(self, why: str) -> None:
        """Tell that something is not measured."""
        self.skipped.append(why)
        print(f"\nnot measured: {why}", flush=True)

    def add(self, table: Table) -> None:
        """Take a table, and print it."""
        if not table.rows:
            return
        told = _curves(table) if table.sizes else [self._row(table, name) for name in table.rows]
        self.tables.append(
            {"key": table.key, "title": table.title, "unit": table.unit, "base": table.base, "rows": told}
            | ({"sizes": list(table.sizes)} if table.sizes else {})
        )
        print(_printed(table, told), flush=True)

    def _row(self, table: Table, name: str) -> dict[str, Any]:
        values = table.rows[name]
        lower, middle, upper = figures.quartiles(values)
        row: dict[str, Any] = {"name": name, "median": middle, "quartiles": [lower, upper], "rounds": len(values)}
        if table.base in table.rows:
            divided = figures.quartiles(figures.ratios(values, table.rows[table.base]))
            row |= {"ratio": divided[1], "ratio_quartiles": [divided[0], divided[2]]}
        row["bounds"] = [self._checked(table, name, bound) for bound in bounds.of(table.key, name)]
        return row

    def _checked(self, table: Table, name: str, bound: bounds.Bound) -> dict[str, Any]:
        base = bound.base or table.base
        told: dict[str, Any] = {"bound": str(bound)}
        if base is not None and base not in table.rows:
            return told | {"value": None, "passed": None}
        values = table.rows[name]
        value = figures.quartiles(values if base is None else figures.ratios(values, table.rows[base]))[1]
        if not bound.holds(value):
            self.missed.append(f"{table.key}: {name} is {value:.2f}, {bound}")
        return told | {"value": value, "passed": bound.holds(value)}

    def write(self, path: Path = RESULTS) -> None:
        """Write all of it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        told = {
            "seconds": self.seconds, "quick": self.quick, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": machine(), "versions": versions(),
            "tables": self.tables, "skipped": self.skipped, "missed": self.missed,
        }  # fmt: skip
        path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _curves(table: Table) -> list[dict[str, Any]]:
    return [
        {"name": name, "values": values, "slope": figures.slope(table.sizes, values)}
        for name, values in table.rows.items()
    ]


def _printed(table: Table, told: list[dict[str, Any]]) -> str:
    if table.sizes:
        sizes = "".join(f"{size:>11,.0f}" for size in table.sizes)
        lines = [f"{row['name']:36}" + "".join(f"{value:>11,.1f}" for value in row["values"]) for row in told]
        return "\n".join([f"\n{table.title} ({table.unit})", f"{'':36}{sizes}", *lines])
    several = any(row["rounds"] > 1 for row in told)
    lines = [
        f"\n{table.title:54}{table.unit:>11}{'quartiles' if several else '':>26}{'ratio' if table.base else '':>8}"
    ]
    for row in told:
        lower, upper = row["quartiles"]
        spread = f"{lower:,.2f} to {upper:,.2f}" if several else ""
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
        line = f"{row['name']:54}{row['median']:>11,.2f}{spread:>26}{ratio:>8}"
        lines.append("  ".join([line, *map(_verdict, row["bounds"])]).rstrip())
    return "\n".join(lines)


def _verdict(checked: dict[str, Any]) -> str:
    if checked["passed"] is None:
        return f"{checked['bound']}: not measured"
    return checked["bound"] if checked["passed"] else f"{checked['bound']}: MISSED ({checked['value']:.2f})"


def machine() -> dict[str, Any]:
    """Tell on what machine this runs."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = {line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")}
    return {
        "processor": ", ".join(sorted(models)) or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.release(),
        "python": sys.version.split()[0],
    }


def versions() -> dict[str, dict[str, str]]:
    """Tell the versions of what is measured, in each environment that is there."""
    own = {name: metadata.version(name) for name in PACKAGES if _installed(name)}
    made = {name: environments.versions(name) for name in environments.names() if environments.ready(name)}
    return {"this process": own} | {
        name: {package: version for package, version in listed.items() if package in PACKAGES}
        for name, listed in made.items()
    }


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
