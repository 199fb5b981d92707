"""What Google's exporter makes of the metrics, and what the files for Cloud Monitoring ask for."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.api.metric_pb2 import MetricDescriptor
from opentelemetry.exporter.cloud_monitoring import CloudMonitoringMetricsExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from tests.docs.pages import ROOT

_PART = re.compile(
    r'(?P<what>(?:metric|resource)\.type|metric\.labels\.\w+)(?P<not>!?)=(?:"(?P<one>[^"]*)"|one_of\((?P<some>[^)]*)\))'
)


class FakeMetricServiceClient:
    """Stands for Google's client, and keeps what it is given."""

    def __init__(self) -> None:
        self.descriptors: dict[str, MetricDescriptor] = {}
        self.series: list[Any] = []

    def common_project_path(self, project: str) -> str:
        return f"projects/{project}"

    def create_metric_descriptor(self, request: Any) -> MetricDescriptor:
        made = request.metric_descriptor
        assert made.type not in self.descriptors
        self.descriptors[made.type] = made
        return made

    def create_time_series(self, request: Any) -> None:
        assert len(request.time_series) <= 200, "the most that Google takes at once"
        self.series += request.time_series

    def labels(self, metric: str) -> set[str]:
        """The labels of a metric, as its descriptor names them."""
        return {label.key for label in self.descriptors[metric].labels}

    def keys(self) -> set[tuple[Any, ...]]:
        """What tells the time series apart."""
        return {
            (each.metric.type, *sorted(each.metric.labels.items()), *sorted(each.resource.labels.items()))
            for each in self.series
        }


def provider_of(fake: FakeMetricServiceClient, **attributes: str) -> MeterProvider:
    """Make a real provider with Google's exporter, whose resource has these attributes alone."""
    exporter = CloudMonitoringMetricsExporter(project_id="hotel-1", client=fake)  # type: ignore[arg-type]
    reader = PeriodicExportingMetricReader(exporter)
    resource = Resource({key.replace("_", "."): value for key, value in attributes.items()})
    return MeterProvider([reader], resource, shutdown_on_exit=False)


@dataclass(frozen=True)
class Filter:
    """A monitoring filter: comparisons that must all hold."""

    text: str

    def parts(self) -> Iterator[tuple[str, bool, list[str]]]:
        """Give for each comparison what it looks at, whether it must hold, and the values."""
        for part in self.text.split(" AND "):
            found = _PART.fullmatch(part)
            assert found, f"{part} is no comparison that this test knows"
            values = [found["one"]] if found["some"] is None else re.findall(r'"([^"]*)"', found["some"])
            yield found["what"], not found["not"], values

    def named(self) -> dict[str, list[str]]:
        """The values by what they are compared with; of a label its bare key."""
        return {what.removeprefix("metric.labels."): values for what, _, values in self.parts()}

    @property
    def metric(self) -> str:
        [metric] = self.named()["metric.type"]
        return metric

    def matches(self, series: Any) -> bool:
        """Tell whether a time series is one that the filter selects."""
        found: Mapping[str, str] = series.metric.labels
        known = {"metric.type": series.metric.type, "resource.type": series.resource.type}
        return all(
            (known.get(what, found.get(what.removeprefix("metric.labels."))) in values) is holds
            for what, holds, values in self.parts()
        )


@dataclass(frozen=True)
class Query:
    """What one line of a chart, or one side of a condition, asks for."""

    filter: Filter
    aligner: str
    reducer: str
    by: tuple[str, ...]
    period: str
    where: str


def query_of(text: str, aggregation: Mapping[str, Any], where: str) -> Query:
    return Query(
        Filter(text), aggregation["perSeriesAligner"], aggregation["crossSeriesReducer"],
        tuple(aggregation.get("groupByFields", ())), aggregation["alignmentPeriod"], where,
    )  # fmt: skip


def of_chart(widget: Mapping[str, Any]) -> Iterator[Query]:
    """Give the queries of a chart."""
    for each in widget["xyChart"]["dataSets"]:
        query = each["timeSeriesQuery"]
        ratio = query.get("timeSeriesFilterRatio", {})
        for part in (query.get("timeSeriesFilter"), ratio.get("numerator"), ratio.get("denominator")):
            if part:
                yield query_of(part["filter"], part["aggregation"], widget["title"])


def of_condition(condition: Mapping[str, Any]) -> Iterator[Query]:
    """Give the queries of a condition: what is counted, and where there is a ratio what it is divided by."""
    told = condition["conditionThreshold"]
    yield query_of(told["filter"], told["aggregations"][0], condition["displayName"])
    if "denominatorFilter" in told:
        yield query_of(told["denominatorFilter"], told["denominatorAggregations"][0], condition["displayName"])


PAGE = ROOT / "docs/operate/monitoring.md"
TEXT = PAGE.read_text(encoding="utf-8")
DASHBOARD: dict[str, Any] = json.loads(PAGE.with_suffix("").joinpath("dashboard.json").read_text(encoding="utf-8"))
ALERTS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(PAGE.with_suffix("").glob("alerts/*.json"))
}
TILES = DASHBOARD["mosaicLayout"]["tiles"]
CHARTS = {tile["widget"]["title"]: tile["widget"] for tile in TILES if "xyChart" in tile["widget"]}
[NOTE] = [tile["widget"]["text"]["content"] for tile in TILES if "text" in tile["widget"]]
CONDITIONS = {name: alert["conditions"] for name, alert in ALERTS.items()}
QUERIES: list[Query] = [
    *(query for chart in CHARTS.values() for query in of_chart(chart)),
    *(query for conditions in CONDITIONS.values() for each in conditions for query in of_condition(each)),
]
