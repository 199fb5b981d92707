"""What Google's exporter writes of real calls is what the files for Cloud Monitoring ask for."""

import re
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from typing import Any, get_args

import pytest
from google.api.metric_pb2 import MetricDescriptor
from opentelemetry.exporter import cloud_monitoring
from opentelemetry.sdk.metrics import MeterProvider

from cxfulfill import Context, OpenTelemetry, Webhook
from cxfulfill.cli.runbook import RUNBOOK
from cxfulfill.records import Outcome
from tests.clock import Clock
from tests.docs.cloud_monitoring import (
    ALERTS,
    CHARTS,
    CONDITIONS,
    DASHBOARD,
    PAGE,
    QUERIES,
    FakeMetricServiceClient,
    Query,
    of_chart,
    of_condition,
    provider_of,
)
from tests.docs.pages import snippets
from tests.otel.support import body_of
from tests.otel.test_spans import BlockingStore
from tests.pipeline.support import LIMIT, SOON, app_b, basic, post, raises

pytestmark = pytest.mark.filterwarnings("ignore:CloudMonitoringMetricsExporter is deprecated")

RUN = {"service_name": "hotel", "service_namespace": "production", "service_instance_id": "i-1", "cloud_region": "r"}


def webhook_of(provider: MeterProvider, **options: Any) -> Webhook:
    return Webhook(**{"auth": app_b(), "telemetry": OpenTelemetry(meter_provider=provider), **options})


def healthy(provider: MeterProvider) -> None:
    with closing(webhook_of(provider)) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        assert post(webhook, body_of("hello")).status == 200


def fails(provider: MeterProvider) -> None:
    with closing(webhook_of(provider)) as webhook:
        webhook.add_handler("hello", raises(ValueError()))
        assert post(webhook, body_of("hello")).status == 500


def refuses(provider: MeterProvider) -> None:
    with closing(webhook_of(provider)) as webhook:
        assert post(webhook, body_of("hello"), headers={"Authorization": basic("cx:old")}).status == 401


def hangs(provider: MeterProvider, **options: Any) -> None:
    """A handler that is late, and one call more while it still runs."""
    released = threading.Event()
    with closing(webhook_of(provider, **options)) as webhook:
        webhook.add_handler("slow", lambda ctx: str(released.wait(LIMIT)), timeout=SOON)
        late = post(webhook, body_of("slow"))
        more = post(webhook, body_of("slow", "t-2" if options else "t"))
        released.set()
    assert (late.reason, more.reason) == ("deadline", "overloaded" if options else "in_progress")


def fails_to_store(provider: MeterProvider) -> None:
    store = BlockingStore()
    store.fails = True
    with closing(webhook_of(provider, idempotency=store)) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        post(webhook, body_of("hello"))


def is_slow(provider: MeterProvider) -> None:
    clock = Clock()

    def handler(ctx: Context) -> str:
        clock.seconds += 4.25
        return "Hello."

    with closing(webhook_of(provider, clock=clock)) as webhook:
        webhook.add_handler("hello", handler)
        assert post(webhook, body_of("hello")).status == 200


def is_large(provider: MeterProvider) -> None:
    with closing(webhook_of(provider)) as webhook:
        webhook.add_handler("hello", lambda ctx: "x" * 60_000)
        assert post(webhook, body_of("hello")).status == 200


CAUSES: dict[str, Callable[[MeterProvider], None]] = {
    "failed": fails, "refused": refuses, "deadline": hangs, "overloaded": partial(hangs, max_in_flight=1),
    "store": fails_to_store, "slow": is_slow, "size": is_large,
}  # fmt: skip


def exported(*causes: Callable[[MeterProvider], None], **attributes: str) -> FakeMetricServiceClient:
    """Make calls of some kinds, and give what Google would be sent of them."""
    fake = FakeMetricServiceClient()
    provider = provider_of(fake, **(RUN | attributes))
    for cause in causes:
        cause(provider)
    provider.force_flush()
    kept = list(fake.series)
    provider.shutdown()
    fake.series = kept
    return fake


@pytest.fixture(scope="module")
def one_call() -> FakeMetricServiceClient:
    return exported(healthy)


def test_one_call_makes_every_metric_and_label_known(one_call: FakeMetricServiceClient) -> None:
    resource_labels = set(one_call.series[0].resource.labels)
    for query in QUERIES:
        known = one_call.labels(query.filter.metric)
        named = query.filter.named()
        assert named.pop("resource.type") == [one_call.series[0].resource.type]
        assert named.keys() - {"metric.type"} <= known, query
        for label in query.by:
            place, _, key = label.rpartition(".")
            assert key in {"metric.label": known, "resource.label": resource_labels}[place], query
    for dashboard_filter in DASHBOARD["dashboardFilters"]:
        known = resource_labels
        if dashboard_filter["filterType"] == "METRIC_LABEL":
            known = set.intersection(*(one_call.labels(metric) for metric in one_call.descriptors))
        assert dashboard_filter["labelKey"] in known


def test_every_metric_is_shown(one_call: FakeMetricServiceClient) -> None:
    shown = {query.filter.metric for chart in CHARTS.values() for query in of_chart(chart)}
    assert shown == one_call.descriptors.keys()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
def test_what_is_computed_fits_the_kind(query: Query, one_call: FakeMetricServiceClient) -> None:
    descriptor = one_call.descriptors[query.filter.metric]
    assert descriptor.metric_kind == MetricDescriptor.CUMULATIVE
    if query.reducer.startswith("REDUCE_PERCENTILE_"):
        assert (descriptor.value_type, query.aligner) == (MetricDescriptor.DISTRIBUTION, "ALIGN_DELTA")
    else:
        assert query.reducer == "REDUCE_SUM"
        assert query.aligner in ("ALIGN_RATE", "ALIGN_DELTA")
        assert descriptor.value_type in (MetricDescriptor.INT64, MetricDescriptor.DOUBLE)


