"""Without the extra ``oauth`` every public name can be had, and only what needs it does not start."""

import subprocess
import sys

PROGRAM = """
import inspect
import sys


class Blocks:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("joserfc", "cachetools"):
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Blocks())

import cxfulfill
from cxfulfill import *

found = dict(inspect.getmembers(cxfulfill))
print(sorted(set(cxfulfill.__all__) - found.keys()))
for make in (
    lambda: OAuthJwt(issuer="https://idp.example/", audience="api", keys="https://idp.example/jwks"),
    lambda: OAuthIntrospection(
        endpoint="https://idp.example/ask", client_id="own", client_secret="9f2c1d774c60b1aa88f4",
        issuer="https://idp.example/", client_ids="cx",
    ),
):
    try:
        make()
    except ConfigurationError as error:
        print(error)
"""


def test_every_name_can_be_had_without_the_extra() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "[]",
        "OAuthJwt needs the extra oauth: pip install 'cxfulfill[oauth]'",
        "OAuthIntrospection needs the extra oauth: pip install 'cxfulfill[oauth]'",
    ]


def test_the_names_load_no_library_of_the_extra() -> None:
    program = "import sys; from cxfulfill import *; print({'joserfc', 'cachetools'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
