"""The plan in commands of ``gcloud``: which steps a setting needs, in order."""

from collections.abc import Iterator
from textwrap import TextWrapper
from typing import Final

from cxfulfill.scaffold.deploy import mutual_tls, private, service, stores
from cxfulfill.scaffold.deploy.console import in_cx
from cxfulfill.scaffold.deploy.setting import Access, Setting
from cxfulfill.scaffold.deploy.shell import Step

_WIDTH: Final = 110
_HEAD: Final = """\
# A plan for {what}, made by cxfulfill deploy plan. Nothing has been run.
# Read it. Then run its commands one after the other, without the line "set"; or keep it in a file and run that with
# bash: it stops at the first command that fails. What is there already makes a "create" fail: leave that one out.
set -euo pipefail
"""


def plan(setting: Setting) -> str:
    """Write the plan.

    Args:
        setting: The setting.

    Returns:
        Commands, with comments that explain them.
    """
    kind = "the Cloud Function" if setting.access == Access.FUNCTION else "the Cloud Run service"
    parts = [_HEAD.format(what=f"{kind} {setting.service}")]
    for number, step in enumerate(steps(setting), 1):
        commands = "".join(f"{each}\n" for each in step.commands)
        parts.append(f"\n# {number}. {step.title}\n{comment(step.why)}{commands}")
    return "".join(parts)


def comment(text: str) -> str:
    """Write text as lines of comment.

    Args:
        text: The text, a paragraph a line; one that begins with spaces is a command, and stays on its line.

    Returns:
        The lines.
    """
    paragraphs = text.splitlines()
    below = "  " if len(paragraphs) > 1 else ""
    wrap = TextWrapper(_WIDTH, subsequent_indent=below, break_long_words=False, break_on_hyphens=False).wrap
    lines = (line for each in paragraphs for line in ([each] if each.startswith("  ") else wrap(each) or [""]))
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def steps(setting: Setting) -> Iterator[Step]:
    """Choose the steps.

    Args:
        setting: The setting.

    Yields:
        The steps, in the order in which they are done.
    """
    if setting.access == Access.FUNCTION:
        yield from service.service_agent(setting)
        yield from service.invoker(setting)
        yield from service.cx_account(setting)
        yield from in_cx(setting)
        return
    yield service.apis(setting)
    yield from service.service_agent(setting)
    yield service.account(setting)
    yield from service.secrets(setting)
    yield from stores.store(setting)
    yield service.deploy(setting)
    yield from service.invoker(setting)
    yield from private.service_directory(setting)
    yield from mutual_tls.load_balancer(setting)
    yield from service.cx_account(setting)
    yield from in_cx(setting)
