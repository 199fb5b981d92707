"""How requests reach Firestore: by Google's client for threads, or by its client for event loops."""

import asyncio
from typing import Any, TypeVar

from google.api_core.exceptions import ServiceUnavailable
from google.api_core.retry import AsyncRetry, Retry, if_exception_type
from google.auth.transport.requests import Request
from google.cloud.firestore import AsyncClient, Client

R = TypeVar("R", Retry, AsyncRetry)


def _again(kind: type[R], seconds: float) -> R:
    return kind(if_exception_type(ServiceUnavailable), initial=0.05, maximum=0.2, timeout=seconds / 2)


class InThread:
    """Makes requests in the thread that calls: its method never suspends.

    Args:
        client: Google's client.
    """

    def __init__(self, client: Client) -> None:
        self.client: Any = client

    async def send(self, method: str, request: dict[str, Any], seconds: float) -> Any:
        """See `cxfulfill.idempotency.firestore_requests.Sender.send`."""
        call = getattr(self.client._firestore_api, method)  # noqa: SLF001
        metadata = self.client._rpc_metadata  # noqa: SLF001
        answer = call(request=request, timeout=seconds, retry=_again(Retry, seconds), metadata=metadata)
        return list(answer) if method == "batch_get_documents" else answer


class OnLoop:
    """Makes requests on the event loop that it was made on.

    Args:
        client: Google's client.
    """

    def __init__(self, client: AsyncClient) -> None:
        self.client: Any = client
        self._fetching = asyncio.Lock()

    async def send(self, method: str, request: dict[str, Any], seconds: float) -> Any:
        """See `cxfulfill.idempotency.firestore_requests.Sender.send`."""
        if not self.client._credentials.valid:  # noqa: SLF001
            async with asyncio.timeout(seconds):
                await self._fetch_token()
        call = getattr(self.client._firestore_api, method)  # noqa: SLF001
        metadata = self.client._rpc_metadata  # noqa: SLF001
        answer = await call(request=request, timeout=seconds, retry=_again(AsyncRetry, seconds), metadata=metadata)
        return [each async for each in answer] if method == "batch_get_documents" else answer

    async def _fetch_token(self) -> None:
        """Fetch a token, in a thread: Google's client would do it on the loop."""
        credentials = self.client._credentials  # noqa: SLF001
        async with self._fetching:
            if not credentials.valid:
                await asyncio.to_thread(credentials.refresh, Request())

    async def close(self) -> None:
        """Close the connection."""
        await self.client._firestore_api.transport.close()  # noqa: SLF001
