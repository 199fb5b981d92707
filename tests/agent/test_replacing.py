"""Files that are replaced as a whole."""

import os
import stat
from pathlib import Path

import pytest

from cxfulfill.agent.replacing import replace_text


def test_the_mode_and_the_link_stay(tmp_path: Path) -> None:
    file, link = tmp_path / "handlers.py", tmp_path / "link.py"
    file.write_text("before", encoding="utf-8")
    file.chmod(0o640)
    link.symlink_to(file)

    replace_text(link, "after\n")

    assert link.is_symlink()
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"after\n", 0o640)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["handlers.py", "link.py"]


def test_what_was_there_stays_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "handlers.py"
    file.write_text("before", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)

    with pytest.raises(OSError, match="No space left"):
        replace_text(file, "after")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]


def test_nothing_is_written_through_a_link_that_lies_beside(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    (tmp_path / "state.json.new").symlink_to(victim)

    replace_text(tmp_path / "state.json", "{}")

    assert victim.read_text() == "mine"
