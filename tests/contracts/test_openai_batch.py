"""OpenAI's Batch API through the official SDK: a file in, a file out, at half the price."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import openai
import pytest
from openai import OpenAI
from openai.types import Batch

from mocks import OpenAIMock

pytestmark = pytest.mark.no_ledger("the vendor's client asks, not ours")

SMALL = "text-embedding-3-small"
TEXTS = {f"chunk-{number}": f"passage number {number}" for number in range(5)}


def line(custom_id: str, **body: Any) -> dict[str, Any]:
    asked = {"model": SMALL, **body}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/embeddings", "body": asked}


def start(client: OpenAI, lines: list[dict[str, Any]]) -> Batch:
    content = "\n".join(map(json.dumps, lines)).encode()
    file = client.files.create(file=("batch.jsonl", content), purpose="batch")
    assert (file.object, file.purpose, file.bytes) == ("file", "batch", len(content))
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h",
        metadata={"run": "contract"},
    )  # fmt: skip


def ended(client: OpenAI, batch: Batch) -> Batch:
    end = time.monotonic() + 240
    while batch.status not in ("completed", "failed", "cancelled", "expired"):
        assert time.monotonic() < end
        time.sleep(0.02)
        batch = client.batches.retrieve(batch.id)
    return batch


def answers(client: OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    assert file_id is not None
    return [json.loads(each) for each in client.files.content(file_id).text.splitlines()]


def test_a_batch_from_upload_to_answers(openai_mock: OpenAIMock, faulty: OpenAI) -> None:
    """Answers come by `custom_id`, never in the order asked, and cost half."""
    batch = start(faulty, [line(key, input=text) for key, text in TEXTS.items()])
    assert batch.status == "validating"
    done = ended(faulty, batch)
    assert (done.status, done.metadata) == ("completed", {"run": "contract"})
    assert done.request_counts is not None
    assert (done.request_counts.total, done.request_counts.completed) == (5, 5)
    told = answers(faulty, done.output_file_id)
    assert [each["custom_id"] for each in told] != list(TEXTS)
    assert {each["custom_id"] for each in told} == set(TEXTS)
    counted = openai_mock.stats()
    assert counted["batch_tokens"] == counted["billed_tokens"] > 0
    assert counted["usd"] == pytest.approx(counted["batch_tokens"] * 0.02 / 1e6 / 2)
    for each in told:
        vector = each["response"]["body"]["data"][0]["embedding"]
        alone = faulty.embeddings.create(model=SMALL, input=TEXTS[each["custom_id"]])
        np.testing.assert_allclose(vector, alone.data[0].embedding, atol=1e-6)


def test_requests_that_fail_have_a_file_of_their_own(faulty: OpenAI) -> None:
    """A request that is refused does not fail the batch."""
    done = ended(faulty, start(faulty, [line("good", input="x"), line("bad", input="")]))
    assert done.status == "completed"
    assert [each["custom_id"] for each in answers(faulty, done.output_file_id)] == ["good"]
    refused = answers(faulty, done.error_file_id)[0]
    assert (refused["custom_id"], refused["response"]["status_code"]) == ("bad", 400)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line("a", input="x"), line("a", input="y")], "duplicate_custom_id"),
        ([{**line("a", input="x"), "url": "/v1/responses"}], "mismatched_url"),
        ([{"custom_id": "a"}], "invalid_json_line"),
        ([line(f"{n}", input=["x"] * 2048) for n in range(25)], "too_many_tasks"),
    ],
    ids=["twice", "another endpoint", "no request", "51,200 inputs"],
)
def test_a_file_that_is_refused(faulty: OpenAI, lines: list[dict[str, Any]], code: str) -> None:
    """The batch fails as a whole and says why; nothing is billed."""
    done = ended(faulty, start(faulty, lines))
    assert (done.status, done.output_file_id) == ("failed", None)
    assert done.errors is not None
    assert done.errors.data is not None
    assert done.errors.data[0].code == code


def test_a_batch_is_cancelled(faulty: OpenAI) -> None:
    """What is cancelled in time is not worked on."""
    batch = faulty.batches.cancel(start(faulty, [line("a", input="x")]).id)
    assert ended(faulty, batch).status == "cancelled"


def test_what_a_batch_needs(faulty: OpenAI) -> None:
    """A file made for batches, this endpoint, and a day's patience."""
    other = faulty.files.create(file=("a.jsonl", b"{}"), purpose="user_data")
    for file_id in (other.id, "file-unknown"):
        with pytest.raises(openai.BadRequestError):
            faulty.batches.create(
                input_file_id=file_id, endpoint="/v1/embeddings", completion_window="24h"
            )
    assert faulty.files.delete(other.id).deleted
    with pytest.raises(openai.NotFoundError):
        faulty.files.retrieve(other.id)
