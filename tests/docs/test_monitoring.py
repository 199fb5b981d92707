"""The files for Cloud Monitoring are Google's messages; their words and numbers are those of page and code."""

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from google.cloud.monitoring_dashboard_v1 import Dashboard
from google.cloud.monitoring_v3 import AlertPolicy
from google.protobuf import json_format

from cxfulfill.cli.line_entries import LINES
from cxfulfill.cli.runbook import RUNBOOK
from cxfulfill.protocol.json import MAX_REPLY_BYTES
from cxfulfill.target import DEFAULT_TIMEOUT
from tests.docs.cloud_monitoring import ALERTS, CHARTS, CONDITIONS, DASHBOARD, NOTE, PAGE, TILES, of_chart, of_condition

TEXT = PAGE.read_text(encoding="utf-8")
OTHER_WORDS = {"failed", "refused", "max_in_flight"}
"""What stands in a text as reasons do, and is none."""


def parsed(kind: Any, told: dict[str, Any]) -> Any:
    """Parse as Google's message, in which nothing may be unknown."""
    return kind(json_format.ParseDict(told, kind.pb()(), ignore_unknown_fields=False))


def test_the_files_are_google_s_messages() -> None:
    assert parsed(Dashboard, DASHBOARD).display_name == "cxfulfill: webhook calls"
    for alert in ALERTS.values():
        policy = parsed(AlertPolicy, alert)
        assert policy.display_name.startswith("cxfulfill: ")
        assert all(condition.condition_threshold.filter for condition in policy.conditions)


def test_what_is_unknown_to_google_would_be_seen() -> None:
    for kind in (Dashboard, AlertPolicy):
        with pytest.raises(json_format.ParseError):
            parsed(kind, {"displayName": "own", "treshold": 1})


def test_every_status_of_a_refused_caller_is_counted() -> None:
    [query] = of_chart(CHARTS["Refused callers (401, 403), by reason"])
    rejected = {str(entry.status) for entry in RUNBOOK.values() if entry.event == "webhook.error.rejected"}
    assert set(query.filter.named()["http_response_status_code"]) == rejected


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_one_that_google_would_take(name: str) -> None:
    alert = ALERTS[name]
    assert "notificationChannels" not in alert
    assert alert["combiner"] == ("AND" if len(alert["conditions"]) > 1 else "OR")
    assert len(alert["documentation"]["content"]) <= 8_192
    for condition in CONDITIONS[name]:
        told = condition["conditionThreshold"]
        assert int(told["duration"].removesuffix("s")) % 60 == 0
        assert told["comparison"] == "COMPARISON_GT"
        assert len(told["aggregations"]) == 1
        assert len(told.get("denominatorAggregations", "-")) == 1
        for query in of_condition(condition):
            assert len(query.filter.text) <= 2_048
            assert query.by[0] == "resource.label.job"


def test_alerts_are_told_apart_and_each_has_a_severity() -> None:
    assert len({alert["displayName"] for alert in ALERTS.values()}) == len(ALERTS)
    assert {alert["severity"] for alert in ALERTS.values()} == {"CRITICAL", "ERROR", "WARNING"}
    assert len({condition["displayName"] for each in CONDITIONS.values() for condition in each}) == len(
        [condition for each in CONDITIONS.values() for condition in each]
    )


def codes(text: str) -> set[str]:
    return set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", text)) - OTHER_WORDS


@pytest.mark.parametrize("name", ALERTS)
def test_the_texts_name_reasons_charts_and_lines_that_there_are(name: str) -> None:
    text = ALERTS[name]["documentation"]["content"]
    assert codes(text)
    assert codes(text) <= RUNBOOK.keys()
    assert "docs/operate/runbook.md" in text
    titles = re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", text)
    assert all(any(title.startswith(each) for title in CHARTS) for each in titles), titles
    for line in re.findall(r"line `([^`]+)`", text):
        assert any(part in line or line in part for part in LINES), line


def test_the_note_names_the_runbook() -> None:
    assert "docs/operate/runbook.md" in NOTE
    assert codes(NOTE) <= RUNBOOK.keys()
    assert set(re.findall(r'reason="(\w+)"', NOTE)) <= RUNBOOK.keys()


