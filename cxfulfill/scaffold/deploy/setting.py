"""The setting that a plan is for: where the service runs, who reaches it how, and what it needs."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from cxfulfill.settings.table import BY_VARIABLE, NEXT, PREFIX, SCOPE_MARK, SECRET_FORMS

DEFAULT_PATH: Final = "/webhook"
PLAIN_PATH: Final = re.compile(r"/[A-Za-z0-9._~/-]*")
"""A path that means the same in a shell, in a list and in a URL."""
FILE, MANAGER = SECRET_FORMS[1:]
"""Ends of the variables that name a mounted file, and a version in Secret Manager."""
CX_FIELDS: Final = {
    "BASIC_CREDENTIALS": "secretVersionForUsernamePassword",
    "HEADER_VALUE": "secretVersionsForRequestHeaders",
}
"""Settings whose secret CX reads too, and the field of the webhook in CX that its version goes into."""
_CONTENTS: Final = {"BASIC_CREDENTIALS": "user:password", "HEADER_VALUE": "the header's whole value"}
"""Settings whose secret is more than a password or a key, and what it is."""
_MOUNTS: Final = "/secrets"

Auth = Literal["cloud-run-iam", "google-id-token", "basic", "header", "oauth-jwt", "oauth-introspection"]
Store = Literal["memory", "redis", "firestore"]


class Access(StrEnum):
    """How calls reach the service."""

    IAM = "iam"
    PUBLIC = "public"
    INTERNAL = "internal"
    SERVICE_DIRECTORY = "service-directory"
    MTLS_LB = "mtls-lb"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Secret:
    """A version of a secret, and where the application finds it.

    Attributes:
        target: A variable, or the whole path of a file.
        name: The secret's name.
        version: The version's number.
    """

    target: str
    name: str
    version: str

    @property
    def setting(self) -> str:
        """Which setting of ours it feeds; empty for one of the application's own."""
        known = BY_VARIABLE.get(self._variable)
        return known.name if known is not None else ""

    @property
    def _variable(self) -> str:
        """The variable without prefix and environment; empty where it is none of ours."""
        return self.target.removeprefix(PREFIX).rpartition(SCOPE_MARK)[2] if self.target.startswith(PREFIX) else ""

    @property
    def _form(self) -> str:
        """The end of the variable, which tells how the secret comes."""
        return self._variable.removeprefix(self.setting).removeprefix(NEXT) if self.setting else ""

    @property
    def cx_field(self) -> str:
        """The field in CX that its version goes into; empty where CX does not read it."""
        return CX_FIELDS.get(self.setting, "")

    @property
    def content(self) -> str:
        """What the secret holds, in words."""
        return _CONTENTS.get(self.setting, "the value")

    @property
    def is_next(self) -> bool:
        """Whether it follows the current one during a rotation."""
        return bool(self.setting) and self._variable.removeprefix(self.setting).startswith(NEXT)

    @property
    def path(self) -> str:
        """The file that it is mounted as; empty where it is none."""
        if self.target.startswith("/"):
            return self.target
        return f"{_MOUNTS}/{self.name}/value" if self._form == FILE else ""

    @property
    def is_fetched(self) -> bool:
        """Whether the application fetches it itself."""
        return self._form == MANAGER

    def version_in(self, project: str) -> str:
        """Write the name of the version.

        Args:
            project: The project that holds it.

        Returns:
            The name.
        """
        return f"projects/{project}/secrets/{self.name}/versions/{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The setting.

    Attributes:
        access: How calls reach the service.
        auth: What the application asks of callers, besides a client certificate.
        project: Project of the service.
        project_number: Its number.
        region: Region of the service.
        service: Name of the service, or of the function.
        agent_project: Project of the agent.
        agent_project_number: Its number.
        agent_location: Location of the agent.
        is_old_agent: Whether it was made before 2020-11-01.
        is_same_perimeter: Whether both projects are in one perimeter of VPC Service Controls.
        cx_service_account: The account as which CX calls, where it uses one.
        url: Where CX calls, without a path; None for the service's own address.
        path: Path of the standard webhook.
        fixed_paths: Paths of flexible webhooks without variables in them.
        image: The container's image; None builds the current folder.
        service_account: Name of the account that the service runs as.
        deployer: Who deploys it, as a member of a policy.
        workers: Worker processes.
        threads: Threads in each.
        max_in_flight: Calls that a worker handles at a time; None for no limit.
        cpu: CPUs of an instance.
        memory: Memory of an instance.
        min_instances: Instances that are kept.
        max_instances: Instances at most; None for the platform's own limit.
        cpu_boost: Whether an instance gets more CPU while it starts.
        background: Handlers that work on behind their answer, in words.
        store: Where calls are remembered.
        network: Name of the VPC network.
        subnet: Name of the subnet in the region.
        proxy_range: Addresses for the load balancer's proxies; None where the network has such a subnet.
        firestore_database: The Firestore database.
        client_roots: PEM file of the roots of client certificates.
        secrets: The secrets.
        extra: Further variables and their values.
        reads_environment: Whether the application takes its settings from variables (``Webhook.from_env()``).
        has_flexible: Whether it has flexible webhooks.
        app: ``MODULE:NAME`` of the application; None where it was not asked.
    """

    access: Access
    auth: Auth
    project: str
    project_number: str
    region: str
    service: str
    agent_project: str
    agent_project_number: str
    agent_location: str | None = None
    is_old_agent: bool = False
    is_same_perimeter: bool = False
    cx_service_account: str | None = None
    url: str | None = None
    path: str = DEFAULT_PATH
    fixed_paths: tuple[str, ...] = ()
    image: str | None = None
    service_account: str = ""
    deployer: str = ""
    workers: int = 1
    threads: int = 8
    max_in_flight: int | None = None
    cpu: int = 1
    memory: str = "512Mi"
    min_instances: int = 1
    max_instances: int | None = None
    cpu_boost: bool = True
    background: tuple[str, ...] = ()
    store: Store = "memory"
    network: str | None = None
    subnet: str | None = None
    proxy_range: str | None = None
    firestore_database: str = "(default)"
    client_roots: str | None = None
    secrets: tuple[Secret, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    reads_environment: bool = True
    has_flexible: bool = False
    app: str | None = None

    @property
    def is_other_project(self) -> bool:
        """Whether the agent is in another project than the service."""
        return self.agent_project != self.project

    @property
    def is_checked_by_platform(self) -> bool:
        """Whether Cloud Run checks callers (IAM)."""
        return self.auth == "cloud-run-iam"

    @property
    def service_agent(self) -> str:
        """The account as which the agent's project calls, as a member of a policy."""
        return f"serviceAccount:service-{self.agent_project_number}@gcp-sa-dialogflow.iam.gserviceaccount.com"

    @property
    def identity(self) -> str:
        """E-mail address of the account that the service runs as."""
        return f"{self.service_account}@{self.project}.iam.gserviceaccount.com"

    @property
    def own_url(self) -> str:
        """The service's own address, which its name, project and region make."""
        return f"https://{self.service}-{self.project_number}.{self.region}.run.app"

    @property
    def base(self) -> str:
        """Where CX calls, without a path."""
        return self.url or self.own_url

    @property
    def webhook_url(self) -> str:
        """What is entered in CX for the standard webhook."""
        return self.base + ("" if self.path == "/" else self.path)

    @property
    def audiences(self) -> tuple[str, ...]:
        """What CX's tokens are for: the URLs that are entered there."""
        return tuple(dict.fromkeys([self.webhook_url, *(self.base + path for path in self.fixed_paths)]))

    @property
    def custom_audiences(self) -> tuple[str, ...]:
        """The audiences that Cloud Run accepts only where they are added."""
        added = (each for each in self.audiences if each != self.own_url)
        return tuple(added) if self.is_checked_by_platform else ()

    @property
    def ingress(self) -> str:
        """From where Cloud Run takes calls, as its flag says it."""
        inside = (Access.INTERNAL, Access.SERVICE_DIRECTORY)
        if self.access == Access.MTLS_LB:
            return "internal-and-cloud-load-balancing"
        return "internal" if self.access in inside else "all"

    @property
    def policy(self) -> str:
        """What ``CXFULFILL_AUTH`` says."""
        return f"mtls+{self.auth}" if self.access == Access.MTLS_LB else self.auth

    @property
    def concurrency(self) -> int:
        """Calls that an instance is given at a time: one for each thread of each worker."""
        return self.workers * self.threads

    @property
    def has_shared_store(self) -> bool:
        """Whether several instances remember calls together."""
        return self.store != "memory" or any(each.setting == "STORE" for each in self.secrets)

    @property
    def most_instances(self) -> int | None:
        """Instances at most: one where each would remember its own calls; None for the platform's own limit."""
        return self.max_instances if self.has_shared_store else 1

    @property
    def host(self) -> str:
        """Host of the URL that CX calls."""
        return self.base.removeprefix("https://")
