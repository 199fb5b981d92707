"""What Terraform's providers take, by the npm packages @cdktf/provider-google and -google-beta, made of them."""

import re
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.debian import binary

VERSION = "16.12.1"
GOOGLE, BETA = f"@cdktf/provider-google@{VERSION}", f"@cdktf/provider-google-beta@{VERSION}"
_INTERFACE = re.compile(r"export interface (\w+) (?:extends [\w.]+ )?\{(.*?)\n\}", re.DOTALL)
_MEMBER = re.compile(r"readonly (\w+)(\??): (\w+|\{)")
_META = frozenset({"depends_on", "for_each", "provider"})


@dataclass(frozen=True)
class Schema:
    """The members of a resource or block: whether each is needed, and the schema of those that are blocks."""

    needed: frozenset[str]
    members: Mapping[str, "Schema | None"]

    def faults(self, body: Mapping[str, Any], place: str) -> Iterable[str]:
        """Compare a block with it."""
        given = {name: value for name, value in body.items() if not name.startswith("__")}
        for each in given.pop("dynamic", []):
            given |= {name.strip('"'): block["content"] for name, block in each.items()}
        for name in self.needed - given.keys():
            yield f"{place}.{name} is missing"
        for name, value in given.items():
            if name in _META:
                continue
            if name not in self.members:
                yield f"{place}.{name} is not known"
            elif (schema := self.members[name]) is not None:
                for each in value if isinstance(value, list) else [value]:
                    yield from schema.faults(each, f"{place}.{name}")


def schemas(cache: Path, package: str, kinds: Iterable[str]) -> dict[str, Schema]:
    """Read what a provider takes.

    Args:
        cache: A folder that is kept.
        package: The package.
        kinds: Types of resources.

    Returns:
        The schemas by type.
    """
    prefix = "google-" if "beta" in package else ""
    wanted = {f"package/lib/{prefix}{_module(kind)}/index.d.ts": kind for kind in kinds}
    made = {}
    with tarfile.open(_packed(cache, package)) as archive:
        for member in archive:
            if member.name in wanted:
                content = archive.extractfile(member)
                assert content
                made[wanted[member.name]] = _schema(content.read().decode())
    assert made.keys() == set(kinds), set(kinds) - made.keys()
    return made


def _packed(cache: Path, package: str) -> Path:
    """Fetch a package, as one file: unpacked it has tens of thousands."""
    file = cache / f"{package.replace('@', '').replace('/', '-', 1).removesuffix(VERSION)}-{VERSION}.tgz"
    if not file.is_file():
        command = [binary("npm", package="npm"), "pack", "--silent", "--pack-destination", str(cache), package]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        (cache / done.stdout.split()[-1]).replace(file)
    return file


def _module(kind: str) -> str:
    return kind.removeprefix("google_").replace("_", "-")


def _schema(text: str) -> Schema:
    interfaces: dict[str, str] = dict(_INTERFACE.findall(text))
    (top,) = (name for name, body in _INTERFACE.findall(text) if f"interface {name} extends" in text)

    def read(name: str) -> Schema:
        found = _MEMBER.findall(re.sub(r"/\*.*?\*/", "", interfaces[name], flags=re.DOTALL))
        members = {_snake(each): read(kind) if kind in interfaces else None for each, _, kind in found}
        return Schema(frozenset(_snake(each) for each, optional, _ in found if not optional), members)

    return read(top)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", name)
