"""A server on 127.0.0.1 that speaks the methods of CX that keep webhooks and environments, with its own messages."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.longrunning import operations_pb2
from google.protobuf import any_pb2
from google.protobuf.json_format import MessageToDict, ParseDict

from cxfulfill.agent.resource_api import AgentApi, Version
from cxfulfill.protocol.names import AgentName
from tests.pipeline.support import LIMIT

AGENT = AgentName("hotel-1", "europe-west1", "agent-1")
Status = grpc.StatusCode
PAGE = 2
"""Resources on a page of a list."""


class CxServer:
    """Keeps what it is told, as the real services do.

    Attributes:
        webhooks: Webhooks by name, as REST JSON.
        environments: Environments by name.
        calls: Method and what it was about, in order.
        failures: What becomes of the next calls of a method: a status, or a function that runs before the call.
        shows_secrets: Whether passwords are shown; clients' secrets never are.
        running: How often an operation is looked at before it is done.
        operation_error: The status that operations end with.
        pauses: What the client has waited for, in seconds.
    """

    def __init__(self, version: Version = "v3") -> None:
        self.version = version
        self.package: Any = import_module(f"google.cloud.dialogflowcx_{version}")
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.environments: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, Any]] = []
        self.failures: dict[str, list[grpc.StatusCode | Callable[[], None]]] = {}
        self.shows_secrets = True
        self.running = 1
        self.operation_error: grpc.StatusCode | None = None
        self.pauses: list[float] = []
        self._operations: dict[str, tuple[int, Any]] = {}
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(2))
        self._server.add_generic_rpc_handlers(tuple(self._services()))
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def api(self) -> AgentApi:
        return AgentApi(AGENT, self.version, channel=self.channel, sleep=self.pauses.append)

    def writes(self) -> list[tuple[str, Any]]:
        return [call for call in self.calls if not call[0].startswith(("List", "Get"))]

    def put_webhook(self, title: str, **members: Any) -> str:
        """What somebody has entered in the console."""
        return str(self._put("webhooks", {"displayName": title, **members})["name"])

    def put_environment(self, title: str, **members: Any) -> str:
        return str(self._put("environments", {"displayName": title, **members})["name"])

    def titled(self, title: str, kind: str = "webhooks") -> dict[str, Any]:
        kept: dict[str, dict[str, Any]] = getattr(self, kind)
        [found] = [each for each in kept.values() if each.get("displayName") == title]
        return found

    def close(self) -> None:
        self.channel.close()
        self._server.stop(grace=None).wait(LIMIT)

    def _services(self) -> Iterator[Any]:
        own = {
            "Webhooks": {
                "ListWebhooks": self._list("webhooks"), "CreateWebhook": self._create_webhook,
                "UpdateWebhook": self._update_webhook, "DeleteWebhook": self._delete_webhook,
            },
            "Environments": {
                "ListEnvironments": self._list("environments"), "CreateEnvironment": self._create_environment,
                "UpdateEnvironment": self._update_environment,
            },
        }  # fmt: skip
        for service, methods in own.items():
            handlers = {name: self._handler(name, method) for name, method in methods.items()}
            full = f"google.cloud.dialogflow.cx.{self.version}.{service}"
            yield grpc.method_handlers_generic_handler(full, handlers)
        get = grpc.unary_unary_rpc_method_handler(
            self._get_operation,
            request_deserializer=operations_pb2.GetOperationRequest.FromString,
            response_serializer=operations_pb2.Operation.SerializeToString,
        )
        yield grpc.method_handlers_generic_handler("google.longrunning.Operations", {"GetOperation": get})

    def _handler(self, name: str, method: Callable[[Any, Any], Any]) -> Any:
        def handle(request: Any, context: Any) -> Any:
            failures = self.failures.get(name, [])
            self.calls.append((name, request))
            failure = failures.pop(0) if failures else None
            if isinstance(failure, grpc.StatusCode):
                context.abort(failure, f"{name}: {failure.name} {request}")
            elif failure is not None:
                failure()
            with self._lock:
                return method(request, context)

        request_type = getattr(self.package, f"{name}Request")
        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=request_type.deserialize,
            response_serializer=_serialized,
        )

    def _list(self, kind: str) -> Callable[[Any, Any], Any]:
        def listed(request: Any, context: Any) -> Any:
            assert request.parent == str(AGENT)
            start = int(request.page_token or 0)
            every = list(getattr(self, kind).values())
            messages = [self._message(kind, self._shown(each)) for each in every[start : start + PAGE]]
            response = getattr(self.package, f"List{kind.capitalize()}Response")
            token = str(start + PAGE) if start + PAGE < len(every) else ""
            return response(**{kind: messages, "next_page_token": token})

        return listed

    def _create_webhook(self, request: Any, context: Any) -> Any:
        return self._message("webhooks", self._shown(self._created("webhooks", request.webhook, context)))

    def _update_webhook(self, request: Any, context: Any) -> Any:
        return self._message("webhooks", self._shown(self._updated("webhooks", request.webhook, request, context)))

    def _delete_webhook(self, request: Any, context: Any) -> Any:
        if request.name not in self.webhooks:
            context.abort(Status.NOT_FOUND, "no such webhook")
        used = [each for each in self.environments.values() if request.name in str(each)]
        if used and not request.force:
            context.abort(Status.FAILED_PRECONDITION, "the webhook is used by an environment")
        del self.webhooks[request.name]
        return import_module("google.protobuf.empty_pb2").Empty()

    def _create_environment(self, request: Any, context: Any) -> Any:
        return self._operation(lambda: self._created("environments", request.environment, context))

    def _update_environment(self, request: Any, context: Any) -> Any:
        return self._operation(lambda: self._updated("environments", request.environment, request, context))

    def _operation(self, done: Callable[[], dict[str, Any]]) -> operations_pb2.Operation:
        name = f"projects/hotel-1/locations/europe-west1/operations/{len(self._operations)}"
        result: Any = self.operation_error
        if result is None:
            result = any_pb2.Any()
            result.Pack(type(message := self._message("environments", self._shown(done()))).pb(message))
        self._operations[name] = (self.running, result)
        return self._state_of(name)

    def _get_operation(self, request: Any, context: Any) -> operations_pb2.Operation:
        self.calls.append(("GetOperation", request))
        left, result = self._operations[request.name]
        self._operations[request.name] = (left - 1, result)
        return self._state_of(request.name)

    def _state_of(self, name: str) -> operations_pb2.Operation:
        left, result = self._operations[name]
        made = operations_pb2.Operation(name=name, done=left <= 0)
        if left <= 0 and isinstance(result, grpc.StatusCode):
            made.error.code, made.error.message = result.value[0], "the operation failed"
        elif left <= 0:
            made.response.CopyFrom(result)
        return made

    def _created(self, kind: str, message: Any, context: Any) -> dict[str, Any]:
        document = self._document(message)
        assert "name" not in document
        self._check_title(kind, document, context)
        return self._put(kind, document)

    def _updated(self, kind: str, message: Any, request: Any, context: Any) -> dict[str, Any]:
        kept = getattr(self, kind)
        if message.name not in kept:
            context.abort(Status.NOT_FOUND, "no such resource")
        target = self._message(kind, kept[message.name])
        source = self._document(message)
        assert request.update_mask.paths, "without a mask every field is written"
        pb = type(target).pb(target)
        for path in request.update_mask.paths:
            _copied(pb, type(message).pb(message), path.split("."))
        assert source["name"] == message.name
        document = MessageToDict(pb)
        self._check_title(kind, document, context)
        kept[message.name] = document
        return document

    def _check_title(self, kind: str, document: dict[str, Any], context: Any) -> None:
        others = [each for each in getattr(self, kind).values() if each["name"] != document.get("name")]
        if document["displayName"] in [each.get("displayName") for each in others]:
            context.abort(Status.ALREADY_EXISTS, "display names are unique")

    def _put(self, kind: str, document: dict[str, Any]) -> dict[str, Any]:
        kept: dict[str, dict[str, Any]] = getattr(self, kind)
        name = f"{AGENT}/{kind}/{len(kept) + len(self.calls)}"
        kept[name] = self._document(self._message(kind, {**document, "name": name}))
        return kept[name]

    def _message(self, kind: str, document: dict[str, Any]) -> Any:
        message_type = self.package.Webhook if kind == "webhooks" else self.package.Environment
        return message_type.wrap(ParseDict(document, message_type.pb()()))

    def _document(self, message: Any) -> dict[str, Any]:
        made: dict[str, Any] = MessageToDict(type(message).pb(message))
        return made

    def _shown(self, value: Any) -> Any:
        if isinstance(value, dict):
            hidden = {"clientSecret"} if self.shows_secrets else {"clientSecret", "password"}
            return {name: self._shown(member) for name, member in value.items() if name not in hidden}
        return [self._shown(each) for each in value] if isinstance(value, list) else value


def _serialized(message: Any) -> bytes:
    is_plain = hasattr(message, "SerializeToString")
    made: bytes = message.SerializeToString() if is_plain else type(message).serialize(message)
    return made


def _copied(target: Any, source: Any, path: list[str]) -> None:
    """Let a field be as in the source, as an update with a field mask does (AIP-134)."""
    for name in path[:-1]:
        target, source = getattr(target, name), getattr(source, name)
        target.SetInParent()
    name = path[-1]
    target.ClearField(name)
    field = target.DESCRIPTOR.fields_by_name[name]
    if field.message_type and field.message_type.GetOptions().map_entry:
        for key in getattr(source, name):
            if field.message_type.fields_by_name["value"].message_type:
                getattr(target, name)[key].CopyFrom(getattr(source, name)[key])
            else:
                getattr(target, name)[key] = getattr(source, name)[key]
    elif field.is_repeated:
        getattr(target, name).extend(getattr(source, name))
    elif field.message_type:
        if source.HasField(name):
            getattr(target, name).CopyFrom(getattr(source, name))
    else:
        setattr(target, name, getattr(source, name))
