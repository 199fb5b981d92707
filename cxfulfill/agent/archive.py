"""The files of an export, from a zip or a folder. A zip may come from a stranger: nothing of it is unpacked to disk."""

import os
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from pathlib import Path, PurePosixPath
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo, is_zipfile

from cxfulfill.errors import ConfigurationError

MAX_ZIP: Final = 256 * 1024 * 1024
"""Bytes of a zip."""
MAX_FILES: Final = 250_000
"""Files of an export; an agent of 10,000 pages with training phrases in ten languages has fewer."""
MAX_FILE: Final = 16 * 1024 * 1024
"""Bytes of a file that is read."""
MAX_TOTAL: Final = 512 * 1024 * 1024
"""Bytes of all files of a zip, as its directory states them, and of all that are read."""
MAX_VALUES: Final = 10_000_000
"""Values in all files that are read: a byte or two of a zip may be a value of 60 bytes in memory."""
MAX_RATIO: Final = 200
"""How many times its compressed size a zip may be, above `_SMALL`; JSON of exports comes to about 10."""
MAX_DIRECTORY: Final = 48 * 1024 * 1024
"""Bytes of a zip's directory, which is read as a whole: 190 for each of `MAX_FILES`."""
_BEFORE_VALUES: Final = (b"{", b"[", b",", b":")
_SMALL: Final = 32 * 1024 * 1024
_DEPTH: Final = 4
"""Folders above ``agent.json``, at most, where it is looked for in a folder."""
_MARK: Final = "agent.json"
_PACKINGS: Final = (ZIP_STORED, ZIP_DEFLATED)
"""Those that are unpacked as far as they are read: bzip2 and LZMA make gigabytes of a block before a limit counts."""


class ExportError(ConfigurationError):
    """What was given is no export that can be read."""


class Files:
    """The files of an export.

    Args:
        root: Where ``agent.json`` is, below what was opened; empty for its top.
        names: The files below the root.
        read: Reads a file, by its name from the root.

    Attributes:
        root: As given.
        names: As given, in order.
    """

    def __init__(self, root: str, names: list[str], read: Callable[[str], bytes]) -> None:
        self.root = root
        self.names = sorted(names)
        self._read = read
        self._left = MAX_TOTAL
        self._values_left = MAX_VALUES

    def read(self, name: str) -> bytes:
        """Read a file.

        Args:
            name: Its name from the root.

        Returns:
            Its bytes.

        Raises:
            ExportError: It is too large, holds too much, or cannot be read.
        """
        data = self._read(name)
        self._left -= len(data)
        if self._left < 0:
            raise ExportError(f"the files are more than {MAX_TOTAL // 1024**2} MiB together")
        self._values_left -= sum(map(data.count, _BEFORE_VALUES))
        if self._values_left < 0:
            raise ExportError(f"there are more than {MAX_VALUES} values in the files")
        return data


@contextmanager
def open_export(path: Path) -> Iterator[Files]:
    """Open an export.

    Args:
        path: A zip, or a folder.

    Yields:
        Its files.

    Raises:
        ExportError: It is neither, no ``agent.json`` is in it, or it is refused: the sentence tells why.
    """
    if path.is_dir():
        yield _folder(path)
        return
    if not path.is_file():
        raise ExportError("there is no such file or folder")
    if path.stat().st_size > MAX_ZIP:
        raise ExportError(f"the zip has more than {MAX_ZIP // 1024**2} MiB")
    if not is_zipfile(path):
        raise ExportError("it is neither a zip nor a folder: export the agent as JSON package, not as blob")
    with _Source(FileIO(path)) as source, _opened(source) as archive:
        yield _zip(archive)


class _Source(BufferedReader):
    """A zip, of which `zipfile` reads no directory that is too large for an export."""

    def read(self, size: int | None = -1, /) -> bytes:
        """See `io.BufferedReader.read`."""
        if size is not None and size > MAX_DIRECTORY:
            raise ExportError(f"there are more than {MAX_FILES} files")
        return super().read(size)


def _opened(source: _Source) -> ZipFile:
    try:
        return ZipFile(source)
    except NotImplementedError:
        raise ExportError("the zip is packed in an unusual way") from None
    except (BadZipFile, UnicodeDecodeError):
        raise ExportError("the zip is damaged") from None


