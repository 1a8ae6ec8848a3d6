"""Authorizes reads: the rows a request may see are its caller's own, or an operator's all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import Depends, Query

from app.api.authentication import Caller
from app.api.fields import Line
from app.api.problems import Forbidden, Unprocessable
from app.api.rate_limits import limited
from pipeline.identity import named_user, user_id
from pipeline.store.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

UserParameter = Annotated[
    Line | None,
    Query(max_length=200, description="Operators only: whose; empty for everybody's."),
]


@dataclass(frozen=True, slots=True)
class RowAccess:
    """Which rows a request may see.

    Attributes:
        user: whose rows; None for everybody's, which only an operator gets.
    """

    caller: Caller
    user: UUID | None

    @asynccontextmanager
    async def reading(self, database: Database) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that sees these rows only (row-level security)."""
        opened = database.service() if self.user is None else database.reader(self.user)
        async with opened as connection:
            yield connection

    @property
    def one_user(self) -> UUID:
        """The user, where there has to be one.

        Raises:
            Unprocessable: an operator did not say whose.
        """
        if self.user is None:
            raise Unprocessable(
                "This is about one user.", remedy="Say whose with the parameter `user`."
            )
        return self.user


async def scope_of(
    caller: Annotated[Caller, Depends(limited)], user: UserParameter = None
) -> RowAccess:
    """The scope of a request.

    Raises:
        Forbidden: somebody else is named by who is no operator.
    """
    named = user_id(user) if user is not None else None
    if caller.is_service:
        return RowAccess(caller, named)
    # who names oneself, as one's issuer does or by id, says nothing new
    oneself = user == caller.name and user is not None and named == named_user(user)
    if not oneself and named not in (None, caller.user_id):
        raise Forbidden(
            "Only operators may name another user.", remedy="Leave the parameter `user` out."
        )
    return RowAccess(caller, caller.user_id)


CurrentAccess = Annotated[RowAccess, Depends(scope_of)]


def operators_only(sentence: str) -> Callable[..., Awaitable[Caller]]:
    """Make the dependency of a route for operators; it gives the caller, who is one.

    Args:
        sentence: what is told to everybody else, with 403.
    """

    async def operator(caller: Annotated[Caller, Depends(limited)]) -> Caller:
        if not caller.is_service:
            raise Forbidden(sentence)
        return caller

    return operator
