"""What the console's page asks for, and what answers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cxfulfill.errors import BadRequest, CxFulfillError
from cxfulfill.protocol.json import loads

InputKind = Literal["text", "transcript", "dtmf", "event", "intent", "none"]
Mode = Literal["once", "retry", "twice", "twice-concurrently", "timeout", "bad-credential"]
Export = Literal["pytest", "curl"]
MAX_TEXT: Final = 65_536
"""Characters that a user says at most."""


class ConsoleProblem(CxFulfillError):
    """What the page asks for cannot be done. Its text is a sentence that is shown to the user."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class UserInput(_Body):
    """What the user says or does.

    Attributes:
        kind: How it reaches the agent.
        value: The words, the digits, the event's name or the intent's name; empty for ``none``.
    """

    kind: InputKind
    value: Annotated[str, Field(max_length=MAX_TEXT)] = ""


class TurnRequest(_Body):
    """A turn that is to be played.

    Attributes:
        input: What the user says or does.
        tag: The tag that the webhook is called with.
        parameters: Session parameters that are set before the call; None for none.
        mode: How the call is delivered.
    """

    input: UserInput
    tag: str
    parameters: dict[str, Any] | None = None
    mode: Mode = "once"


class ResendRequest(TurnRequest):
    """A turn that takes the place of an earlier one and of all behind that.

    Attributes:
        number: The number of the earlier turn, from 1.
    """

    number: Annotated[int, Field(ge=1)]


class PageRequest(_Body):
    """The page that the agent is put on.

    Attributes:
        display_name: The page's name.
        form: Values of its form's parameters by name, None for one that is empty; None for no form.
    """

    display_name: str
    form: dict[str, Any] | None = None


class LoadRequest(_Body):
    """A conversation that was saved.

    Attributes:
        text: JSON Lines, as they were saved.
    """

    text: str


class ResetRequest(_Body):
    """A new session; it has no members."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A conversation in another form.

    Attributes:
        filename: A name to save it by.
        text: What is in it.
    """

    filename: str
    text: str


class Backend(Protocol):
    """The conversation behind the page. Its methods are called by several threads, but one at a time.

    Each may raise `ConsoleProblem`.
    """

    def state(self) -> Mapping[str, Any]:
        """Describe the conversation as it stands.

        Returns:
            JSON values: ``app``, ``in_process``, ``tags`` (``tag`` and what narrows it), ``page`` (``name``,
            ``display_name``, ``form``), ``session`` (``name``, ``parameters``, ``language``), ``ended`` and ``turns``.
            A turn has ``number``, ``input``, ``tag``, ``parameters`` and its ``calls``, each of them with what was
            sent, what came back, and what CX makes of that.
        """
        ...

    def turn(self, turn: TurnRequest) -> None:
        """Play a turn, and wait for the webhook.

        Args:
            turn: The turn.
        """
        ...

    def resend(self, turn: ResendRequest) -> None:
        """Go back to before a turn, and play another in its place.

        Args:
            turn: The other one, with the number of the turn.
        """
        ...

    def set_page(self, page: PageRequest) -> None:
        """Put the agent on a page.

        Args:
            page: The page, with its form.
        """
        ...

    def reset(self) -> None:
        """Begin a new session."""
        ...

    def save(self) -> str:
        """Write the conversation as JSON Lines.

        Returns:
            The lines, which `load` takes.
        """
        ...

    def load(self, text: str) -> None:
        """Go on from a conversation that was saved.

        Args:
            text: Its lines.
        """
        ...

    def export(self, form: Export) -> ExportedFile:
        """Write the conversation as a test or as commands.

        Args:
            form: Which of them.

        Returns:
            The file.
        """
        ...


_BodyT = TypeVar("_BodyT", bound=_Body)


def read_body(kind: type[_BodyT], body: bytes) -> _BodyT:
    """Read what the page sent.

    Args:
        kind: What it is.
        body: The JSON.

    Returns:
        The value.

    Raises:
        ConsoleProblem: It is something else; the sentence names the member, not its value.
    """
    try:
        value = loads(body)
    except BadRequest as error:
        raise ConsoleProblem(error.detail) from None
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the body"
        raise ConsoleProblem(f"{place}: {first['msg']}.") from None
