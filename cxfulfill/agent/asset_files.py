"""Files of entity types, intents and test cases, turned into `cxfulfill.agent.assets`."""

from collections.abc import Iterable

from cxfulfill.agent.assets import EntityType, Intent, TestCase, Turn
from cxfulfill.agent.values import Json, flag, member, members, text, texts


def read_entity_type(file: str, given: Json, entities: Iterable[Json], name: str) -> EntityType:
    """Read an entity type.

    Args:
        file: Its file, from the root of the export.
        given: What is in it.
        entities: What is in the files of its entities, one for each language.
        name: Its name, where the file does not tell it.

    Returns:
        The entity type.
    """
    values = (text(each, "value") for one in entities for each in members(one, "entities"))
    return EntityType(
        name=text(given, "displayName") or name,
        file=file,
        kind=text(given, "kind"),
        values=tuple(dict.fromkeys(filter(None, values))),
        is_open=text(given, "autoExpansionMode") == "AUTO_EXPANSION_MODE_DEFAULT",
    )


def read_intent(file: str, given: Json, name: str) -> Intent:
    """Read an intent.

    Args:
        file: Its file, from the root of the export.
        given: What is in it.
        name: Its name, where the file does not tell it.

    Returns:
        The intent.
    """
    parameters = list(members(given, "parameters"))
    return Intent(
        name=text(given, "displayName") or name,
        id=text(given, "name"),
        file=file,
        parameters={text(each, "id"): text(each, "entityType") for each in parameters if text(each, "id")},
        lists=frozenset(text(each, "id") for each in parameters if flag(each, "isList")),
    )


def read_test_case(file: str, given: Json, name: str) -> TestCase:
    """Read a test case.

    Args:
        file: Its file, from the root of the export.
        given: What is in it.
        name: Its name, where the file does not tell it.

    Returns:
        The test case.
    """
    config = member(given, "testConfig")
    return TestCase(
        name=text(given, "displayName") or name,
        file=file,
        language=text(given, "languageCode"),
        flow=text(config, "flow"),
        page=text(config, "page"),
        tags=texts(given, "tags"),
        turns=tuple(_turn(each) for each in members(given, "testCaseConversationTurns")),
    )


def _turn(given: Json) -> Turn:
    user, agent = member(given, "userInput"), member(given, "virtualAgentOutput")
    said = member(user, "input")
    parameters = agent.get("sessionParameters")
    page = member(agent, "currentPage")
    return Turn(
        # A text that is empty is left out of its object.
        text=text(member(said, "text"), "text") if "text" in said else None,
        event=text(member(said, "event"), "event"),
        digits=text(member(said, "dtmf"), "digits"),
        uses_webhook=flag(user, "isWebhookEnabled") if "isWebhookEnabled" in user else None,
        injected=member(user, "injectedParameters"),
        parameters=parameters if isinstance(parameters, dict) else None,
        intent=text(member(agent, "triggeredIntent"), "name"),
        flow=text(page, "flow") or text(member(agent, "currentFlow"), "name"),
        page=text(page, "name"),
        texts=tuple(each for response in members(agent, "textResponses") for each in texts(response, "text")),
    )
