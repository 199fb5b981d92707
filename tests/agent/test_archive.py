"""Zips that want to do harm, and things that are no export, are refused with a sentence."""

import io
import os
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile, ZipInfo

import pytest

from cxfulfill.agent import archive
from cxfulfill.agent.archive import ExportError
from cxfulfill.agent.export import read_export
from tests.agent.agents import COLLECT, Files, small


def refusal(path: Path) -> str:
    with pytest.raises(ExportError) as caught:
        read_export(path)
    return str(caught.value)


def zip_with(path: Path, add: Callable[[ZipFile], None]) -> Path:
    small().zip(path)
    with ZipFile(path, "a", ZIP_DEFLATED) as opened:
        add(opened)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../evil.json", "flows/../../evil.json", "/etc/evil.json", "C:/evil.json", "C:evil.json", "flows//evil.json",
        "./evil.json", "flows\\evil.json", "flows/..\\..\\evil.json", "evil.json\0.txt", "//host/evil.json",
    ],
)  # fmt: skip
def test_names_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    info = ZipInfo("x")
    info.filename = name

    path = zip_with(tmp_path / "agent.zip", lambda opened: opened.writestr(info, "{}"))

    assert refusal(path) == "the zip has a file whose name leads out of it"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(kind: int, tmp_path: Path) -> None:
    info = ZipInfo("flows/link.json")
    info.external_attr = (kind | 0o777) << 16

    path = zip_with(tmp_path / "agent.zip", lambda opened: opened.writestr(info, "/etc/passwd"))

    assert refusal(path) == "the zip has a link or a device in it"


