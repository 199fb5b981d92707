"""Coroutines that are begun at once, and handlers on a server's event loop, which are begun so."""

import asyncio
import contextvars
import gc
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

import anyio
import pytest

from cxfulfill import Context
from cxfulfill.begun import Begun
from cxfulfill.loops import ServersLoop
from tests.pipeline.test_idempotency import App, call
from tests.pipeline.test_store_on_loop import answer, turns

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")


def on_a_loop(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


async def gives(value: int) -> int:
    return value


async def fails() -> None:
    raise KeyError("canary")


async def waits(future: "asyncio.Future[int]") -> int:
    try:
        return await future
    except asyncio.CancelledError:
        return -1


def begun(coroutine: Coroutine[Any, Any, Any]) -> Begun[Any]:
    made = Begun(coroutine)
    made.begin()
    return made


def test_what_waits_for_nothing_is_over_with_its_first_step() -> None:
    assert (begun(gives(5)).is_over, begun(gives(5)).result()) == (True, 5)
    with pytest.raises(KeyError):
        begun(fails()).result()


def test_who_awaits_it_or_a_task_goes_on_where_it_is() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for begin in (begun, Begun):
            assert await begin(gives(5)) == 5
            assert await loop.create_task(begin(gives(5))) == 5
            with pytest.raises(KeyError):
                await begin(fails())
            with pytest.raises(KeyError):
                await loop.create_task(begin(fails()))
            for go_on in (loop.create_task, asyncio.shield):
                future = loop.create_future()
                waiting: Awaitable[int] = go_on(begin(waits(future)))
                loop.call_soon(future.set_result, 6)
                assert await waiting == 6

    on_a_loop(main)


def test_whoever_goes_on_is_not_told_of_an_error_that_was_fetched() -> None:
    async def main() -> None:
        failed = begun(fails())
        with pytest.raises(KeyError):
            failed.result()
        assert await asyncio.get_running_loop().create_task(failed) is None

    on_a_loop(main)


def test_a_task_that_is_cancelled_before_its_own_first_step_cancels_what_it_waits_for() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        task: asyncio.Task[int] = loop.create_task(begun(waits(future)))
        task.cancel()
        assert await task == -1
        assert future.cancelled()

        future = loop.create_future()
        task = loop.create_task(begun(waits(future)))
        future.set_result(6)
        task.cancel()
        assert await task == -1

        over: asyncio.Task[int] = loop.create_task(begun(gives(5)))
        over.cancel()
        await asyncio.wait((over,))
        assert over.cancelled()

    on_a_loop(main)


def test_what_is_cancelled_before_its_task_s_first_step_is_told_why() -> None:
    told: list[Any] = []

    async def waits_and_tells() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError as error:
            told.append(error.args)

    async def main() -> None:
        for reason in (("canary",), ()):
            task: asyncio.Task[None] = asyncio.get_running_loop().create_task(begun(waits_and_tells()))
            task.cancel(*reason)
            await task
        assert told == [("canary",), ()]

    on_a_loop(main)


def test_what_waits_for_nothing_that_a_task_knows_can_be_cancelled_before_its_first_step() -> None:
    class Odd:
        def __await__(self) -> Generator[Any, None, None]:
            yield 5

    async def waits_for_odd() -> None:
        await Odd()

    async def main() -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(begun(waits_for_odd()))
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()

    on_a_loop(main)


def test_a_handler_may_take_the_place_of_one_that_was_begun_in_the_same_turn_of_the_loop() -> None:
    scopes: list[anyio.CancelScope] = []

    async def handler(ctx: Context) -> str:
        for earlier in scopes:
            earlier.cancel()
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            if len(scopes) < 3:
                await anyio.sleep_forever()
        return "Replaced." if scope.cancelled_caught else "Newest."

    async def main() -> None:
        app = App()
        app.webhook.add_handler("t", handler, idempotent=False)
        answers = await asyncio.gather(*(answer(app, call("t")) for _ in range(3)))
        assert [status for status, _ in answers] == [200, 200, 200]
        assert sum(b"Replaced." in body for _, body in answers) == 2
        await asyncio.to_thread(app.close)

    on_a_loop(main)


def test_it_has_the_state_of_its_coroutine_and_is_closed_with_it() -> None:
    async def main() -> None:
        made = Begun(waits(asyncio.get_running_loop().create_future()))
        assert inspect.getcoroutinestate(made) == inspect.CORO_CREATED
        made.begin()
        assert inspect.getcoroutinestate(made) == inspect.CORO_SUSPENDED
        with pytest.raises(KeyError):
            made._coroutine.throw(KeyError)
        made.close()
        assert inspect.getcoroutinestate(made) == inspect.CORO_CLOSED

    on_a_loop(main)


def test_a_handler_has_one_task_and_one_context_of_its_own_from_its_first_line_on() -> None:
    seen: list[Any] = []

    async def handler(ctx: Context) -> str:
        seen.extend([asyncio.current_task(), variable.get()])
        variable.set("handler's")
        async with asyncio.timeout(60):
            await asyncio.sleep(0)
        seen.extend([asyncio.current_task(), variable.get()])
        return "Done."

    async def main() -> None:
        app = App()
        app.webhook.add_handler("not kept", handler, idempotent=False)
        app.webhook.add_handler("kept", handler)
        for tag in ("not kept", "kept"):
            seen.clear()
            variable.set("caller's")
            assert (await answer(app, call(tag)))[0] == 200
            first, before, second, after = seen
            assert first is second is not asyncio.current_task()
            assert (before, after, variable.get()) == ("caller's", "handler's", "caller's")
        await asyncio.to_thread(app.close)

    on_a_loop(main)


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_handler_that_is_cancelled_or_fails_at_once_ends_its_own_call_alone(
    caplog: pytest.LogCaptureFixture, *, idempotent: bool
) -> None:
    async def cancels(ctx: Context) -> str:
        raise asyncio.CancelledError

    async def cancels_itself(ctx: Context) -> str:
        task = asyncio.current_task()
        assert task
        task.cancel()
        await asyncio.sleep(60)
        return "Never."

    async def broken(ctx: Context) -> str:
        raise KeyError("canary")

    async def main() -> None:
        app = App()
        for handler in (cancels, cancels_itself, broken):
            app.webhook.add_handler(handler.__name__, handler, idempotent=idempotent)
        statuses = [(await answer(app, call(tag)))[0] for tag in ("cancels", "cancels_itself", "broken")]
        assert statuses == [500, 503 if idempotent else 500, 500]
        await turns(lambda: len(asyncio.all_tasks()) == 1)
        gc.collect()
        await asyncio.to_thread(app.close)

    on_a_loop(main)
    assert not [record for record in caplog.records if record.name == "asyncio"]
    assert "canary" not in caplog.text


def test_a_handler_may_begin_with_scopes_of_anyio() -> None:
    async def handler(ctx: Context) -> str:
        with anyio.CancelScope() as outer:
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep_forever)
                group.cancel_scope.cancel()
            with anyio.CancelScope():
                outer.cancel()
                await anyio.sleep_forever()
        return "Done." if outer.cancelled_caught else "Never."

    async def main() -> None:
        app = App()
        app.webhook.add_handler("t", handler)
        _, body = await answer(app, call("t"))
        assert b"Done." in body
        await asyncio.to_thread(app.close)

    on_a_loop(main)


def test_a_loop_whose_tasks_are_eager_or_that_calls_without_a_task_begins_them_too() -> None:
    """Python 3.12 has such a factory of tasks."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        served = ServersLoop(loop)

        def eager(
            loop: asyncio.AbstractEventLoop, coroutine: Any, context: contextvars.Context | None = None
        ) -> "asyncio.Future[Any]":
            coroutine.begin()
            return asyncio.Task(coroutine, loop=loop, context=context)

        loop.set_task_factory(eager)
        task, coroutine = served.begin(gives(5))
        assert (await task, coroutine.is_over) == (5, True)
        loop.set_task_factory(None)
        outside: asyncio.Future[int] = loop.create_future()

        def call() -> None:
            assert asyncio.current_task() is None
            outside.set_result(served.begin(gives(6))[1].result())
            assert asyncio.current_task() is None

        loop.call_soon(call)
        assert await outside == 6

    on_a_loop(main)