def _folder(path: Path) -> Files:
    names = []
    for folder, folders, files in os.walk(path):
        here = Path(folder)
        folders[:] = [each for each in folders if not each.startswith(".") and not (here / each).is_symlink()]
        names += [each.relative_to(path).as_posix() for each in map(here.joinpath, files) if _is_plain(each)]
        _check_count(len(names))
    if not all(map(_is_text, names)):
        raise ExportError("a file's name is not UTF-8")
    root = _root([name for name in names if name.count("/") <= _DEPTH])

    def read(name: str) -> bytes:
        try:
            with (path / root / name).open("rb") as file:
                return _bounded(name, file.read(MAX_FILE + 1))
        except OSError:
            raise ExportError(f"{name} cannot be read") from None

    return Files(root, _below(root, names), read)


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _is_text(name: str) -> bool:
    """Tell whether a name could be decoded: Python keeps bytes that could not be as lone surrogates."""
    return not any("\ud800" <= each <= "\udfff" for each in name)


def _zip(archive: ZipFile) -> Files:
    infos = archive.infolist()
    _check_count(len(infos))
    _check_size(infos)
    kept: dict[str, ZipInfo] = {}
    for info in infos:
        _check_entry(info)
        if not info.is_dir() and not _is_leftover(info.filename):
            kept[info.filename] = info
    if len(kept) < sum(not info.is_dir() and not _is_leftover(info.filename) for info in infos):
        raise ExportError("the zip has two files of one name")
    root = _root(list(kept))

    def read(name: str) -> bytes:
        info = kept[f"{root}/{name}" if root else name]
        refusal = ExportError(f"{shown(name)} cannot be unpacked: it is damaged, or packed in an unusual way")
        if info.compress_type not in _PACKINGS:
            raise refusal
        try:
            with archive.open(info) as file:
                return _bounded(name, file.read(MAX_FILE + 1))
        except (BadZipFile, NotImplementedError, UnicodeDecodeError, EOFError, OSError, zlib.error):
            raise refusal from None

    return Files(root, _below(root, list(kept)), read)


def _check_count(count: int) -> None:
    if count > MAX_FILES:
        raise ExportError(f"there are more than {MAX_FILES} files")


def _check_size(infos: list[ZipInfo]) -> None:
    total, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if total > MAX_TOTAL or (total > _SMALL and total > packed * MAX_RATIO):
        raise ExportError("the zip would unpack to far more than an export has")


def _check_entry(info: ZipInfo) -> None:
    """Refuse what has no place in an export."""
    name = info.filename
    parts = name.rstrip("/").split("/")
    # zipfile has cut the name at a NUL and turned backslashes of Windows round; the original is checked as well.
    is_odd = "\\" in info.orig_filename or "\0" in info.orig_filename or ":" in parts[0]
    if is_odd or name.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise ExportError("the zip has a file whose name leads out of it")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ExportError("the zip has a link or a device in it")
    if info.flag_bits & 0x1:
        raise ExportError("the zip is encrypted")
    if info.file_size > MAX_FILE and name.endswith(".json"):
        raise ExportError(_too_large(name))


def _bounded(name: str, data: bytes) -> bytes:
    if len(data) > MAX_FILE:
        raise ExportError(_too_large(name))
    return data


def _too_large(name: str) -> str:
    return f"{shown(name)} has more than {MAX_FILE // 1024**2} MiB"


def _is_leftover(name: str) -> bool:
    """Tell whether a file is what a Mac leaves in zips."""
    parts = PurePosixPath(name).parts
    return parts[:1] == ("__MACOSX",) or parts[-1].startswith("._") or parts[-1] == ".DS_Store"


def _root(names: list[str]) -> str:
    """Find the folder with ``agent.json``: the one that is least deep."""
    found = [
        PurePosixPath(name).parent for name in names if PurePosixPath(name).name == _MARK and not _is_leftover(name)
    ]
    if not found:
        raise ExportError(f"there is no {_MARK} in it: an export as JSON package has one")
    depths = Counter(len(each.parts) for each in found)
    if depths[min(depths)] > 1:
        raise ExportError(f"there are several {_MARK} in it: name the folder of one agent")
    root = min(found, key=lambda each: len(each.parts)).as_posix()
    return "" if root == "." else root


def _below(root: str, names: list[str]) -> list[str]:
    start = f"{root}/" if root else ""
    return [name.removeprefix(start) for name in names if name.startswith(start) and not _is_leftover(name)]


def shown(name: str) -> str:
    """Give a file's name for a message: control characters of it would be obeyed by a terminal.

    Args:
        name: The name.

    Returns:
        The same, with escapes, at most 200 characters long.
    """
    return "".join(each if each.isprintable() else "?" for each in name[:200])
