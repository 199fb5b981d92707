"""Why a service is deployed in the way that its plan says."""

from collections.abc import Iterator

from cxfulfill.scaffold.deploy.setting import Access, Setting


def reasons(setting: Setting) -> Iterator[str]:
    """Tell why the service is deployed in this way.

    Args:
        setting: The setting.

    Yields:
        Lines.
    """
    yield from _who_may_call(setting)
    if setting.custom_audiences:
        yield (
            "custom audiences: CX's token is for the whole URL, and Cloud Run accepts only its own URL without a path "
            "otherwise. It would answer 401, and no line of it would be in the webhook's log."
        )
    yield (
        f"concurrency: {setting.workers} x {setting.threads}, workers times threads; more calls would wait inside "
        "for a thread, where no other instance takes them."
    )
    if setting.min_instances:
        yield f"min-instances: {setting.min_instances} stays, at its price; else the first call waits for a cold start."
    else:
        yield "min-instances: none stays; the first call after a pause waits for a cold start, which CX may not do."
    if setting.cpu_boost:
        yield "cpu-boost: more CPU while an instance starts, so that cold starts are shorter."
    if setting.background:
        yield (
            f"no-cpu-throttling: {', '.join(setting.background)} may work on behind the answer (a deferred job, or a "
            "result that comes late and answers the retry); with throttling that stands still, and is lost."
        )
    else:
        yield "cpu-throttling: paid by the call; right as long as nothing is deferred and no handler has a time limit."
    if not setting.has_shared_store:
        yield (
            "max-instances: 1, since an instance remembers only its own calls; --store redis or firestore lets it grow."
        )
    yield "startup-probe: a revision that cannot reach its store or its keys gets no calls."


def _who_may_call(setting: Setting) -> Iterator[str]:
    if setting.access == Access.INTERNAL:
        yield (
            "ingress internal: only from inside, which an agent of the same project or of the same VPC "
            "Service Controls "
            "perimeter is; every other one gets 404. Cloud Run checks the token of those that get in."
        )
    elif setting.is_checked_by_platform:
        yield (
            "no-allow-unauthenticated: Cloud Run refuses callers without run.invoker before they cost "
            "anything; without "
            "this, CloudRunIam would believe tokens that nobody has checked."
        )
    elif setting.access == Access.PUBLIC:
        yield (
            f"no-invoker-iam-check: anybody reaches the service, and the webhook itself asks for "
            f"{setting.policy}. With "
            "the check Cloud Run would take the token's signature away, and the webhook refuse it. (This needs no role "
            "for allUsers, which many organizations forbid; no-allow-unauthenticated says that none is given.)"
        )
    else:
        yield (
            f"ingress {setting.ingress}: without it the address in run.app leads around "
            f"what stands in front. The webhook itself asks for {setting.policy}."
        )
