"""A server on 127.0.0.1 that speaks the method of Google's Secret Manager, with the messages of its own package."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.cloud.secretmanager_v1 import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretManagerServiceClient,
    SecretPayload,
)
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from tests.pipeline.support import LIMIT

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
NAME = "projects/hotel-1/secrets/cx-webhook/versions/3"
NEXT_NAME = "projects/hotel-1/secrets/cx-webhook/versions/4"


class SecretManagerServer:
    """Answers with what is in ``versions``: a payload, or the status that the real service gives.

    Attributes:
        versions: Payloads and statuses by name of the version.
        calls: The names that were asked for, in order.
        hangs: Whether answers are held back until the server closes.
        client: A client of the package's own.
    """

    def __init__(self) -> None:
        self.versions: dict[str, bytes | grpc.StatusCode] = {}
        self.calls: list[str] = []
        self.hangs = False
        self._closing = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(4))
        access = grpc.unary_unary_rpc_method_handler(
            self._access,
            request_deserializer=AccessSecretVersionRequest.deserialize,
            response_serializer=AccessSecretVersionResponse.serialize,
        )
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, {"AccessSecretVersion": access}),)
        )
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.client = SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=self._channel))

    def _access(self, request: AccessSecretVersionRequest, context: Any) -> AccessSecretVersionResponse:
        self.calls.append(request.name)
        if self.hangs:
            self._closing.wait(LIMIT)
        found = self.versions.get(request.name, grpc.StatusCode.NOT_FOUND)
        if not isinstance(found, bytes):
            context.abort(found, f"{request.name}: {found.name}")
        return AccessSecretVersionResponse(name=request.name, payload=SecretPayload(data=found))

    def stop(self) -> None:
        """Go down, as a service that nobody answers for."""
        self._closing.set()
        self._server.stop(grace=None).wait(LIMIT)

    def close(self) -> None:
        self.stop()
        self._channel.close()
