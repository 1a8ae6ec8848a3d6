"""Holds what the mock servers have billed against the ledgers of the databases that paid it.

`watch` puts this in force for every mock server that is started in this process. After each test,
and after the fixtures that end with it, the ledgers of all test databases together have to name the
tokens, parse jobs and pages of the bill. A test that cannot keep to this says so, with the reason:

- `@pytest.mark.no_ledger("why")`: nothing here writes a ledger;
- `@pytest.mark.answers_lost(n, "why")`: up to n answers are lost on purpose after they were billed;
- `@pytest.mark.bill_lost("why")`: the mock server itself is killed, with all that it has counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import psycopg
import pytest

from mocks.instance import MockInstance
from pipeline.store.database_urls import driver_url
from pipeline.store.schema import SCHEMA

SETTLE_SECONDS = 20.0
"""What another process has been answered when a test ends may be written down so much later."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What was bought: tokens of the embedder, jobs and pages of the parser."""

    tokens: int = 0
    jobs: int = 0
    pages: int = 0

    def __add__(self, other: Bill) -> Bill:
        return Bill(self.tokens + other.tokens, self.jobs + other.jobs, self.pages + other.pages)

    def __sub__(self, other: Bill) -> Bill:
        return Bill(self.tokens - other.tokens, self.jobs - other.jobs, self.pages - other.pages)

    def within(self, least: Bill, most: Bill) -> bool:
        """Whether no part of it is below the least or above the most."""
        names = [each.name for each in fields(self)]
        return all(getattr(least, n) <= getattr(self, n) <= getattr(most, n) for n in names)


def bill_of(counters: dict[str, Any]) -> Bill:
    """What a mock server has billed, of the counters of its services."""
    parsing = counters["llamaparse"]
    tokens = counters["openai"]["billed_tokens"]
    return Bill(tokens, parsing["paid_jobs"], parsing["paid_pages"])


_LEDGER = f"""
    SELECT coalesce(sum(tokens) FILTER (WHERE service LIKE 'openai%'), 0),
           count(*) FILTER (WHERE service = 'llamaparse' AND cost_usd > 0),
           coalesce(sum(inputs) FILTER (WHERE service = 'llamaparse' AND cost_usd > 0), 0)
    FROM {SCHEMA}.service_calls
"""


def ledger_of(database_url: str) -> Bill:
    """What a database has written down; nothing before it is migrated."""
    url = driver_url(database_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        try:
            row = connection.execute(_LEDGER).fetchone()
        except psycopg.errors.UndefinedTable:
            return Bill()
    assert row is not None, "an aggregate has a row, always"
    return Bill(*map(int, row))


class Counter:
    """One mock server or database; what it counts grows, or begins again at zero.

    Args:
        read: what it has counted.
    """

    def __init__(self, read: Callable[[], Bill]) -> None:
        self._read = read
        self._seen: Bill | None = None

    def grown(self) -> Bill:
        """What was counted since the last look; nothing at the first."""
        now, before = self._read(), self._seen
        self._seen = now
        if before is None:
            return Bill()
        return now - before if now.within(before, _ENDLESS) else now


_ENDLESS = Bill(2**62, 2**62, 2**62)


class Account:
    """Mock servers and the databases of who asks them."""

    def __init__(self) -> None:
        self._stand_ins: dict[object, Counter] = {}
        self._databases: dict[str, Counter] = {}
        self._open = False
        self._largest = 0
        self._billed = self._written = Bill()

    def told(self, mock: MockInstance, ending: bool) -> None:
        """A mock server has started, forgets its counters, or is about to end."""
        key = id(mock)
        if key not in self._stand_ins:
            self.add_stand_in(key, mock.every_service)
        self._billed += self._stand_ins[key].grown()
        if ending:
            del self._stand_ins[key]

    def add_stand_in(self, key: object, counters: Callable[[], dict[str, Any]]) -> None:
        """From the first mock server on, everything that is written down was billed."""
        if not self._open:
            self._open = True
            for counter in self._databases.values():
                counter.grown()
        self._stand_ins[key] = Counter(lambda: self._bill_of(counters()))
        self._stand_ins[key].grown()

    def add_database(self, url: str) -> Counter:
        """A database that pays."""
        counter = self._databases[url] = Counter(lambda: ledger_of(url))
        if self._open:
            counter.grown()
        return counter

    @contextmanager
    def database(self, url: str) -> Iterator[None]:
        """A database that pays, until the end of the block."""
        counter = self.add_database(url)
        try:
            yield
        finally:
            if self._open:
                self._written += counter.grown()
            del self._databases[url]

    def difference(self) -> Bill:
        """What was billed and is not written down since the last `settle`."""
        for counter in self._databases.values():
            self._written += counter.grown()
        for counter in self._stand_ins.values():
            self._billed += counter.grown()
        return self._billed - self._written

    def written(self) -> Bill:
        """What was written down since the last `settle`."""
        self.difference()
        return self._written

    def settle(self, answers_lost: int = 0, patience: float = SETTLE_SECONDS) -> str | None:
        """Begin anew; what is wrong, once all that is under way had its time to be written."""
        if not self._open:
            return None
        deadline = time.monotonic() + patience
        while not (fine := self.difference().within(Bill(), self._lost(answers_lost))):
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        billed, written = self._billed, self._written
        self._begin_anew()  # nothing is read twice: each look is a connection to each database
        return None if fine else f"the ledger is not the bill: billed {billed}, written {written}"

    def forget(self) -> None:
        """Whatever was billed and written until now, it is not looked at."""
        if self._open:
            self.difference()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._billed = self._written = Bill()
        self._largest = 0
        self._open = bool(self._stand_ins)

    def _lost(self, answers: int) -> Bill:
        return Bill(answers * self._largest, answers, answers * 2**20)

    def _bill_of(self, counters: dict[str, Any]) -> Bill:
        self._largest = max(self._largest, counters["openai"]["largest_request"])
        return bill_of(counters)


account = Account()
"""Of every mock server that this process starts and every database that it makes for a test."""


def watch() -> None:
    """Be told of every mock server from now on."""
    if account.told not in MockInstance.watchers:
        MockInstance.watchers.append(account.told)


def check(test: pytest.Item, account: Account = account) -> None:
    """Look at the bill after a test, as its markers say."""
    wrong = None
    if test.get_closest_marker("bill_lost"):
        account.forget()
    elif test.get_closest_marker("no_ledger"):
        wrong = "this test does write a ledger" if account.written() != Bill() else None
        account.forget()
    else:
        lost = test.get_closest_marker("answers_lost")
        wrong = account.settle(lost.args[0] if lost else 0)
    if wrong:
        pytest.fail(wrong, pytrace=False)
