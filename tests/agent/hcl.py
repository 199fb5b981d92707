"""Reads as much of HCL as is written here: blocks, arguments, quoted templates without interpolation."""

import re
from typing import Any

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<text>"(?:\\.|[^"\\\n])*")|(?P<mark>[{}\[\]=,()])|(?P<word>[A-Za-z_][\w.]*)""", re.DOTALL
)
_ESCAPE = re.compile(
    r"""\\(?:(?P<one>[nrt"\\])|u(?P<four>[0-9a-f]{4})|U(?P<eight>[0-9a-f]{8}))|(?P<mark>\$\$\{|%%\{)"""
)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


class Word(str):
    """What stands there without quotes."""

    __slots__ = ()


def unquoted(text: str) -> str:
    """Read a quoted template; an interpolation in it is a failure."""
    inner, made, place = text[1:-1], [], 0
    assert (text[0], text[-1]) == ('"', '"')
    while place < len(inner):
        found = _ESCAPE.match(inner, place)
        if found is None:
            assert inner[place] not in '\\"\n', "an escape that HCL does not know"
            assert inner[place : place + 2] not in ("${", "%{"), "an interpolation"
            assert inner[place].isprintable()
            made.append(inner[place])
            place += 1
            continue
        code = found["four"] or found["eight"]
        made.append(_SIMPLE[found["one"]] if found["one"] else chr(int(code, 16)) if code else found["mark"][1:])
        place = found.end()
    return "".join(made)


def parse(text: str) -> list[tuple[tuple[str, ...], Any]]:
    """Give the blocks of a file: head and content, whose blocks are lists of such pairs under their type."""
    tokens, place = [], 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        assert found, text[place : place + 40]
        if found.lastgroup:
            tokens.append((found.lastgroup, found[0]))
        place = found.end()
    reader = _Reader(tokens)
    made = []
    while reader.place < len(tokens):
        head = [reader.take()[1]]
        while reader.peek()[0] == "text":
            head.append(unquoted(reader.take()[1]))
        made.append((tuple(head), reader.body()))
    return made


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.place = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.place]

    def take(self, mark: str = "") -> tuple[str, str]:
        token = self.tokens[self.place]
        assert mark in ("", token[1]), token
        self.place += 1
        return token

    def body(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        self.take("{")
        while self.peek()[1] != "}":
            kind, name = self.take()
            assert kind == "word"
            if self.peek()[1] == "=":
                self.take()
                assert name not in made
                made[name] = self.value()
            else:
                made.setdefault(name, []).append(self.body())
        self.take("}")
        return made

    def value(self) -> Any:
        kind, text = self.take()
        if kind == "text":
            return unquoted(text)
        if text == "[":
            return list(self.members("]"))
        if text == "{":
            return {unquoted(name): value for name, value in self.members("}")}
        assert kind == "word"
        if text == "jsonencode":
            self.take("(")
            made = self.value()
            self.take(")")
            return made
        return {"true": True, "false": False}.get(text, Word(text))

    def members(self, end: str) -> Any:
        while self.peek()[1] != end:
            if end == "}":
                _, name = self.take()
                self.take("=")
                yield name, self.value()
            else:
                yield self.value()
                self.take(",")
        self.take(end)