def test_folders_and_plain_files_with_modes_are_taken(tmp_path: Path) -> None:
    def add(opened: ZipFile) -> None:
        opened.mkdir("testCases")
        info = ZipInfo("testCases/A.json")
        info.external_attr = (stat.S_IFREG | 0o644) << 16
        opened.writestr(info, '{"displayName": "A"}')

    assert [each.name for each in read_export(zip_with(tmp_path / "agent.zip", add)).test_cases] == ["A"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zip_with(tmp_path / "agent.zip", lambda opened: opened.writestr(COLLECT, "{}"))

    assert refusal(path) == "the zip has two files of one name"


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = small().zip(tmp_path / "agent.zip")
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 0x1
    path.write_bytes(data)

    assert refusal(path) == "the zip is encrypted"


def test_a_file_that_states_to_be_huge_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILE", 1024)
    path = zip_with(tmp_path / "agent.zip", lambda opened: opened.writestr("testCases/Big.json", b" " * 2048))

    assert refusal(path) == "testCases/Big.json has more than 0 MiB"


def test_a_bomb_is_refused_by_what_it_states(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "bomb.zip", lambda opened: opened.writestr("tools/x", b"\0" * (33 * 1024 * 1024)))

    assert refusal(path) == "the zip would unpack to far more than an export has"


def test_a_zip_that_states_too_much_in_all_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL", 512)

    assert refusal(small().zip(tmp_path / "agent.zip")) == "the zip would unpack to far more than an export has"


def lying(path: Path, name: str, size: int) -> Path:
    """Let the directory of a zip state another size of a file than it has."""
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    while data[at + 46 : at + 46 + len(name)] != name.encode():
        at = data.index(b"PK\x01\x02", at + 4)
    struct.pack_into("<I", data, at + 24, size)
    path.write_bytes(data)
    return path


def test_a_bomb_that_lies_about_its_size_ends_at_what_it_stated(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "bomb.zip", lambda opened: opened.writestr("testCases/B.json", b" " * 20_000_000))

    told = refusal(lying(path, "testCases/B.json", 100))

    assert told.startswith("testCases/B.json cannot be unpacked")


def test_what_is_read_in_all_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small().write(tmp_path / "agent")
    monkeypatch.setattr(archive, "MAX_TOTAL", 512)

    assert refusal(folder) == "the files are more than 0 MiB together"


def test_many_tiny_values_are_refused_before_they_are_parsed(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "agent")
    (folder / "testCases").mkdir()
    (folder / "testCases/Big.json").write_bytes(b"[" + b"{}," * 5_000_000 + b"{}]")

    assert refusal(folder) == "there are more than 10000000 values in the files"


def test_a_huge_file_of_a_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small().write(tmp_path / "agent")
    (folder / "testCases").mkdir()
    (folder / "testCases/Big.json").write_bytes(b" " * 4096)
    monkeypatch.setattr(archive, "MAX_FILE", 2048)

    assert refusal(folder) == "testCases/Big.json has more than 0 MiB"


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_too_many_files_are_refused(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 5)
    path = small().zip(tmp_path / "a.zip") if form == "zip" else small().write(tmp_path / "a")

    assert refusal(path) == "there are more than 5 files"


def test_a_zip_that_is_too_large_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ZIP", 10)

    assert refusal(small().zip(tmp_path / "a.zip")) == "the zip has more than 0 MiB"


def test_an_unusual_packing_is_told(tmp_path: Path) -> None:
    path = small().zip(tmp_path / "agent.zip")
    data = path.read_bytes()
    for head, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        begin = data.index(head)
        data = data[: begin + at] + struct.pack("<H", 99) + data[begin + at + 2 :]
    path.write_bytes(data)

    assert refusal(path) == "agent.json cannot be unpacked: it is damaged, or packed in an unusual way"


@pytest.mark.parametrize("packing", [ZIP_BZIP2, ZIP_LZMA])
def test_a_packing_that_is_unpacked_without_a_limit_is_refused(packing: int, tmp_path: Path) -> None:
    path = tmp_path / "agent.zip"
    with ZipFile(path, "w", packing) as opened:
        opened.writestr("agent.json", b" " * 50_000_000)
    stated = lying(path, "agent.json", 100)

    tracemalloc.start()
    told = refusal(stated)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert told == "agent.json cannot be unpacked: it is damaged, or packed in an unusual way"
    assert peak < 10_000_000


@pytest.mark.parametrize(
    ("head", "at", "new", "told"),
    [
        (b"PK\x01\x02", 6, b"\x63", "the zip is packed in an unusual way"),
        (b"PK\x01\x02", 46, b"\xff", "the zip is damaged"),
        (b"PK\x03\x04", 30, b"\xff", "agent.json cannot be unpacked: it is damaged, or packed in an unusual way"),
    ],
)
def test_versions_and_names_that_cannot_be_read_are_told(
    head: bytes, at: int, new: bytes, told: str, tmp_path: Path
) -> None:
    path = zip_with(tmp_path / "agent.zip", lambda opened: None)
    data = bytearray(path.read_bytes())
    begin = data.index(head)
    data[begin + at : begin + at + 1] = new
    flags = begin + (8 if head == b"PK\x01\x02" else 6)
    data[flags : flags + 2] = struct.pack("<H", 0x800)  # the name is UTF-8
    path.write_bytes(data)

    assert refusal(path) == told


def test_a_directory_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_DIRECTORY", 100)

    assert refusal(small().zip(tmp_path / "a.zip")) == "there are more than 250000 files"


def test_what_is_no_zip_is_told(tmp_path: Path) -> None:
    blob = tmp_path / "agent.blob"
    blob.write_bytes(b"\x0a\x10binary protobuf")

    assert refusal(blob) == "it is neither a zip nor a folder: export the agent as JSON package, not as blob"
    assert refusal(tmp_path / "gone") == "there is no such file or folder"


def test_a_damaged_zip_is_told(tmp_path: Path) -> None:
    path = small().zip(tmp_path / "agent.zip")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x05\x06")
    data[at - 20 : at] = b"\xff" * 20
    data[data.index(b"PK\x01\x02")] = 0
    path.write_bytes(data)

    assert refusal(path) == "the zip is damaged"


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_an_export_has_one_agent(form: str, tmp_path: Path) -> None:
    def made(files: Files, name: str) -> Path:
        return files.zip(tmp_path / name) if form == "zip" else files.write(tmp_path / name)

    two = Files({f"{root}/{name}": each for root in ("one", "two") for name, each in small().items()})

    assert refusal(made(two, "two")) == "there are several agent.json in it: name the folder of one agent"
    assert refusal(made(Files({"flows/x.json": {}}), "none")).startswith("there is no agent.json in it")
    inner = Files({**small(), "tools/copy/agent.json": {}})
    assert read_export(made(inner, "inner")).name == "Small"


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small().write(tmp_path / "agent")

    def refuse(self: Path, *args: object) -> io.BytesIO:
        raise PermissionError(13, "no")

    monkeypatch.setattr(Path, "open", refuse)

    assert refusal(folder) == "agent.json cannot be read"


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "agent")
    (folder / "testCases").mkdir()
    Path(os.fsdecode(os.fsencode(folder / "testCases") + b"/\xff.json")).write_text("{}", encoding="utf-8")

    assert refusal(folder) == "a file's name is not UTF-8"


def test_names_are_shown_without_what_a_terminal_obeys(tmp_path: Path) -> None:
    files = Files({**small(), "testCases/\x1b[31m.json": "no"})

    assert refusal(files.zip(tmp_path / "agent.zip")).startswith("testCases/?[31m.json is not JSON")
    assert zipfile.is_zipfile(tmp_path / "agent.zip")
