"""What users of an agent make CX send: requests by tag, and the parameters of a session from turn to turn."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from cxfulfill.errors import BadRequest, ConfigurationError
from cxfulfill.protocol import json as strict
from cxfulfill.simulator import wire
from cxfulfill.simulator.session import Session, new_id
from cxfulfill.simulator.state import NOTHING
from cxfulfill.simulator.values import doubles

_INPUTS: Final = frozenset({"text", "transcript", "triggerIntent", "triggerEvent", "dtmfDigits"})


@dataclass(frozen=True, slots=True)
class Kind:
    """Calls of one tag.

    Attributes:
        tag: The tag.
        weight: How often it is chosen, against the others.
        documents: WebhookRequests with this tag, of which each is as likely.
    """

    tag: str
    weight: float
    documents: tuple[Mapping[str, Any], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mix:
    """What is called how often.

    Attributes:
        kinds: At least one.
    """

    kinds: tuple[Kind, ...]

    def choose(self, rng: Random) -> tuple[str, Mapping[str, Any]]:
        """Choose a call.

        Args:
            rng: Where chance comes from.

        Returns:
            Tag and request.
        """
        [kind] = rng.choices(self.kinds, [kind.weight for kind in self.kinds])
        return kind.tag, rng.choice(kind.documents)


def mix_of(weights: Mapping[str, float], requests: Iterable[Mapping[str, Any]] = ()) -> Mix:
    """Put calls together.

    Args:
        weights: Weights by tag; none for each request as often as the others.
        requests: WebhookRequests; one is made for a tag that none of them has.

    Returns:
        The mix.

    Raises:
        ConfigurationError: There is neither.
    """
    by_tag: dict[str, list[Mapping[str, Any]]] = {}
    for request in requests:
        by_tag.setdefault(request["fulfillmentInfo"]["tag"], []).append(request)
    chosen = weights or {tag: float(len(documents)) for tag, documents in by_tag.items()}
    if not chosen:
        raise ConfigurationError("there is nothing to call: neither a tag nor a request is given")
    return Mix(tuple(Kind(tag, weight, tuple(by_tag.get(tag) or [_made(tag)])) for tag, weight in chosen.items()))


def read_requests(path: Path) -> list[Mapping[str, Any]]:
    """Read WebhookRequests.

    Args:
        path: A JSON file, or a folder of them.

    Returns:
        The requests, by the names of their files.

    Raises:
        ConfigurationError: A file cannot be read, or is no WebhookRequest with a tag; or there is none.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise ConfigurationError(f"{path.name} has no file *.json")
    return list(map(_read, files))


class Conversation:
    """A user's session: requests are put into it, and answers change its parameters.

    Args:
        new_id: Makes ids that were never there before.
    """

    def __init__(self, new_id: Callable[[], str] = new_id) -> None:
        self._session = Session(new_id=new_id)
        self._turns = 0

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The session parameters."""
        return self._session.state.parameters

    def turn(self, request: Mapping[str, Any]) -> bytes:
        """Make a call of this session out of a request.

        What the request gives as session parameters is what the user says in this turn, and so wins over those that
        are there. Where it has no words of the user, it gets some that differ from turn to turn.

        Args:
            request: The WebhookRequest.

        Returns:
            Its body, in this session and a turn of its own.
        """
        session, given = self._session, request.get("sessionInfo") or {}
        session.begin(NOTHING)
        self._write(given)
        above, slash, _ = (given.get("session") or session.name).rpartition("/")
        info = {**given, "session": f"{above}{slash}{session.id}", "parameters": self.parameters}
        document = {**request, "detectIntentResponseId": session.state.response_id, "sessionInfo": info}
        self._turns += 1
        if not _INPUTS & document.keys():
            document["text"] = f"turn {self._turns}"
        return wire.dumps(document)

    def hear(self, answer: Mapping[str, Any]) -> None:
        """Merge the session parameters of an answer; null deletes.

        Args:
            answer: The WebhookResponse; parts of another form are passed over.
        """
        self._write(answer.get("sessionInfo"))

    def _write(self, info: Any) -> None:
        given = info.get("parameters") if isinstance(info, Mapping) else None
        if isinstance(given, Mapping):
            self._session.state = self._session.state.written(given)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        document = doubles(strict.loads(file.read_bytes()))
    except OSError as error:
        raise ConfigurationError(f"{file.name} cannot be read: {error.strerror}") from None
    except BadRequest as error:
        raise ConfigurationError(f"{file.name} is no JSON that CX would send: {error.reason}") from None
    except OverflowError:
        raise ConfigurationError(f"{file.name} has a number beyond the range of a double") from None
    problem = _problem(document)
    if problem:
        raise ConfigurationError(f"{file.name} is no WebhookRequest to send: {problem}")
    read: Mapping[str, Any] = document
    return read


def _problem(document: Any) -> str:
    if not isinstance(document, dict):
        return "it is no JSON object"
    info, session = document.get("fulfillmentInfo"), document.get("sessionInfo", {})
    tag = info.get("tag") if isinstance(info, dict) else None
    if not isinstance(tag, str) or not tag:
        return "fulfillmentInfo.tag is no text"
    if not isinstance(session, dict):
        return "sessionInfo is no object"
    if not isinstance(session.get("session", ""), str):
        return "sessionInfo.session is no text"
    return "" if isinstance(session.get("parameters", {}), dict) else "sessionInfo.parameters is no object"


def _made(tag: str) -> Mapping[str, Any]:
    return {"fulfillmentInfo": {"tag": tag}, "languageCode": "en"}