def test_tiles_fill_the_width_and_do_not_overlap() -> None:
    cells = [
        {(x, y) for x in range(tile["xPos"], tile["xPos"] + tile["width"])
         for y in range(tile["yPos"], tile["yPos"] + tile["height"])}
        for tile in TILES
    ]  # fmt: skip
    assert not any(one & other for one, other in combinations(cells, 2))
    every = set.union(*cells)
    columns, rows = DASHBOARD["mosaicLayout"]["columns"], max(y for _, y in every) + 1
    assert every == {(x, y) for x in range(columns) for y in range(rows)}
    assert columns == 48
    assert sorted(TILES, key=lambda tile: (tile["yPos"], tile["xPos"])) == TILES


def test_every_chart_has_a_title_of_its_own_and_legends_of_its_labels() -> None:
    assert len(CHARTS) == len(TILES) - 1
    for chart in CHARTS.values():
        assert chart["xyChart"]["yAxis"]["label"]
        for each in chart["xyChart"]["dataSets"]:
            told = each["timeSeriesQuery"].get("timeSeriesFilter")
            by = told["aggregation"].get("groupByFields", []) if told else []
            assert re.findall(r"\$\{(.+?)\}", each["legendTemplate"]) == [f.replace("label.", "labels.") for f in by]
        for threshold in chart["xyChart"].get("thresholds", ()):
            assert threshold.keys() == {"label", "value", "targetAxis"}, "no colour nor direction in a chart of lines"


def lines(title: str) -> list[float]:
    return [each["value"] for each in CHARTS[title]["xyChart"]["thresholds"]]


def limit_of(name: str) -> float:
    return float(CONDITIONS[name][0]["conditionThreshold"]["thresholdValue"])


def test_the_lines_are_the_limits_of_the_code_and_of_the_alerts() -> None:
    for title in CHARTS:
        if title.startswith("Duration"):
            assert lines(title) == [DEFAULT_TIMEOUT, 5]
    assert lines("Size of answers, p99 by route and tag (the ten largest)") == [limit_of("size"), MAX_REPLY_BYTES]
    assert limit_of("size") == int(0.9 * MAX_REPLY_BYTES)
    assert lines("Share of calls that fail") == [limit_of("failed")]
    assert limit_of("slow") < DEFAULT_TIMEOUT


def minutes(seconds: str) -> str:
    number = int(seconds.removesuffix("s")) // 60
    return f"{number} minute{'s' * (number > 1)}"


def opens_at(name: str) -> str:
    """Tell a policy's thresholds, as the page does."""
    parts, times = [], set()
    for condition in CONDITIONS[name]:
        told = condition["conditionThreshold"]
        query, *below = of_condition(condition)
        unit = "round trips" if "round trips" in query.where else "calls"
        times.add((minutes(query.period), minutes(told["duration"])))
        value = told["thresholdValue"]
        if query.reducer != "REDUCE_SUM":
            unit = "s" if query.filter.metric.endswith("duration") else "bytes"
            parts.append(f"p{query.reducer.rpartition('_')[2]} above {value:,} {unit}")
        else:
            parts.append(f"more than {100 * value:g} %" if below else f"more than {value} {unit}")
    [(period, duration)] = times
    return f"{' and '.join(parts)} in {period}, for {duration}"


def test_the_page_has_a_row_for_each_alert_with_its_thresholds() -> None:
    rows = re.findall(r"^\| \[`(\w+)`\]\((\S+)\) \| (\w+) \| .+? \| ([^|]+) \| [^|]+ \|$", TEXT, re.MULTILINE)
    assert {name: (Path(link), severity.upper(), told) for name, link, severity, told in rows} == {
        name: (Path("monitoring/alerts", f"{name}.json"), alert["severity"], opens_at(name))
        for name, alert in ALERTS.items()
    }
    assert len(rows) == len(ALERTS)


def test_the_page_s_reasons_and_charts_are_ones_that_there_are() -> None:
    table = TEXT.partition("## The alerts")[2].partition("\n* ")[0]
    assert codes(table) - ALERTS.keys() <= RUNBOOK.keys()
    assert re.findall(r"seven alerts", TEXT)
    assert len(ALERTS) == 7
    assert "Share of calls that fail" in CHARTS
