"""The tree of errors."""

from __future__ import annotations

import ast
import inspect
import pickle
import re

import pytest

from pipeline import errors
from pipeline.errors import (
    PARSE_REMEDIES,
    NavigatorError,
    ParseCode,
    ParseError,
    PermanentError,
    RateLimited,
    TransientError,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, NavigatorError)
]


def made(cls: type[NavigatorError]) -> NavigatorError:
    """An error of the class with everything that it can carry."""
    if cls is ParseError:
        return ParseError(ParseCode.BROKEN, "It is broken.")
    if cls is RateLimited:
        return RateLimited("Slow down.", retry_after=2.5)
    return cls("It happened.", code="special", remedy="Do this.")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_survives_pickling(cls: type[NavigatorError]) -> None:
    """Class, message, code, remedy and every extra come back: errors cross process borders."""
    error = made(cls)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(error, protocol))
        assert type(back) is cls
        assert str(back) == str(error) == error.message
        assert (back.code, back.remedy) == (error.code, error.remedy)
        assert error.__dict__.items() <= back.__dict__.items()
        assert back.args == error.args


def test_every_class_has_its_own_code() -> None:
    """Codes are stable snake_case names, and no two classes share one."""
    codes = [cls.code for cls in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_nothing_is_both_transient_and_permanent() -> None:
    """The retry policy is one question."""
    assert not [
        cls
        for cls in CLASSES
        if issubclass(cls, TransientError) and issubclass(cls, PermanentError)
    ]


def test_every_parse_code_has_a_remedy() -> None:
    """A person is told what to do for each, in one sentence."""
    assert set(PARSE_REMEDIES) == set(ParseCode)
    assert all(remedy.endswith(".") for remedy in PARSE_REMEDIES.values())
    assert ParseError(ParseCode.EMPTY, "x").remedy == PARSE_REMEDIES[ParseCode.EMPTY]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    """The drawing names every class at its depth, and no other."""
    drawing = ast.get_docstring(ast.parse(inspect.getsource(errors))) or ""
    drawn = {
        name: len(prefix) // 4
        for prefix, name in re.findall(r"^((?:[│├└─ ]{4})*)([A-Z]\w+)(?= |$)", drawing, re.M)
        if name.endswith(tuple("abcdefghijklmnopqrstuvwxyz")) and name in vars(errors)
    }
    depth = {cls.__name__: len(cls.__mro__) - len(NavigatorError.__mro__) for cls in CLASSES}
    assert drawn == depth
