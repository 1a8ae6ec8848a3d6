"""Finds every regular expression of the tree: compiled ones by import, inline ones by reading."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from tests.rooms import ROOMS, ROOT

ALSO_READ = ("benchmarks", "samples")
_CALLS = {
    "compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn",
}  # fmt: skip
# They need packages that are installed beside ours, and only convert what they are given.
_OPTIONAL = ("langchain", "llamaindex")
_NOT_WALKED = (str, bytes, int, float, type(None), ModuleType, FunctionType)


@dataclass(frozen=True)
class Call:
    """A call of `re` in a source file: its pattern, or None where that is not a literal."""

    path: str
    line: int
    expression: re.Pattern[Any] | None
    in_function: bool


def sources() -> list[Path]:
    """Every source file, without the tests."""
    return sorted(path for room in (*ROOMS, *ALSO_READ) for path in (ROOT / room).rglob("*.py"))


def calls() -> Iterator[Call]:
    """Every call of `re` in the sources that makes or uses an expression."""
    for path in sources():
        tree = ast.parse(path.read_text("utf-8"))
        inside = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for node in ast.walk(function)
        }
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_call(node):
                yield Call(name, node.lineno, _literal(node), id(node) in inside)


def _is_call(node: ast.Call) -> bool:
    function = node.func
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
        and function.attr in _CALLS
    )


def _literal(node: ast.Call) -> re.Pattern[Any] | None:
    """The expression of a call whose pattern and flags are literals."""
    flags = [*(k.value for k in node.keywords if k.arg == "flags")]
    assert isinstance(node.func, ast.Attribute)
    at = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(node.func.attr, 2)
    flags += node.args[at : at + 1]
    pattern = node.args[0] if node.args else None
    if not isinstance(pattern, ast.Constant):
        return None
    number = eval(ast.unparse(flags[0]), {"re": re}) if flags else 0
    return re.compile(pattern.value, number)


def modules() -> Iterator[ModuleType]:
    """Every module of ours, imported."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            # a script of Alembic that runs when it is imported, and the entry points
            if parts[-1] not in ("env", "__main__", *_OPTIONAL) and parts[-1].isidentifier():
                yield importlib.import_module(name)


def compiled() -> dict[str, re.Pattern[Any]]:
    """Every expression that a module of ours holds, also within containers, by its place."""
    found: dict[str, re.Pattern[Any]] = {}
    for module in modules():
        for name, value in vars(module).items():
            if not name.startswith("__"):
                for each in _within(value, 0):
                    found.setdefault(f"{module.__name__}.{name}: {each.pattern!r}", each)
    return found


def _within(value: Any, depth: int) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, _NOT_WALKED) or depth > 4:
        return
    elif isinstance(value, Mapping):
        for each in [*value.keys(), *value.values()]:
            yield from _within(each, depth + 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _within(each, depth + 1)
    elif isinstance(value, type) and value.__module__.split(".")[0] in ROOMS:
        for each in vars(value).values():
            yield from _within(each, depth + 1)
    elif type(value).__module__.split(".")[0] in ROOMS:
        named = [*getattr(value, "__dict__", ()), *getattr(type(value), "__slots__", ())]
        for name in named:
            yield from _within(getattr(value, name, None), depth + 1)


def every() -> dict[str, re.Pattern[Any]]:
    """Every expression once, by a place where it stands."""
    found = {each: place for place, each in compiled().items()}
    for call in calls():
        if call.expression is not None:
            place = f"{call.path}:{call.line}: {call.expression.pattern!r}"
            found.setdefault(call.expression, place)
    for path, example in made_in_functions().items():
        for each in _recorded(example):
            found.setdefault(each, f"{path}: {each.pattern!r}")
    return {place: each for each, place in found.items()}


# A literal of JavaScript's stands where a value may begin.
_SCRIPT_LITERAL = re.compile(
    r"(?<=[=(,!&|?:])[ ]?/(?![/*])((?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*+\])++)/([gimsuy]*+)"
)
_SCRIPTS = ("app/api/dashboard", "checks/templates")
# Python has no classes of Unicode's properties; any other sets them apart as well.
_PROPERTY = re.compile(r"\\p\{\w+\}")


def of_scripts() -> dict[str, tuple[str, int]]:
    """The expressions of the dashboard's scripts, as Python's engine takes them, with flags."""
    found: dict[str, tuple[str, int]] = {}
    for path in sorted(path for folder in _SCRIPTS for path in (ROOT / folder).rglob("*.js")):
        for literal in _SCRIPT_LITERAL.finditer(path.read_text("utf-8")):
            pattern = _PROPERTY.sub(r"\\x01", literal[1]).replace(r"\/", "/")
            flags = re.IGNORECASE if "i" in literal[2] else 0
            found[f"{path.name}: {literal[1]}"] = pattern, flags | re.ASCII
    return found


def made_in_functions() -> dict[str, Callable[[], object]]:
    """Of each file with a function that puts a pattern together, a call of that function."""
    from pipeline import text
    from pipeline.chunking import cuts, roles
    from pipeline.chunking.blocks import BlockKind
    from pipeline.parsing.html import elements
    from pipeline.redaction import Redaction
    from pipeline.words import highlighting, lexemes

    words = "some words " * 100
    word = cuts.Grain.WORD
    return {
        "pipeline/chunking/cuts.py": lambda: cuts.cut(
            words, 0, len(words), BlockKind.PARAGRAPH, word, 20
        ),
        "pipeline/chunking/roles.py": lambda: roles._pattern(
            [(1, ["we do not pay", "not covered"])]
        ),
        "pipeline/parsing/html/elements.py": lambda: elements.token("cookie", "pop-?up"),
        "pipeline/redaction.py": lambda: Redaction(["secret-value", "another.secret"]),
        "pipeline/text.py": lambda: text._piles.__wrapped__(),
        "pipeline/words/highlighting.py": lambda: highlighting._words.__wrapped__(ascii_only=False),
        "pipeline/words/lexemes.py": lambda: [
            lexemes._patterns.__wrapped__(ascii_only=ascii_only) for ascii_only in (True, False)
        ],
    }


def _recorded(example: Callable[[], object]) -> list[re.Pattern[Any]]:
    """The expressions that are compiled during a call."""
    found: list[re.Pattern[Any]] = []
    original = re.compile

    def record(pattern: Any, flags: int = 0) -> re.Pattern[Any]:
        found.append(original(pattern, flags))
        return found[-1]

    re.compile = record
    try:
        example()
    finally:
        re.compile = original
    return found
