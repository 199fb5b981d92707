"""Flask: an application of its own, a blueprint for an existing one, and a Cloud Functions target."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any
from uuid import uuid4

import flask
from flask.blueprints import BlueprintSetupState
from flask.helpers import get_debug_flag

from cxfulfill.errors import ConfigurationError, InternalError
from cxfulfill.http import HttpRequest, HttpResponse, problem_response
from cxfulfill.paths import Paths
from cxfulfill.pipeline import HEALTH_PATH, READY_PATH
from cxfulfill.runtime import Threads
from cxfulfill.server.wsgi import StartResponse, Unread, WsgiApp, path_of, read_environ
from cxfulfill.webhook import Webhook

_log = logging.getLogger("cxfulfill")
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT")


def create_app(*webhooks: Webhook, import_name: str = "cxfulfill") -> flask.Flask:
    """Make a Flask application that serves one webhook or several.

    The webhooks' own paths, those of their flexible handlers, ``/health`` and ``/ready`` are answered in front of
    Flask's dispatch: Flask's ``before_request`` functions do not run for them, and handlers run in an application
    context (so ``flask.current_app`` works), not in a request context. Every other path is Flask's.

    Args:
        webhooks: The webhooks, each with a path of its own.
        import_name: Flask's import name.

    Returns:
        The application.

    Raises:
        ConfigurationError: There is no webhook, or two have one path, also of flexible handlers; or this is a debug
            server where callers from outside come in.
    """
    _refuse_debug(debug=get_debug_flag())
    if not webhooks:
        raise ConfigurationError("create_app needs a webhook")
    _refuse_shared_paths(webhooks)
    app = flask.Flask(import_name, static_folder=None)
    apps = {webhook: WsgiApp(_handler(webhook, app)) for webhook in webhooks}
    flexible = _Flexible(apps)
    served = {webhook.path: own for webhook, own in apps.items()}
    served |= dict.fromkeys((HEALTH_PATH, READY_PATH), WsgiApp(lambda http: _probe(webhooks, http)))
    inner = app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if app.debug and _is_exposed():  # it can be set at any time
            return _NO_DEBUG(environ, start_response)
        own = served.get(environ.get("PATH_INFO", "")) or flexible.find(environ)
        if own is not None:
            return own(environ, start_response)
        return Unread(inner(environ, start_response), environ)

    def unknown_path(_: Exception) -> flask.Response:
        return _to_flask(webhooks[0].handle(read_environ(flask.request.environ)))

    app.register_error_handler(404, unknown_path)
    app.wsgi_app = wsgi_app  # type: ignore[method-assign]
    return app


def blueprint(webhook: Webhook, name: str = "cxfulfill") -> flask.Blueprint:
    """Make a blueprint that serves a webhook in an existing Flask application: its path and its flexible handlers'.

    It is dispatched by Flask: ``before_request`` functions run, plain handlers see ``flask.request``. Watched
    and ``async`` handlers run in another thread, in an application context of their own. The probes are left to
    the application. To register it on a debug server where callers from outside come in is a ConfigurationError.

    Args:
        webhook: The webhook.
        name: The blueprint's name.

    Returns:
        The blueprint.
    """
    result = flask.Blueprint(name, __name__)

    def serve(http: HttpRequest) -> flask.Response:
        app = flask.current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's documented way
        return _to_flask(webhook.handle(http, Threads(webhook.workers, scope=app.app_context)))

    def standard() -> flask.Response:
        return serve(replace(read_environ(flask.request.environ), path=webhook.path))

    result.add_url_rule(webhook.path, "serve", standard, methods=_METHODS)
    result.record(lambda state: _add_flexible(state, webhook, serve))
    result.record_once(lambda state: _refuse_debug(debug=state.app.debug or get_debug_flag()))
    return result


def cloud_function(webhook: Webhook) -> Callable[[flask.Request], flask.Response]:
    """Make a target for Google Cloud Functions and functions-framework.

    A function's URL ends with its name, and the function sees the path ``/``: that is the webhook's path here,
    beside its own.

    Args:
        webhook: The webhook.

    Returns:
        The target: ``main = cloud_function(webhook)``.
    """

    def target(request: flask.Request) -> flask.Response:
        http = read_environ(request.environ)
        return _to_flask(webhook.handle(replace(http, path=webhook.path) if http.path in ("", "/") else http))

    return target


class _Flexible:
    """Which webhook's flexible handler a request is for: the most specific pattern of all of them wins.

    Args:
        apps: What serves each webhook.
    """

    def __init__(self, apps: Mapping[Webhook, WsgiApp]) -> None:
        self._apps = apps

    def find(self, environ: dict[str, Any]) -> WsgiApp | None:
        """Give what serves a request; freezes the webhooks. None where it is for none of them."""
        if not any(any(webhook.routes()) for webhook in self._apps):
            return None
        return self._paths.leads_to(path_of(environ), environ["REQUEST_METHOD"])

    @cached_property
    def _paths(self) -> Paths[WsgiApp]:
        try:
            _refuse_shared_paths(self._apps)
            for webhook in self._apps:
                webhook.check()
        except ConfigurationError as error:  # the webhook's own answer tells it too
            _log.error("not everything can be served: %s", error)
        rows = [(route, app) for webhook, app in self._apps.items() for route in webhook.routes()]
        return Paths((route.pattern.text, route.methods, app) for route, app in rows)


def _refuse_shared_paths(webhooks: Iterable[Webhook]) -> None:
    taken: set[str] = set()
    for webhook in webhooks:
        own = {webhook.path, *(route.pattern.shape for route in webhook.routes())}
        if shared := taken & own:
            raise ConfigurationError(f"two webhooks have the path {min(shared)}")
        taken |= own


def _add_flexible(state: BlueprintSetupState, webhook: Webhook, serve: Callable[[HttpRequest], flask.Response]) -> None:
    prefix = (state.url_prefix or "").rstrip("/")
    patterns = dict.fromkeys(route.pattern.widest for route in webhook.routes())
    if patterns and "<" in prefix:
        raise ConfigurationError("a blueprint with flexible handlers takes no variables in its url_prefix")

    def flexible(**_: Any) -> flask.Response:
        http = read_environ(flask.request.environ)
        path = f"/{http.path.lstrip('/')}"  # as Flask has matched it
        return serve(replace(http, path=path.removeprefix(prefix)))

    for number, text in enumerate(patterns):
        state.add_url_rule(
            text, f"flexible_{number}", flexible, methods=_METHODS, strict_slashes=False, merge_slashes=False
        )


def _is_exposed() -> bool:
    return "K_SERVICE" in os.environ or "gunicorn.arbiter" in sys.modules


def _refuse_debug(*, debug: bool) -> None:
    """Refuse Flask's debug mode and reloader on Cloud Run and under gunicorn: its debugger runs a caller's code."""
    if _is_exposed() and (debug or "WERKZEUG_RUN_MAIN" in os.environ):
        raise ConfigurationError(
            "debug mode and reloader are for flask run on your own machine: unset FLASK_DEBUG and leave out debug=True"
        )


def _no_debug(_: HttpRequest) -> HttpResponse:
    _log.error("Flask's debug mode was switched on where callers from outside come in: nothing is served")
    return problem_response(InternalError(reason="debug_mode"), uuid4().hex, InternalError.status)


_NO_DEBUG = WsgiApp(_no_debug)


def _handler(webhook: Webhook, app: flask.Flask) -> Callable[[HttpRequest], HttpResponse]:
    threads = Threads(webhook.workers, scope=app.app_context, everywhere=True)
    return lambda http: webhook.handle(http, threads)


def _probe(webhooks: Iterable[Webhook], http: HttpRequest) -> HttpResponse:
    """Answer a probe for several webhooks: the first one that is not well speaks for all."""
    answers = [webhook.handle(http) for webhook in webhooks]
    return next((answer for answer in answers if answer.status != 200), answers[0])


def _to_flask(response: HttpResponse) -> flask.Response:
    return flask.Response(response.body, response.status, list(response.headers))
