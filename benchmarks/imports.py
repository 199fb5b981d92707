"""Import time and memory, each in a fresh interpreter."""

import os
import subprocess
import sys

_PROBE = """
import resource, time
{before}
def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
def processor():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before, started = resident(), processor()
{statement}
print(processor() - started, resident() - before)
"""
SERVER = "import gunicorn.app.wsgiapp, gunicorn.arbiter, gunicorn.workers.gthread"
"""What each process of gunicorn has loaded, and others need in part too."""
MODEL = "from pydantic import BaseModel\nclass Model(BaseModel):\n    field: int"
PARTS = "from cxfulfill import BasicAuth, Context, Reply, Webhook"
ENTITIES = "import cxfulfill.parameters.entities"
GOOGLE = (
    "from cxfulfill import GoogleIdToken\nGoogleIdToken(audience='https://hotel.example/webhook', project_number=1)"
)
APPLICATION = "from benchmarks import workload\nwebhook = workload.application(workload.basic())"
STEPS: dict[str, tuple[str, str]] = {
    "import flask": ("", "import flask"),
    "import cxfulfill": ("", "import cxfulfill"),
    "from cxfulfill import Webhook": ("", "from cxfulfill import Webhook"),
    "behind gunicorn: import flask": (SERVER, "import flask"),
    "behind gunicorn: pydantic with a model": (SERVER, MODEL),
    "behind these: Webhook, Context, Reply, BasicAuth": (f"{SERVER}\n{MODEL}", PARTS),
    "behind these: entities": (f"{SERVER}\n{MODEL}\n{PARTS}", ENTITIES),
    "behind these: GoogleIdToken": (f"{SERVER}\n{MODEL}\n{PARTS}", GOOGLE),
    "behind these: create_app": (f"{SERVER}\n{MODEL}\n{PARTS}", "import cxfulfill.server.flask"),
    "behind these: check()": (f"{SERVER}\n{APPLICATION}", "webhook.check()"),
}
"""What is loaded already, and what is measured, by name."""


def probe(before: str, statement: str) -> tuple[float, float]:
    """Run a statement in an interpreter of its own.

    Args:
        before: What is run before it, and not measured.
        statement: The statement.

    Returns:
        Milliseconds of processor time, and KiB.
    """
    program = _PROBE.format(before=before, statement=statement)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True
    )  # fmt: skip
    seconds, kib = done.stdout.split()
    return float(seconds) * 1e3, float(kib)


def measure(rounds: int = 15) -> dict[str, list[tuple[float, float]]]:
    """Take the steps in turns.

    Returns:
        Milliseconds and KiB by name.
    """
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in STEPS}
    for _ in range(rounds):
        for name, (before, statement) in STEPS.items():
            results[name].append(probe(before, statement))
    return results
