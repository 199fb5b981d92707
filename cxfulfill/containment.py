"""What an error ends that is no `Exception`: its call alone, or the thread or task that it was sent to."""

from cxfulfill.late import TriedToEnd


def failure_of(error: BaseException) -> Exception | None:
    """Give what a call has failed with.

    Users' code raises more than exceptions: `asyncio.CancelledError` out of an ``asyncio.run`` of its own, what a
    library has for its panics. It must not end the server, and others' calls with it.

    Args:
        error: What was raised, where it is caught.

    Returns:
        The same; a `TriedToEnd` in place of what is no `Exception`; None for what is to be passed on: the end of the
        worker, or of the task.
    """
    if isinstance(error, Exception):
        return error
    return None if _is_the_end(error) else TriedToEnd.by(error)


def _is_the_end(error: BaseException) -> bool:
    if isinstance(error, GeneratorExit):
        # Of a coroutine that is closed, it begins where the coroutine waits; users' code is called from there.
        return error.__traceback__ is None or error.__traceback__.tb_next is None
    if _is_on_loop():
        # Servers are ended by callbacks of their loops, and not by what is raised in a call's task.
        return is_cancellation(error)
    return isinstance(error, SystemExit | KeyboardInterrupt)  # gunicorn ends a worker so, and Ctrl-C a server


def is_cancellation(error: BaseException) -> bool:
    """Tell whether an error is the one by which an event loop cancels the task that runs here.

    Args:
        error: The error.

    Returns:
        Whether it is; not where the task's own code has raised the same.
    """
    from asyncio import CancelledError, current_task  # noqa: PLC0415 - most calls end without one, or a loop

    if not isinstance(error, CancelledError) or not _is_on_loop():
        return False
    task = current_task()
    return task is not None and task.cancelling() > 0


def _is_on_loop() -> bool:
    from asyncio import _get_running_loop  # noqa: PLC0415 - as above

    return _get_running_loop() is not None
