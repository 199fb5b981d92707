"""What handlers and middleware are, for those who annotate their own."""

from collections.abc import Awaitable, Callable, Generator
from typing import Any

from cxfulfill.context import Context
from cxfulfill.protocol.response import WebhookResponse
from cxfulfill.reply import Reply

Answer = str | Reply | WebhookResponse | None
"""What a handler may return; None is the answer "do nothing"."""

Handler = (
    Callable[[Context], Answer]
    | Callable[[Context], Awaitable[Answer]]
    | Callable[[Context, Any], Answer]
    | Callable[[Context, Any], Awaitable[Answer]]
)
"""``f(ctx)`` or ``f(ctx, params)``, plain or ``async``."""

Lost = Answer | Callable[..., Any]
"""An answer, or a function ``f(ctx)`` that gives one."""

Middleware = Callable[[Any], Generator[None, Answer, Answer]]
"""``def m(call): answer = yield; return None``: a generator function with one yield.

One that is annotated ``Context`` or ``FlexibleContext`` runs around handlers of that kind only.

It runs where the handler runs, plain or ``async``. What the handler returned is sent in, what it raised thrown in. It
returns a replacement, or None to leave the outcome as it is.
"""
