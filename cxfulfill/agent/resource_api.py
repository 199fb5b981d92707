"""The services of Dialogflow CX that keep webhooks and environments (extra ``agent``)."""

import logging
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Final, Literal, TypeVar

from cxfulfill.agent.resource_fields import Path, compact, written
from cxfulfill.agent.resources import Document
from cxfulfill.errors import ConfigurationError, CxFulfillError
from cxfulfill.protocol.names import AgentName

Version = Literal["v3", "v3beta1"]
"""Of the API."""

TIME_LIMIT: Final = 30.0
"""Seconds for one call."""
PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between the attempts of a call that is answered with 429 or 503."""
OPERATION_PAUSE: Final = 2.0
"""Seconds between two looks at an operation that runs."""
OPERATION_LOOKS: Final = 150

_PASSING: Final = frozenset({"RESOURCE_EXHAUSTED", "UNAVAILABLE"})
"""Statuses that are 429 and 503 over HTTP."""
_CONFLICTS: Final = frozenset({"ABORTED", "ALREADY_EXISTS", "NOT_FOUND"})
_HOST: Final = "dialogflow.googleapis.com"
_NO_CREDENTIALS: Final = (
    "there are no credentials of Google: gcloud auth application-default login, or name a key file in "
    "GOOGLE_APPLICATION_CREDENTIALS"
)
T = TypeVar("T")


class ApiRefusal(CxFulfillError):
    """The API has refused a call.

    Attributes:
        code: The status of gRPC, such as ``NOT_FOUND``.
        message: What the API says of it, which may repeat what it was sent.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def is_conflict(self) -> bool:
        """Whether the resource is another one than was read, so that it makes sense to read it again."""
        return self.code in _CONFLICTS


def endpoint(location: str) -> str:
    """Name the host that serves an agent.

    Args:
        location: The agent's location.

    Returns:
        The regional endpoint; for ``global`` the one without a region.
    """
    return _HOST if location == "global" else f"{location}-{_HOST}"


