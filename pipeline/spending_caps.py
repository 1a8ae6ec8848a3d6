"""Caps on US dollars of a calendar month (UTC), of everybody together and of each user."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from pipeline.errors import SpendingCapReached
from pipeline.identity import EVERYBODY


@dataclass(frozen=True, slots=True)
class SpendingCaps:
    """The caps that the settings name; None is no limit.

    Attributes:
        month: of everybody together. user: of each user.
    """

    month: Decimal | None = None
    user: Decimal | None = None

    def of(self, scope: UUID) -> Decimal | None:
        """The cap of a user, or of everybody."""
        return self.month if scope == EVERYBODY else self.user


@dataclass(frozen=True, slots=True)
class MonthSpending:
    """What a user, or everybody together, spends in this month, in US dollars.

    Attributes:
        spent: by the ledger of calls. reserved: for requests under way.
    """

    cap: Decimal | None
    spent: Decimal
    reserved: Decimal

    @property
    def left(self) -> Decimal | None:
        """What may still be reserved; None without a cap."""
        return None if self.cap is None else max(self.cap - self.spent - self.reserved, Decimal(0))


def cap_error(scope: UUID, cap: Decimal) -> SpendingCapReached:
    """The error of a request that would pass a cap: whose it is, and which setting says it."""
    if scope == EVERYBODY:
        whose, setting = "everybody together", "NAVIGATOR_MONTH_CAP_USD"
    else:
        whose, setting = "this user", "NAVIGATOR_USER_MONTH_CAP_USD"
    return SpendingCapReached(
        f"The month's cap of {whose}, {cap:f} US dollars, is reached: raise {setting} or wait for "
        "the next month (UTC), then resume."
    )
