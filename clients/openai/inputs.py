"""Refuses texts that a request for embeddings cannot carry."""

from __future__ import annotations

from collections.abc import Sequence

from clients.network.provider_errors import InputTooLarge
from pipeline.errors import EmbeddingError

MAX_INPUTS = 2_048


def refuse_unsendable(texts: Sequence[str]) -> None:
    """Refuse what no service takes, before it is sent.

    Raises:
        InputTooLarge: too many texts. EmbeddingError: one is empty, or no Unicode.
    """
    if len(texts) > MAX_INPUTS:
        raise InputTooLarge(f"{len(texts)} texts are more than a request may have.")
    for index, text in enumerate(texts):
        if not text:
            raise EmbeddingError(f"Text {index} is empty.", code="empty_input")
        try:
            text.encode()
        except UnicodeEncodeError:
            message = f"Text {index} holds a lone surrogate."
            raise EmbeddingError(message, code="not_unicode") from None