class AgentApi:
    """Webhooks and environments of one agent, as REST JSON.

    Args:
        agent: The agent.
        version: The API's version.
        channel: The gRPC channel; by default one to the agent's region, with the application default credentials.
        sleep: Waits for seconds.

    Raises:
        ConfigurationError: The extra is not installed, or there are no credentials.
    """

    def __init__(
        self,
        agent: AgentName,
        version: Version = "v3",
        *,
        channel: Any = None,
        sleep: Callable[[float], Any] = time.sleep,
    ) -> None:
        self.agent = agent
        self._sleep = sleep
        try:
            # By name: whoever imports this module does not depend on the package.
            self._package: Any = import_module(f"google.cloud.dialogflowcx_{version}")
            self._exceptions: Any = import_module("google.api_core.exceptions")
            self._json: Any = import_module("google.protobuf.json_format")
        except ImportError:
            raise ConfigurationError.for_extra("cxfulfill agent", "agent") from None
        self._webhooks = self._client(self._package.WebhooksClient, channel)
        self._environments = self._client(self._package.EnvironmentsClient, channel)

    def webhooks(self) -> list[Document]:
        """List the agent's webhooks.

        Returns:
            Each as a document.

        Raises:
            ApiRefusal: That is refused.
        """
        return self._listed(self._webhooks.list_webhooks)

    def environments(self) -> list[Document]:
        """List the agent's environments.

        Returns:
            Each as a document.

        Raises:
            ApiRefusal: That is refused.
        """
        return self._listed(self._environments.list_environments)

    def create_webhook(self, document: Document) -> Document:
        """Make a webhook.

        Args:
            document: The webhook.

        Returns:
            The webhook as it is.

        Raises:
            ApiRefusal: That is refused.
        """
        webhook = self._message(document, self._package.Webhook)
        made = self._call(self._webhooks.create_webhook, parent=str(self.agent), webhook=webhook)
        return self._document(made)

    def update_webhook(self, document: Document, fields: Iterable[Path]) -> Document:
        """Change a webhook.

        Args:
            document: The webhook, with its name.
            fields: What is changed.

        Returns:
            The webhook as it is.

        Raises:
            ApiRefusal: That is refused.
        """
        webhook = self._message(document, self._package.Webhook)
        return self._document(self._call(self._webhooks.update_webhook, webhook=webhook, update_mask=_mask(fields)))

    def delete_webhook(self, name: str) -> None:
        """Delete a webhook that nothing in the agent refers to; one that is not there is no error.

        Args:
            name: Its resource name.

        Raises:
            ApiRefusal: That is refused, as where a fulfillment calls it.
        """
        try:
            self._call(self._webhooks.delete_webhook, name=name)
        except ApiRefusal as error:
            if error.code != "NOT_FOUND":
                raise

    def create_environment(self, document: Document) -> Document:
        """Make an environment, and wait until it is there.

        Args:
            document: The environment.

        Returns:
            The environment as it is.

        Raises:
            ApiRefusal: That is refused, or takes too long.
        """
        environment = self._message(document, self._package.Environment)
        begun = self._call(self._environments.create_environment, parent=str(self.agent), environment=environment)
        return self._document(self._ended(begun))

    def update_environment(self, document: Document, fields: Iterable[Path]) -> Document:
        """Change an environment, and wait until that is done.

        Args:
            document: The environment, with its name.
            fields: What is changed.

        Returns:
            The environment as it is.

        Raises:
            ApiRefusal: That is refused, or takes too long.
        """
        environment = self._message(document, self._package.Environment)
        begun = self._call(self._environments.update_environment, environment=environment, update_mask=_mask(fields))
        return self._document(self._ended(begun))

    def _client(self, kind: Any, channel: Any) -> Any:
        logger = f"{kind.__module__.removesuffix('.client')}.transports.grpc"
        logging.getLogger(logger).addFilter(_without_messages)
        if channel is not None:
            return kind(transport=kind.get_transport_class("grpc")(channel=channel))
        from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415 - as above

        try:
            return kind(client_options={"api_endpoint": endpoint(self.agent.location)})
        except DefaultCredentialsError:
            raise ConfigurationError(_NO_CREDENTIALS) from None

    def _listed(self, method: Callable[..., Any]) -> list[Document]:
        # A page that is refused is asked for again with those before it.
        listed = self._patiently(lambda: list(method(parent=str(self.agent), **_limits())))
        return [self._document(each) for each in listed]

    def _call(self, method: Callable[..., T], **arguments: Any) -> T:
        return self._patiently(lambda: method(**arguments, **_limits()))

    def _patiently(self, call: Callable[[], T]) -> T:
        for pause in PAUSES:
            try:
                return self._translated(call)
            except ApiRefusal as error:
                if error.code not in _PASSING:
                    raise
            self._sleep(pause)
        return self._translated(call)

    def _translated(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except self._exceptions.GoogleAPICallError as error:
            raise ApiRefusal(getattr(error.grpc_status_code, "name", "UNKNOWN"), error.message) from None

    def _ended(self, operation: Any) -> Any:
        for _ in range(OPERATION_LOOKS):
            if self._patiently(operation.done):
                return self._translated(operation.result)
            self._sleep(OPERATION_PAUSE)
        raise ApiRefusal("DEADLINE_EXCEEDED", "the operation still runs; look at the environment, then apply again")

    def _message(self, document: Document, kind: Any) -> Any:
        return kind.wrap(self._json.ParseDict(compact(document), kind.pb()()))

    def _document(self, message: Any) -> Document:
        made: Document = self._json.MessageToDict(type(message).pb(message))
        if "name" not in made:
            raise ApiRefusal("UNKNOWN", "the API has given a resource without a name")
        return made


def _mask(fields: Iterable[Path]) -> dict[str, list[str]]:
    return {"paths": [written(path) for path in fields]}


def _limits() -> dict[str, Any]:
    return {"timeout": TIME_LIMIT, "retry": None}


def _without_messages(record: logging.LogRecord) -> bool:
    # At its debug level Google's client logs whole messages, and with them passwords.
    return not (hasattr(record, "request") or hasattr(record, "response"))
