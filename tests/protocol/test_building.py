"""Models are built when they are first used, however many threads do that at once."""

import subprocess
import sys

PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from cxfulfill import PlayAudio, Reply, Text, WebhookRequest

sys.setswitchinterval(1e-6)
begin = Barrier(8)

def use(_):
    begin.wait()
    WebhookRequest.model_validate({"text": "a"})
    return Reply(Text("a"), PlayAudio("b"), form={"x": 1}).encode()

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
