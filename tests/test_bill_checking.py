"""The check of the ledger against the bill: what it finds, what it lets pass, where it begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.bill_checking import Account
from tests.flows.working import execute


@dataclass
class Shop:
    """A mock server that has billed what a test says, and the database that pays."""

    database_url: str
    account: Account = field(default_factory=Account)
    tokens: int = 0
    jobs: int = 0

    def __post_init__(self) -> None:
        self.account.add_database(self.database_url)
        self.account.add_stand_in("shop", self.counters)

    def counters(self) -> dict[str, Any]:
        return {
            "openai": {"billed_tokens": self.tokens, "largest_request": 10},
            "llamaparse": {"paid_jobs": self.jobs, "paid_pages": 2 * self.jobs},
        }

    def write(self, service: str, tokens: int = 0, pages: int = 0) -> None:
        """Enter a call into the ledger."""
        values = f"'{service}', 'test', 'ok', 1, {tokens}, {pages}, 1"
        columns = "service, operation, outcome, seconds, tokens, inputs, cost_usd"
        execute(
            self.database_url,
            f"INSERT INTO upload_pipeline.service_calls ({columns}) VALUES ({values})",
        )

    def wrong(self, answers_lost: int = 0) -> bool:
        return self.account.settle(answers_lost, patience=0) is not None


@pytest.fixture
def shop(database_url: str) -> Shop:
    return Shop(database_url)


def test_a_bill_that_is_written_down_is_right(shop: Shop) -> None:
    """Tokens, jobs and pages, of as many calls as there were; then all begins anew."""
    shop.tokens, shop.jobs = 12, 1
    shop.write("openai/small", tokens=5)
    shop.write("openai/small", tokens=7)
    shop.write("llamaparse", pages=2)
    assert not shop.wrong()
    shop.tokens += 1
    shop.write("openai/small", tokens=1)
    assert not shop.wrong()


@pytest.mark.parametrize(
    ("tokens", "jobs", "written", "pages"),
    [(12, 0, 11, 0), (12, 0, 13, 0), (0, 1, 0, 0), (0, 1, 0, 1)],
    ids=["a token less", "a token more", "no job", "a page less"],
)
def test_a_difference_is_found(
    shop: Shop, tokens: int, jobs: int, written: int, pages: int
) -> None:
    """To the token and to the page; once told, it is not told again of the next test."""
    shop.tokens, shop.jobs = tokens, jobs
    if written:
        shop.write("openai/small", tokens=written)
    if pages:
        shop.write("llamaparse", pages=pages)
    assert shop.wrong()
    assert not shop.wrong()


def test_a_lost_answer_is_one_request_at_most(shop: Shop) -> None:
    """The ledger may lack as many of the largest requests as were lost, and never has more."""
    shop.tokens = 10
    assert not shop.wrong(answers_lost=1)
    shop.tokens += 11
    assert shop.wrong(answers_lost=1)
    shop.write("openai/small", tokens=1)
    assert shop.wrong(answers_lost=1)


def test_a_reset_takes_nothing_back(shop: Shop) -> None:
    """What was billed before the counters began anew is billed."""
    shop.tokens = 7
    shop.account.difference()
    shop.tokens = 0
    shop.account.difference()
    shop.tokens = 9
    shop.write("openai/small", tokens=16)
    assert not shop.wrong()


def test_what_was_there_before_counts_for_nothing(database_url: str) -> None:
    """Only what is written while a mock server runs was bought of it."""
    shop = Shop(database_url)
    shop.write("openai/small", tokens=3)
    later = Shop(database_url)
    assert not later.wrong()
