"""``make bench``: every figure as a ratio to its rival, measured in turns in one run."""

import sys

from benchmarks import (
    imports,
    in_process,
    parameters,
    records,
    redis_store,
    retries,
    served,
    stores,
    telemetry,
    tokens,
)

BOUNDS = {
    "plain WSGI": 1.0, "create_app": 1.6, "import cxfulfill, time": 0.8, "Google ID token": 1.5,
    "SqliteStore": 1.5, "RedisStore": 1.5, "with de-duplication": 1.15,
    "with a record": 1.1, "with a record as text": 1.25, "with a record as JSON": 1.25,
    "with JSON records": 1.1, "with OpenTelemetry": 1.25, "against bare spans and measurements": 1.25,
    "pydantic model": 1.15, "marshmallow against pydantic": 2.0,
}  # fmt: skip


missed: list[str] = []


def row(name: str, value: str, ratio: float) -> None:
    if ratio > BOUNDS.get(name, ratio):
        missed.append(name)
    bound = f"at most {BOUNDS[name]:.2f}" if name in BOUNDS else ""
    print(f"{name:40}{value:>14}{ratio:8.2f}  {bound}")


def table(title: str, values: dict[str, float], base: str) -> None:
    if values:
        print(f"\n{title:40}{'us':>14}{'ratio':>8}")
    for name, value in values.items():
        row(name, f"{value:.1f}", value / values[base])


def main() -> None:
    calls = in_process.measure()
    base = calls["hand-written Flask"]
    print(f"{'one call in process':40}{'us':>14}{'ratio':>8}")
    for name, value in calls.items():
        row(name, f"{value:.1f}", value / base)
    verified = tokens.measure()
    base = verified["Basic"] + verified["bare RSA verification"]
    print(f"\n{'against Basic + a bare RSA verification':40}{'us':>14}{'ratio':>8}")
    for name, value in verified.items():
        row(name, f"{value:.1f}", value / base)
    table("against the same call without", retries.measure(), "without de-duplication")
    table("against the same call without", records.measure(), "without a record")
    traced = telemetry.measure()
    table("against the same call without", traced, "without OpenTelemetry")
    row(
        "against bare spans and measurements",
        "",
        traced["all of OpenTelemetry"] / traced["bare spans and measurements"],
    )
    table("a call through gunicorn", served.measure(), "without telemetry")
    typed = parameters.measure()
    table("typed parameters", typed, "without a type")
    row("marshmallow against pydantic", "", typed["marshmallow schema"] / typed["pydantic model"])
    table("acquire and complete", stores.measure(), "raw SQLite commands")
    table("acquire and complete", redis_store.measure(), "raw Redis commands")
    loaded = imports.measure()
    flask_ms, flask_kib = loaded.pop("import flask")
    print(f"\n{'against import flask':40}{'':>14}{'ratio':>8}")
    for statement, (ms, kib) in loaded.items():
        row(f"{statement}, time", f"{ms:.0f}/{flask_ms:.0f} ms", ms / flask_ms)
        row(f"{statement}, memory", f"{kib / 1024:.1f}/{flask_kib / 1024:.1f} MiB", kib / flask_kib)


if __name__ == "__main__":
    main()
    sys.exit(f"missed: {', '.join(missed)}" if missed else 0)
