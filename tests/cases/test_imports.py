"""What is loaded when: each module costs every process of everybody some of its start.

The lists are in ``tests/data/imports.txt``, so that a review sees a new one. CXFULFILL_UPDATE_IMPORTS=1 writes
them anew.
"""

import os
import subprocess
import sys
from pathlib import Path

DATA = Path(__file__).parents[1] / "data/imports.txt"
BASE = "from cxfulfill import Context, Reply, Webhook"
"""What every application loads; the lists of those below it hold only what comes on top."""
SERVER = "import gunicorn.app.wsgiapp, gunicorn.arbiter, gunicorn.workers.gthread"
STEPS = {
    "import cxfulfill": "",
    BASE: "",
    "from cxfulfill import AllowUnauthenticated": BASE,
    "from cxfulfill import AllOf, AnyOf, ByEnvironment": BASE,
    "from cxfulfill import BasicAuth": BASE,
    "from cxfulfill import HeaderSecret": BASE,
    "from cxfulfill import GoogleIdToken": BASE,
    "from cxfulfill import CloudRunIam": BASE,
    "from cxfulfill import MutualTls": BASE,
    "from cxfulfill import OAuthJwt": BASE,
    "from cxfulfill import OAuthIntrospection": BASE,
    "from cxfulfill import SecretManager": BASE,
    "from cxfulfill import OpenTelemetry": BASE,
    "import cxfulfill.cloud_logging": BASE,
    "import cxfulfill.parameters.entities": BASE,
    "from cxfulfill.idempotency.urls import open_store; open_store('memory://')": BASE,
    "import cxfulfill.idempotency.sqlite": BASE,
    "import cxfulfill.idempotency.redis": BASE,
    "import cxfulfill.idempotency.firestore": BASE,
    "from cxfulfill.settings.reading import build": BASE,
    "import cxfulfill.server.wsgi": BASE,
    "import cxfulfill.server.asgi, cxfulfill.event_loop": BASE,
    "import cxfulfill.server.flask": BASE,
    "import cxfulfill.server.gunicorn": SERVER,
    "import cxfulfill.server.worker": SERVER,
}
CLIENTS = ("import cxfulfill.idempotency.redis", "import cxfulfill.idempotency.firestore")
"""What these libraries load themselves differs between their versions, and with what else is installed."""
HEAVY = frozenset(
    {
        "argparse", "asyncio", "email", "http.client", "importlib.metadata", "multiprocessing", "sqlite3", "ssl",
        "unittest", "urllib.request", "uuid", "xml", "zipfile",
    }
)  # fmt: skip
"""Parts of Python that cost as much as a library."""
PROGRAM = """
import sys
from pathlib import Path
{before}
known = set(sys.modules)
{statement}
new = {{name: module for name, module in sys.modules.items() if name not in known}}
places = {{name: Path(getattr(module, "__file__", None) or "/").parts for name, module in new.items()}}
libraries = {{name.partition(".")[0] for name, parts in places.items() if "site-packages" in parts}}
print(*sorted(name for name in new if name.partition(".")[0] == "cxfulfill"))
print(*sorted(libraries - {{"cxfulfill"}}))
print(*sorted(new.keys() & set({heavy})))
"""


def loaded(statement: str, before: str) -> str:
    """Import something in a process of its own, and write down what that has loaded."""
    program = PROGRAM.format(before=before, statement=statement, heavy=sorted(HEAVY))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it loads a lot itself
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ)
    kinds = zip(("", "library ", "Python's "), done.stdout.splitlines(), strict=True)
    return "".join(
        f"    {kind}{name}\n" for kind, names in kinds for name in names.split() if not kind or statement not in CLIENTS
    )


def test_what_is_loaded_is_what_the_snapshot_says() -> None:
    text = "".join(f"{statement}\n{loaded(statement, before)}" for statement, before in STEPS.items())
    if os.environ.get("CXFULFILL_UPDATE_IMPORTS"):
        DATA.write_text(text, encoding="utf-8")
    assert text == DATA.read_text(encoding="utf-8")
