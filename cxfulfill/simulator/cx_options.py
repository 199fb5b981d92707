"""What a test says of a call."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Final, TypedDict, get_args

from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.caller import Fault
from cxfulfill.simulator.pages import SessionPage
from cxfulfill.simulator.simulator import Input
from cxfulfill.simulator.turns import Intent, Sentiment, Turn

_OF_TURN: Final = ("sentiment", "payload")


class Options(TypedDict, total=False):
    """What a call may have besides its tag.

    Attributes:
        parameters: Session parameters that are set before, as presets of a fulfillment do; None removes one.
        page: Where the session is then: a display name, id, full name, or page.
        form: Values of the form on that page, by parameter; None is an empty one.
        collect: Values that the turn fills the form with; they are ``justCollected``.
        queued: Static messages of the fulfillment that come before the answer: texts, or messages as JSON.
        intent: The intent that the user's words match: its display name, or an `Intent` with parameters.
        sentiment: The sentiment of the words.
        payload: ``QueryParameters.payload`` of this turn.
        same_turn: Whether it goes on in the turn of the call before, as the entry fulfillment of the next page does.
        fault: What happens to the answer on its way: ``lost`` breaks the connection, ``late`` lets CX give up; CX then
            repeats the call by itself, with the same bytes.
        faults: To how many attempts it happens; more than the caller's ``retries`` and CX has no answer at all.
    """

    parameters: Mapping[str, Any]
    page: SessionPage | str
    form: Mapping[str, Any]
    collect: Mapping[str, Any]
    queued: Iterable[Mapping[str, Any] | str]
    intent: Intent | str
    sentiment: Sentiment
    payload: Mapping[str, Any]
    same_turn: bool
    fault: Fault
    faults: int


def input_of(tag: str, turn: Turn | None, options: Options) -> Input:
    """Make the call of what a test says.

    Args:
        tag: The tag.
        turn: What the user does; None for nothing.
        options: What else is said.

    Returns:
        The call.

    Raises:
        ConfigurationError: There is no such option, the turn is none, or something new is said in one that goes on.
    """
    _check(turn, options)
    intent = options.get("intent")
    said = turn or Turn()
    changed: dict[str, Any] = {name: options[name] for name in _OF_TURN if name in options}
    if intent is not None:
        changed["intent"] = intent if isinstance(intent, Intent) else Intent(intent)
    if options.get("same_turn") and (changed or turn is not None):
        raise ConfigurationError("same_turn goes on in the turn of the call before, so that nothing new is said in it")
    return Input(
        tag=tag,
        turn=None if options.get("same_turn") else replace(said, **changed),
        parameters=options.get("parameters", {}),
        page=options.get("page"),
        form=options.get("form"),
        collected=options.get("collect", {}),
        queued=options.get("queued", ()),
    )


def fault_of(options: Options) -> tuple[Fault, int]:
    """Read what happens to the answers of a call.

    Args:
        options: What a test says of it.

    Returns:
        The fault, and to how many attempts it happens.

    Raises:
        ConfigurationError: There is no such fault, or only a number of them.
    """
    fault, faults = options.get("fault", "none"), options.get("faults", 1)
    known = get_args(Fault)
    if fault not in known:
        raise ConfigurationError(f"fault= is one of {', '.join(known)}")
    if "fault" not in options and "faults" in options:
        raise ConfigurationError("faults= is how often fault= happens, and there is none: fault='lost' or fault='late'")
    if faults < 1:
        raise ConfigurationError("faults= is at least 1")
    return fault, faults


def _check(turn: object, options: Options) -> None:
    """Refuse what would otherwise be taken for nothing, so that a test with a misspelt name passes by mistake."""
    if not isinstance(turn, Turn | None):
        raise ConfigurationError("the second argument is a Turn; parameters, page and the like are named: parameters=")
    for name in options:
        if name not in Options.__annotations__:
            near = get_close_matches(name, Options.__annotations__, 1)
            meant = f"; did you mean {near[0]}=?" if near else f", but {', '.join(Options.__annotations__)}"
            raise ConfigurationError(f"a call has no option {name}={meant}")
