"""Answers one request for embeddings: what is refused, what is billed, how it looks."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from mocks import openai_errors as errors
from mocks.billing import Ledger
from mocks.faults import Fault
from mocks.openai_inputs import BadInputError, token_lists
from mocks.rate_limit import RateBudget
from mocks.vectors import vectors_of
from mocks.wire import Response, json_response

DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
MAX_INPUT_TOKENS = 8_192
MAX_REQUEST_TOKENS = 300_000
FORMATS = ("float", "base64")


def embed(
    body: bytes, ledger: Ledger, budget: RateBudget | None, fault: Fault | None = None
) -> Response:
    """Answer one request for embeddings and bill it.

    Args:
        budget: the minute's; None for a batch, which has no such limits and costs half.
        fault: spoils the answer, not the transport.
    """
    try:
        asked = orjson.loads(body)
    except ValueError:
        return errors.invalid_body()
    if not isinstance(asked, dict):
        return errors.invalid_body()
    model = str(asked.get("model", ""))
    full = DIMENSIONS.get(model)
    if full is None:
        return errors.model_not_found(model)
    dimension = asked.get("dimensions", full)
    if not isinstance(dimension, int) or not 1 <= dimension <= full:
        return errors.invalid_dimensions(model, full)
    if dimension != full and model.endswith("ada-002"):
        return errors.dimensions_not_supported()
    if asked.get("encoding_format", "float") not in FORMATS:
        return errors.invalid_choice(
            "encoding_format", asked["encoding_format"], "'float' and 'base64'"
        )
    if not isinstance(asked.get("user", ""), str):
        return errors.invalid_type("user", "a string")
    try:
        tokens = token_lists(asked.get("input"))
    except BadInputError as error:
        return errors.invalid_input(str(error))
    refusal = _refusal(model, tokens, budget)
    if refusal is not None:
        return refusal
    vectors = vectors_of(tokens, dimension)
    ledger.billed(model, dimension, tokens, half_price=budget is None)
    rows = _spoil(vectors, fault.kind if fault else "")
    total = sum(map(len, tokens))
    return _answer(model, rows, total, asked.get("encoding_format", "float"), fault)


def _refusal(model: str, tokens: list[list[int]], budget: RateBudget | None) -> Response | None:
    longest, total = max(map(len, tokens)), sum(map(len, tokens))
    if longest > MAX_INPUT_TOKENS:
        return errors.context_length(MAX_INPUT_TOKENS, longest)
    if total > MAX_REQUEST_TOKENS:
        return errors.too_many_tokens(MAX_REQUEST_TOKENS, total)
    wait = budget.spend(total) if budget else None
    if budget is None or wait is None:
        return None
    return errors.rate_limit(model, budget, total, wait)


def _spoil(vectors: NDArray[np.float32], kind: str) -> list[NDArray[np.float32]]:
    if kind == "nan":
        vectors[-1, 0] = np.nan
    elif kind == "zero_vector":
        vectors[-1] = 0.0
    elif kind == "wrong_dimension":
        vectors = np.ascontiguousarray(vectors[:, :-1])
    rows = list(vectors)
    return rows[:-1] if kind == "wrong_count" else rows


def _answer(
    model: str, rows: list[NDArray[np.float32]], total: int, form: object, fault: Fault | None
) -> Response:
    kind = fault.kind if fault else ""
    encode = base64.b64encode if form == "base64" else None
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": encode(row.tobytes()).decode() if encode else row,
        }
        for index, row in enumerate(rows)
    ]
    if kind == "wrong_order":
        data.reverse()
    value: dict[str, Any] = {"object": "list", "data": data, "model": model}
    if kind != "no_usage":
        value["usage"] = {"prompt_tokens": total, "total_tokens": total}
    if kind == "not_json":
        return Response(200, b"<html>gateway</html>", {"content-type": "text/html"})
    return json_response(200, value, options=orjson.OPT_SERIALIZE_NUMPY)
