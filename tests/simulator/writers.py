"""What writes to a recording, also in processes of their own."""

from pathlib import Path

from cxfulfill.recording import Recorded, Recording


def a_call(text: str = "") -> Recorded:
    return Recorded(at="2030-06-14T09:30:00.000Z", method="POST", path="/webhook", request=text, status=200, answer={})


def write_many(folder: Path, who: str) -> None:
    recording = Recording(folder)
    for number in range(100):
        recording.write("a.jsonl", a_call(f"{who}-{number}-{'x' * 5000}"))
