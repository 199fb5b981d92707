"""Asking the user again, where parameters of the current page's form do not fit."""

from cxfulfill.context import Context
from cxfulfill.errors import ParameterError
from cxfulfill.reply import Reply


def reprompt(ctx: Context, error: ParameterError) -> bytes | None:
    """Answer that the agent is to ask again for the parameters that do not fit.

    Each gets the state ``INVALID`` and its session parameter is removed, so that the agent prompts for it; what the
    schema says about it is the prompt.

    Args:
        ctx: The call.
        error: What does not fit.

    Returns:
        The answer; None where something else than parameters of the form does not fit: asking again cannot mend that.
    """
    names = list(dict.fromkeys(name for name, _ in error.problems))
    others = [name for name in names if name not in ctx.form]
    if others:
        error.note = f"the user is not asked again: the current page's form has no {', no '.join(others)}"
        return None
    prompts = dict.fromkeys(error.messages[name] for name in names if name in error.messages)
    return Reply(*prompts, invalid=names).response.encode()
