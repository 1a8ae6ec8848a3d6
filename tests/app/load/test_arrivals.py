"""Arrivals: open-loop, Poisson, and the same for the same seed."""

from __future__ import annotations

import pytest

from app.load.arrivals import arrivals
from app.load.local_load import FOLDER_DOCUMENTS, LOCAL_LOAD, Kind, documents_per_minute, users

HOUR = 3600
HOUR_OF_ARRIVALS = arrivals(10, HOUR, 3)


def test_a_seed_repeats_a_load() -> None:
    """The same seed plans the same requests, another one others."""
    assert arrivals(10, 60, 1) == arrivals(10, 60, 1)
    assert arrivals(10, 60, 1) != arrivals(10, 60, 2)


def test_requests_come_in_order_and_in_time() -> None:
    """Every moment lies within the load, in order, and every user is one of it."""
    planned = arrivals(10, 60, 1)
    moments = [each.at for each in planned]
    assert moments == sorted(moments)
    assert 0 < moments[0] < moments[-1] < 60
    assert {each.user for each in planned} == set(range(users(10)))


@pytest.mark.parametrize("kind", Kind)
def test_rates_are_those_of_the_local_load(kind: Kind) -> None:
    """In an hour there are as many requests as the rates say, within four standard deviations."""
    wanted = users(10) * LOCAL_LOAD[kind].per_minute * 60
    found = sum(each.kind is kind for each in HOUR_OF_ARRIVALS)
    assert abs(found - wanted) < 4 * wanted**0.5


def test_arrivals_are_a_poisson_process() -> None:
    """The number in a second varies as its mean, as of users who know nothing of each other."""
    seconds = [0] * HOUR
    for each in HOUR_OF_ARRIVALS:
        if each.kind is Kind.STATUS:
            seconds[int(each.at)] += 1
    mean = sum(seconds) / HOUR
    variance = sum((each - mean) ** 2 for each in seconds) / HOUR
    assert 0.9 < variance / mean < 1.1


def test_documents_of_folders_count() -> None:
    """A minute's documents are single uploads and those of folders."""
    per_user = LOCAL_LOAD[Kind.UPLOAD].per_minute + FOLDER_DOCUMENTS * 0.1
    assert documents_per_minute(10) == users(10) * per_user == 150
