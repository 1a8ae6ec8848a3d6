"""Parses the four forms of an embedding request's `input` into token lists."""

from __future__ import annotations

from typing import Any

from mocks.vectors import tokens_of

MAX_INPUTS = 2_048
VOCABULARY = 100_277


class BadInputError(ValueError):
    """The input has no form that the service takes; the message says why."""


def token_lists(value: Any) -> list[list[int]]:
    """One token list per input: a string, strings, one token array, or token arrays.

    Raises:
        BadInputError: none of these forms, an empty input, too many inputs, or no such token.
    """
    if isinstance(value, str):
        return _from_texts([value])
    if not isinstance(value, list) or not value:
        raise BadInputError("it must be a string or a list that is not empty")
    if all(type(item) is int for item in value):
        return _from_tokens([value])
    if len(value) > MAX_INPUTS:
        raise BadInputError(f"array length must be {MAX_INPUTS} or less")
    if all(isinstance(item, str) for item in value):
        return _from_texts(value)
    if all(isinstance(item, list) and item for item in value):
        return _from_tokens(value)
    raise BadInputError("its items must all be strings or all be token arrays")


def _from_texts(texts: list[str]) -> list[list[int]]:
    if "" in texts:
        raise BadInputError("an input cannot be an empty string")
    return tokens_of(texts)


def _from_tokens(arrays: list[list[Any]]) -> list[list[int]]:
    for array in arrays:
        if not all(type(token) is int and 0 <= token < VOCABULARY for token in array):
            raise BadInputError("a token is not in the vocabulary")
    return arrays
