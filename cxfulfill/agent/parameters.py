"""Rules on the parameters that handlers read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from cxfulfill.agent.calls import Call
from cxfulfill.agent.findings import Finding
from cxfulfill.agent.flows import Fulfillment, Page
from cxfulfill.agent.inspected import Inspected
from cxfulfill.agent.replies import Targets, Written, written_by
from cxfulfill.agent.types import Given, bare, field_shapes, fits, refused_values, written
from cxfulfill.agent.ways import Key, Ways
from cxfulfill.deferral import parameter_of
from cxfulfill.parameters.base import Schema
from cxfulfill.parameters.shapes import Shape
from cxfulfill.table import Entry


@dataclass(frozen=True)
class _Reads:
    """What a handler reads.

    Attributes:
        schema: The schema of its parameters.
    """

    schema: Schema

    @cached_property
    def required(self) -> dict[str, frozenset[str]]:
        """The names that a required parameter goes by, by the first of them."""
        synonyms = self.schema.synonyms
        return {
            name: frozenset({name, *(other for other, first in synonyms.items() if first == name)})
            for name, is_required in self.schema.wire_names().items()
            if is_required
        }

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """What its fields read."""
        return dict(field_shapes(self.schema))


def check_parameters(inspected: Inspected) -> Iterator[Finding]:
    """Check that parameters are set on the ways to the places that call, and are of the handler's types.

    Args:
        inspected: What is checked.

    Yields:
        CX301 to CX303.
    """
    reads = {key: _Reads(target.schema) for key, target in inspected.targets.items() if target.schema and target.names}
    wanted = {name for each in reads.values() for name in (*each.schema.names, *each.required)}
    if not wanted:
        return
    ways = Ways(inspected.agent, _Answers(inspected), wanted)
    for call, entries in inspected.handlers.items():
        if len(entries) == 1 and id(entries[0]) in reads:
            yield from _call(inspected, ways, call, reads[id(entries[0])])


def _call(inspected: Inspected, ways: Ways, call: Call, reads: _Reads) -> Iterator[Finding]:
    before = ways.given(call.pages, call.fulfillment, on_arrival=call.what == "entry", intent=call.intent)
    if before is None:
        return
    by_name: dict[str, list[Given]] = {}
    for given in before:
        by_name.setdefault(given.name, []).append(given)
    for name, names in reads.required.items():
        if names.isdisjoint(by_name):
            problem = f"The handler of {call.tag!r} requires {name!r}, which nothing sets on the way here."
            yield Finding("CX301", call.place, f"{call.tag} {name}", problem, call.file)
    for name, shape in reads.shapes.items():
        for given in sorted(by_name.get(name, ()), key=lambda each: (each.kind, each.is_list)):
            yield from _type(inspected, call, given, shape)


def _type(inspected: Inspected, call: Call, given: Given, shape: Shape) -> Iterator[Finding]:
    sent = written(inspected.agent, given)
    if sent is None:
        return
    about = f"{call.tag} {given.name} {given.kind}"
    kind = f"a list of {given.kind}" if given.is_list else given.kind
    if not fits(shape, sent):
        problem = f"{given.name!r} may be {kind} here, which the handler of {call.tag!r} does not read."
        yield Finding("CX302", call.place, about, problem, call.file)
        return
    own = next((each for each in inspected.agent.entity_types if f"@{each.name}" == given.kind), None)
    refused = refused_values(shape, own.values) if own is not None and not given.is_list else ()
    if refused:
        problem = f"{given.kind} has values for {given.name!r} that the handler refuses, such as {refused[0]!r}."
        yield Finding("CX303", call.place, about, problem, call.file)


class _Answers:
    """What webhooks do to a session, for `Ways`."""

    def __init__(self, inspected: Inspected) -> None:
        self._inspected = inspected
        self._calls = {(id(call.fulfillment)): call for call in inspected.standard_calls}
        self._written: dict[int, Written] = {}
        self._targets = Targets(inspected.agent)

    def __call__(self, fulfillment: Fulfillment, page: Page) -> tuple[Iterable[Given], bool, Iterable[Key]]:
        """See `cxfulfill.agent.ways.Answers`."""
        call = self._calls.get(id(fulfillment))
        if call is None:
            webhook = self._inspected.agent.webhook_of.get(fulfillment.webhook)
            if webhook is None:  # nothing is called
                return (), False, ()
            names = [bare(name) for name in webhook.mapping]
            return map(Given, names), not webhook.is_flexible, ()
        entries = self._inspected.handlers[call]
        written = [self._of(entry) for entry in entries]
        names = [name for each in written for name in each.names]
        names += [parameter_of(call.tag)] * any(entry.deferral is not None for entry in entries)
        return map(Given, names), any(each.is_open for each in written), self._targets.of(entries, page.flow)

    def _of(self, entry: Entry) -> Written:
        if id(entry) not in self._written:
            invocation = self._inspected.targets[id(entry)].invocation
            parts = [written_by(function) for function in (entry.options.function.call, *invocation.middleware)]
            names = frozenset[str]().union(*(part.names for part in parts))
            self._written[id(entry)] = Written(names, any(part.is_open for part in parts))
        return self._written[id(entry)]