def test_every_value_in_a_filter_can_come(one_call: FakeMetricServiceClient) -> None:
    known = {
        "cxfulfill_reason": set(RUNBOOK), "cxfulfill_outcome": set(get_args(Outcome)),
        "http_response_status_code": {str(entry.status) for entry in RUNBOOK.values()},
        "cxfulfill_stage": {each.metric.labels["cxfulfill_stage"] for each in one_call.series} - {""},
    }  # fmt: skip
    for query in QUERIES:
        for key, values in query.filter.named().items():
            assert key.endswith(".type") or set(values) <= known[key], query


def test_a_series_begins_before_its_point(one_call: FakeMetricServiceClient) -> None:
    for each in one_call.series:
        [point] = each.points
        assert point.interval.start_time < point.interval.end_time


def test_processes_write_series_of_their_own() -> None:
    one, two, same = exported(healthy), exported(healthy, service_instance_id="i-2"), exported(healthy)
    assert not one.keys() & two.keys()
    assert one.keys() == same.keys()
    assert len(one.keys()) == len(one.series)


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        (RUN, "generic_task"),
        (RUN | {"cloud_platform": "gcp_cloud_run", "faas_instance": "0a1b"}, "generic_task"),
        ({"service_name": "hotel"}, "generic_node"),
        (RUN | {"cloud_platform": "gcp_kubernetes_engine", "k8s_container_name": "webhook"}, "k8s_container"),
        (RUN | {"cloud_platform": "gcp_compute_engine"}, "gce_instance"),
    ],
)
def test_the_resource_is_the_one_that_the_page_tells(attributes: dict[str, str], kind: str) -> None:
    fake = FakeMetricServiceClient()
    provider = provider_of(fake, **attributes)
    healthy(provider)
    provider.shutdown()
    assert {each.resource.type for each in fake.series} == {kind}
    assert f"`{kind}`" in PAGE.read_text(encoding="utf-8")
    if kind == "generic_task":
        assert {each.resource.labels["task_id"] for each in fake.series} == {"i-1"}


def percentile(fake: FakeMetricServiceClient, query: Query) -> float:
    """Estimate a percentile as Google does: evenly within a bucket."""
    [series] = [each for each in fake.series if query.filter.matches(each)]
    told = series.points[0].value.distribution_value
    [bucket] = [place for place, number in enumerate(told.bucket_counts) if number]
    bounds = [0.0, *told.bucket_options.explicit_buckets.bounds]
    share = int(query.reducer.rpartition("_")[2]) / 100
    return float(bounds[bucket] + share * (bounds[bucket + 1] - bounds[bucket]))


def total(fake: FakeMetricServiceClient, query: Query) -> float:
    values = [each.points[0].value for each in fake.series if query.filter.matches(each)]
    return float(sum(value.int64_value + value.double_value for value in values))


def exceeds(fake: FakeMetricServiceClient, condition: Mapping[str, Any]) -> bool:
    """Tell whether a condition sees what it is for; a number of calls already where it is one."""
    query, *below = of_condition(condition)
    limit = float(condition["conditionThreshold"]["thresholdValue"])
    if query.reducer != "REDUCE_SUM":
        return percentile(fake, query) > limit
    if below:
        return total(fake, query) / total(fake, below[0]) > limit
    return total(fake, query) > 0


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_sees_its_cause_and_no_healthy_call(name: str, one_call: FakeMetricServiceClient) -> None:
    fake = exported(CAUSES[name])
    assert all(exceeds(fake, condition) for condition in CONDITIONS[name])
    assert not any(exceeds(one_call, condition) for condition in CONDITIONS[name])


@pytest.mark.parametrize("name", ALERTS)
def test_a_share_is_one_of_a_whole(name: str) -> None:
    fake = exported(healthy, *CAUSES.values())
    for condition in CONDITIONS[name]:
        query, *below = of_condition(condition)
        for whole in below:
            assert (query.aligner, query.reducer, query.by, query.period) == (
                whole.aligner, whole.reducer, whole.by, whole.period,
            )  # fmt: skip
            parts = [each for each in fake.series if query.filter.matches(each)]
            assert parts
            assert all(whole.filter.matches(each) for each in parts)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> FakeMetricServiceClient:
    fake = FakeMetricServiceClient()
    real = cloud_monitoring.CloudMonitoringMetricsExporter
    monkeypatch.setattr(cloud_monitoring, "CloudMonitoringMetricsExporter", partial(real, client=fake))  # type: ignore[arg-type]
    for name, value in {
        "K_SERVICE": "hotel", "GOOGLE_CLOUD_PROJECT": "hotel-1", "GOOGLE_CLOUD_REGION": "europe-west1",
        "CX_PASSWORD": "a-long-random-password",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return fake


def test_the_page_s_application_sends_what_the_files_ask_for(deployed: FakeMetricServiceClient) -> None:
    webhook = snippets(PAGE)["webhook"]
    credential = {"Authorization": basic("cx-agent:a-long-random-password")}
    assert post(webhook, body_of("hello"), headers=credential).said == "Hello!"
    assert deployed.series == []
    webhook.close()
    assert {query.filter.metric for query in QUERIES} == deployed.descriptors.keys()
    [resource] = {(each.resource.type, *sorted(each.resource.labels.items())) for each in deployed.series}
    kind, *labels, (last, instance) = resource
    assert kind == "generic_task"
    assert labels == [("job", "hotel"), ("location", "europe-west1"), ("namespace", "production")]
    assert last == "task_id"
    assert re.fullmatch(r"[0-9a-f]{32}", instance)
