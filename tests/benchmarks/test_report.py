"""The report of the benchmarks: ratios, bounds, and what is written."""

import json
from pathlib import Path

import pytest

import benchmarks.__main__
from benchmarks import bounds, candidates
from benchmarks.__main__ import main
from benchmarks.report import Report, Table

RETRIES = "retries"


def table(ours: float, key: str = RETRIES, row: str = "with de-duplication") -> Table:
    return Table(key, "one call", "us", "without", {"without": [10.0, 20.0, 30.0], row: [ours, 2 * ours, 3 * ours]})


def test_a_bound_that_holds_is_no_miss(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.add(table(11.0))
    assert not report.missed
    assert "at most 1.15" in capsys.readouterr().out
    row = report.tables[0]["rows"][1]
    assert (row["median"], row["ratio"]) == (22.0, pytest.approx(1.1))
    assert row["bounds"] == [{"bound": "at most 1.15", "value": pytest.approx(1.1), "passed": True}]


def test_a_bound_that_is_missed_is_told_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.add(table(20.0))
    assert report.missed == ["retries: with de-duplication is 2.00, at most 1.15"]
    assert "at most 1.15: MISSED (2.00)" in capsys.readouterr().out


def test_a_bound_against_a_row_that_was_not_measured_is_neither(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.add(table(1.0, "load 29 KB: processor time a request", candidates.UVICORN))
    assert not report.missed
    assert "Go ezcx, one core: not measured" in capsys.readouterr().out


def test_requests_a_second_have_a_least_ratio() -> None:
    report = Report()
    report.add(table(10.0, "load: requests/s", candidates.SYNC))
    assert report.missed == [f"load: requests/s: {candidates.SYNC} is 1.00, at least 1.10"]


def test_a_table_without_base_is_bounded_by_its_values() -> None:
    report = Report()
    report.add(Table("growth: slopes", "slope", "", None, {"tags, look-up": [0.3]}))
    assert report.missed == ["growth: slopes: tags, look-up is 0.30, at most 0.10"]


def test_curves_are_written_with_their_sizes_and_slopes() -> None:
    report = Report()
    report.add(Table("growth: request", "a call", "us", None, {"ours": [1.0, 10.0]}, (10.0, 100.0)))
    assert report.tables[0]["sizes"] == [10.0, 100.0]
    assert report.tables[0]["rows"] == [{"name": "ours", "values": [1.0, 10.0], "slope": pytest.approx(1.0)}]


def test_the_results_tell_machine_versions_and_all_that_was_measured(tmp_path: Path) -> None:
    report = Report(quick=True)
    report.add(table(20.0))
    report.skip("no wrk")
    report.seconds[RETRIES] = 1.5
    report.write(tmp_path / "results.json")
    told = json.loads((tmp_path / "results.json").read_text())
    assert (told["quick"], told["seconds"], told["skipped"]) == (True, {RETRIES: 1.5}, ["no wrk"])
    assert told["missed"] == report.missed
    assert told["tables"] == report.tables
    assert told["machine"]["cores"] >= 1
    assert told["versions"]["this process"]["cxfulfill"]


def test_no_bound_is_written_down_twice() -> None:
    keys = [(bound.table, bound.row, bound.base) for bound in bounds.BOUNDS]
    assert len(keys) == len(set(keys))


def test_a_group_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "speed"])
    with pytest.raises(SystemExit):
        main()
    assert "there is no group speed" in capsys.readouterr().err


def test_a_group_that_fails_or_cannot_be_measured_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fails(report: Report) -> None:
        raise AssertionError("the candidates must give one answer")

    def skips(report: Report) -> None:
        pytest.skip("wrk is missing")

    monkeypatch.setattr(
        benchmarks.__main__, "GROUPS", {"a": fails, "b": skips, "c": lambda report: report.add(table(11.0))}
    )
    monkeypatch.setattr(benchmarks.__main__, "draw", lambda: None)
    monkeypatch.setattr(Report, "write", lambda self: None)
    monkeypatch.setattr("sys.argv", ["benchmarks"])
    assert main() == "missed:\na ended with AssertionError: the candidates must give one answer"
    out = capsys.readouterr().out
    assert "not measured: b: wrk is missing" in out
    assert "with de-duplication" in out
