"""What an agent is to have, as JSON of the REST API, for those who apply it by other means.

Values of variables are not in it: ``${NAME}`` stands for each.
"""

import json
from collections.abc import Mapping

from cxfulfill.agent.plan_environments import OVERRIDES
from cxfulfill.agent.resource_fields import SERVICES, compact
from cxfulfill.agent.resources import Desired, Document, EnvironmentResource


def rest(desired: Desired, names: Mapping[str, str]) -> str:
    """Write it.

    Args:
        desired: What the agent is to have.
        names: Resource names of webhooks that are there, by key.

    Returns:
        JSON: ``parent``, the bodies for its ``webhooks``, and for its ``environments``.
    """
    known = {key: names.get(key) or f"{desired.agent}/webhooks/WEBHOOK_ID" for key in desired.webhooks}
    document = {
        "parent": str(desired.agent),
        "webhooks": [
            compact({"name": names[key], **webhook.document()} if key in names else webhook.document())
            for key, webhook in desired.webhooks.items()
        ],
        "environments": [_environment(each, known) for each in desired.environments],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def overrides_of(environment: EnvironmentResource, names: Mapping[str, str]) -> Document:
    """Write the overrides of an environment.

    Args:
        environment: The environment.
        names: Resource names of webhooks, by key.

    Returns:
        ``webhookConfig`` of the environment.
    """
    listed = []
    for key, webhook in environment.overrides.items():
        document = webhook.document()
        services = {name: document[name] for name in SERVICES if name in document}
        listed.append({"name": names[key], "displayName": webhook.display_name, **compact(services)})
    return {OVERRIDES[1]: listed}


def _environment(environment: EnvironmentResource, names: Mapping[str, str]) -> Document:
    document = environment.document()
    if environment.overrides:
        document[OVERRIDES[0]] = overrides_of(environment, names)
    return document
