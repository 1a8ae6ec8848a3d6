"""The API over a bucket: what is sent and fetched goes between client and bucket directly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from clients.storage.objects import incoming_key, parsed_key, raw_key
from pipeline.identity import sha256_hex, user_id
from pipeline.settings import Settings
from tests.app.api.calling import accepted, is_problem, text
from tests.app.api.serving import RunningApi, serving
from tests.s3 import Bucket, make, s3

ANNA = user_id("anna")


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    """Where the API keeps everything."""
    with s3() as endpoint:
        yield make(endpoint)


@pytest.fixture(scope="module")
def api(api_settings: Settings, bucket: Bucket) -> Iterator[RunningApi]:
    """The running API, whose storage is the bucket."""
    where = {"storage_url": bucket.url, "storage_options": bucket.options}
    with serving(api_settings.model_copy(update=where)) as running:
        yield running


def test_from_upload_to_deletion(api: RunningApi, anna: httpx.Client, bucket: Bucket) -> None:
    """A form's file is published; its original comes from the bucket; deleting leaves nothing."""
    job = accepted(anna, text("hail"), name="hail.md")
    raw = raw_key(ANNA, job["sha256"])
    assert bucket.keys() == {raw}
    api.work_off(job["id"])
    assert anna.get(f"/jobs/{job['id']}").json()["state"] == "complete"
    assert bucket.keys() == {
        raw,
        parsed_key(ANNA, job["sha256"], api.parts.services.version.parser),
    }
    document = job["document_id"]
    link = anna.get(f"/documents/{document}/original").json()["url"]
    assert link.startswith(bucket.endpoint)
    assert httpx.get(link).text == text("hail")
    assert anna.delete(f"/documents/{document}").status_code == 204
    assert bucket.keys() == set()


def test_a_browser_sends_to_the_bucket(api: RunningApi, anna: httpx.Client, bucket: Bucket) -> None:
    """The signed URL is the bucket's own; completed, the file is where every other one is."""
    made = anna.post("/uploads", json={"name": "policy.md"}).json()
    assert made["upload"]["url"].startswith(bucket.endpoint)
    is_problem(anna.post(f"/uploads/{made['id']}/complete"), 404)
    assert httpx.put(made["upload"]["url"], content=text("signed")).status_code == 200
    assert bucket.keys() == {incoming_key(ANNA, made["id"])}
    done = anna.post(f"/uploads/{made['id']}/complete")
    assert (done.status_code, done.json()["outcome"]) == (202, "new")
    assert bucket.keys() == {raw_key(ANNA, sha256_hex(text("signed")))}
    assert not (Path(api.settings.home) / "objects").exists()


def test_erasing_empties_the_users_part(
    api: RunningApi, anna: httpx.Client, ben: httpx.Client, bucket: Bucket
) -> None:
    """Everything of Anna's goes, nothing of Ben's."""
    accepted(anna, text("mine"))
    his = accepted(ben, text("his"))
    anna.post("/uploads", json={"name": "never.md"})
    done = anna.delete("/users/me", params={"confirm": "erase"})
    assert done.status_code == 200
    assert bucket.keys() == {raw_key(user_id("ben"), his["sha256"])}
