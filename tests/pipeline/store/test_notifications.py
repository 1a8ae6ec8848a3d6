"""News by LISTEN and NOTIFY: who waits is woken, also after the connection broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from pipeline.store.engine import Database
from pipeline.store.notifications import PARSE_CHANNEL, News, news_or_pause

SAY = sa.text("SELECT pg_notify(:channel, :word)")
BREAK = sa.text(
    """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'insurance-navigator news' AND datname = current_database()
    """
)


@pytest.fixture
async def news(database: Database) -> AsyncIterator[News]:
    """Closed at the end."""
    made = News(database, PARSE_CHANNEL)
    yield made
    await made.close()


async def say(database: Database, word: str) -> None:
    async with database.owner() as connection:
        await connection.execute(SAY, {"channel": PARSE_CHANNEL, "word": word})


async def test_a_word_wakes_who_waits_for_it(database: Database, news: News) -> None:
    """Every one who waits for it, and nobody else; at the beginning all are woken once."""
    with news.about("mine") as mine, news.about("mine") as again, news.about("other") as other:
        for event in (mine, again, other):
            assert await news_or_pause(event, 10)  # it listens from now on
        await say(database, "mine")
        assert await news_or_pause(mine, 10)
        assert await news_or_pause(again, 10)
        assert not await news_or_pause(other, 0.2)


async def test_what_is_rolled_back_wakes_nobody(database: Database, news: News) -> None:
    """The word goes with the transaction that says it."""
    with news.about("mine") as mine:
        assert await news_or_pause(mine, 10)
        with pytest.raises(ZeroDivisionError):
            async with database.owner() as connection:
                await connection.execute(SAY, {"channel": PARSE_CHANNEL, "word": "mine"})
                raise ZeroDivisionError
        assert not await news_or_pause(mine, 0.2)


async def test_a_broken_connection_is_made_again(database: Database, news: News) -> None:
    """Something may have been said meanwhile, so all are woken, and hear what is said later."""
    with news.about("mine") as mine:
        assert await news_or_pause(mine, 10)
        async with database.owner() as connection:
            await connection.execute(BREAK)
        assert await news_or_pause(mine, 10)
        await say(database, "mine")
        assert await news_or_pause(mine, 10)


async def test_without_a_database_nobody_is_woken_and_nothing_fails() -> None:
    """Who waits goes on waiting, and looks by itself."""
    away = Database("postgresql://me:word@127.0.0.1:9/none")
    news = News(away, PARSE_CHANNEL)
    with news.about("mine") as mine:
        assert not await news_or_pause(mine, 0.3)
    await news.close()
    await asyncio.wait_for(away.close(), 60)
