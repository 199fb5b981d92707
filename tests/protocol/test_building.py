"""Models are built when they are first used, however many threads do that at once."""

import subprocess
import sys

PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from cxfulfill import PlayAudio, Reply, Text, WebhookRequest
from cxfulfill.parameters.entities import Money

sys.setswitchinterval(1e-6)
begin = Barrier(8)

def use(_):
    begin.wait()
    WebhookRequest.model_validate({"text": "a"})
    price = Money(amount=5, currency="EUR")
    return Reply(Text("a"), PlayAudio("b"), parameters={"price": price}, form={"x": 1}).encode()

assert not Money.__pydantic_complete__
assert not Text.__pydantic_complete__
with ThreadPoolExecutor(8) as threads:
    answers = set(threads.map(use, range(8)))
assert len(answers) == 1, answers
assert Text.__pydantic_complete__
assert Text.model_rebuild() is None
assert Text.model_rebuild(force=True)
"""


def test_threads_that_use_models_first_at_once_all_get_them() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)


FORKING = """
import os
import signal
import threading
from cxfulfill import WebhookRequest, built

entered, gate = threading.Event(), threading.Event()

def build():
    with built._building.lock:
        entered.set()
        gate.wait()

thread = threading.Thread(target=build)
thread.start()
entered.wait()
child = os.fork()
if not child:
    signal.alarm(30)
    os._exit(WebhookRequest.model_validate({"text": "a"}).text != "a")
gate.set()
thread.join()
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_process_that_was_forked_while_models_were_built_builds_its_own() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKING], check=True, timeout=60)


LOADING = """
import os
import signal
import sys
import threading
from importlib.abc import MetaPathFinder
from cxfulfill.protocol.sent import built

reached, forking = threading.Event(), threading.Event()

class Slow(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "cxfulfill.protocol.request" and not reached.is_set():
            reached.set()
            forking.wait()

sys.meta_path.insert(0, Slow())
os.register_at_fork(before=forking.set)
thread = threading.Thread(target=built, args=({"text": "a"},))
thread.start()
reached.wait()
child = os.fork()
if not child:
    signal.alarm(30)
    os._exit(built({"text": "a"}).text != "a")
thread.join()
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_process_that_was_forked_while_models_were_loaded_has_them() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", LOADING], check=True, timeout=60)
