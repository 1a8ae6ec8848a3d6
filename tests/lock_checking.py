"""Watches what every transaction locks, and fails on a lock out of `pipeline.store.lock_order`.

Row locks are not to be seen in pg_locks, so each statement is read: what it inserts, updates,
deletes or selects FOR UPDATE, in the order in which Postgres runs its parts. A table that a
transaction comes back to is looked at in Postgres: all rows that it changes then have to be locked
already. `watch` puts this in force for every engine of the process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from pipeline.store.lock_order import GUARDED, NEVER_WAITED_FOR, ORDER
from pipeline.store.schema import SCHEMA, metadata

Lock = str | int

_RANK = {name: rank for rank, name in enumerate(ORDER)}
_TABLES = {table.name: table for table in metadata.sorted_tables}
_MAY_LOCK = re.compile(r"INSERT|UPDATE|DELETE|SHARE|advisory", re.IGNORECASE)
_TABLE = rf"(?:{SCHEMA}\.)?({'|'.join(_TABLES)})\b"
_COMMENT = re.compile(r"--[^\n]*")
_CTE = re.compile(r"(\w+)\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(", re.IGNORECASE)
_WRITE = re.compile(
    rf"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+{_TABLE}|"
    r"\bFOR\s+(?:NO\s+KEY\s+)?UPDATE(?:\s+OF\s+(\w+))?|\bFOR\s+(?:KEY\s+)?SHARE(?:\s+OF\s+(\w+))?|"
    r"\bpg_advisory_xact_lock(?:_shared)?\((\d+)",
    re.IGNORECASE,
)
_FROM = re.compile(rf"\b(?:FROM|JOIN)\s+{_TABLE}(?:\s+(?:AS\s+)?(\w+))?", re.IGNORECASE)


# Rows that are seen of a transaction in progress are this one's, made after a savepoint.
# A row's xmax names who locked it last: a transaction, which came after the row's own, or a set of
# several, whose numbers are far smaller; of such a set nothing is said.
_UNLOCKED = """
    xmin <> pg_current_xact_id()::xid
    AND pg_xact_status(xmin::text::xid8) <> 'in progress' AND (xmax = 0 OR (
        xmax <> pg_current_xact_id()::xid AND xmax::text::bigint >= xmin::text::bigint
        AND pg_xact_status(xmax::text::xid8) <> 'in progress'))
"""


class OutOfOrder(AssertionError):
    """A transaction locked something after what comes later in the order."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One lock of a statement.

    Attributes:
        ordered: its rows are locked by key, or it inserts them.
        refers: it is a foreign key's lock, against deletion alone.
    """

    what: Lock
    ordered: bool
    refers: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    """A table before a statement that comes back to it.

    Attributes:
        unlocked, mine: keys of its rows, see `_unlocked` and `_mine`.
        last: nothing that comes later is locked yet, so that rows with higher keys may follow.
    """

    unlocked: set[tuple[Any, ...]]
    mine: set[tuple[Any, ...]]
    last: bool


@dataclass
class _Transaction:
    highest: int = -1
    touched: list[Lock] = field(default_factory=list)
    before: dict[str, _Look] = field(default_factory=dict)
    watched: bool = False
    busy: bool = False
    savepoints: dict[str, tuple[int, int]] = field(default_factory=dict)


found: list[str] = []
"""What was out of order in this process, for who looks at the end of a test."""


def watch() -> None:
    """Watch every engine of this process from now on; once."""
    if sa.event.contains(sa.Engine, "before_cursor_execute", _before):
        return
    for name, listener in (
        ("begin", _begin),
        ("savepoint", _savepoint),
        ("rollback_savepoint", _rollback_savepoint),
        ("before_cursor_execute", _before),
        ("after_cursor_execute", _after),
    ):
        sa.event.listen(sa.Engine, name, listener)


@contextmanager
def expected() -> Iterator[list[str]]:
    """What is found in this block was meant: it is taken out of `found`."""
    known = len(found)
    inside: list[str] = []
    yield inside
    inside += found[known:]
    del found[known:]


def _begin(connection: sa.Connection) -> None:
    connection.info["locks"] = _Transaction()


def _savepoint(connection: sa.Connection, name: str) -> None:
    held = _held(connection)
    held.savepoints[name] = (held.highest, len(held.touched))


def _rollback_savepoint(connection: sa.Connection, name: str, context: None) -> None:
    held = _held(connection)
    if name not in held.savepoints:  # the connection was lost meanwhile
        return
    held.highest, count = held.savepoints[name]
    del held.touched[count:]


def _held(connection: sa.Connection) -> _Transaction:
    held: _Transaction = connection.info.setdefault("locks", _Transaction())
    return held


def _before(
    connection: sa.Connection, cursor: Any, statement: str, values: Any, context: Any, many: bool
) -> None:
    held = _held(connection)
    if statement.lstrip().startswith("SELECT set_config('role'"):
        held.watched = True  # the pipeline's; migrations are alone, and readers lock nothing
    if not held.watched or held.busy or not _MAY_LOCK.search(statement):
        return
    held.before = {}
    known = set(held.touched)
    for lock in locks_of(statement):
        rank = _RANK.get(lock.what)
        if rank is None or (lock.what in held.touched and lock.what not in known):
            continue  # a table that only a test knows, or the same statement's own
        if lock.what in known:
            if isinstance(lock.what, str) and not lock.refers and lock.what not in GUARDED:
                held.before[lock.what] = _Look(
                    _unlocked(connection, held, lock.what),
                    _mine(connection, held, lock.what),
                    last=rank == held.highest,
                )
            continue
        guard = GUARDED.get(str(lock.what))
        if guard is not None and guard not in held.touched:
            _complain(f"{lock.what} is written without the lock of its row in {guard}", statement)
        if rank < held.highest:
            after = ORDER[held.highest]
            _complain(f"{lock.what} is locked after {after}, which comes later", statement)
        held.touched.append(lock.what)
        held.highest = max(held.highest, rank)


def _after(
    connection: sa.Connection, cursor: Any, statement: str, values: Any, context: Any, many: bool
) -> None:
    held = _held(connection)
    if held.busy or not held.before:
        return
    before, held.before = held.before, {}
    for table, look in before.items():
        late = look.unlocked & _mine(connection, held, table) if look.unlocked else set()
        if late and not (look.last and min(late) > max(look.mine, default=())):
            _complain(f"{len(late)} rows of {table} are locked late: lock all at once", statement)


def _complain(what: str, statement: str) -> None:
    message = f"{what}; see pipeline/store/lock_order.py.\n{statement.strip()}"
    found.append(message)
    raise OutOfOrder(message)


def _unlocked(connection: sa.Connection, held: _Transaction, table: str) -> set[tuple[Any, ...]]:
    """Keys of the rows that certainly nobody has locked and this transaction has not changed."""
    return _keys(connection, held, table, _UNLOCKED)


def _mine(connection: sa.Connection, held: _Transaction, table: str) -> set[tuple[Any, ...]]:
    mine = "pg_current_xact_id()::xid"
    return _keys(connection, held, table, f"xmin = {mine} OR xmax = {mine}")


def _keys(
    connection: sa.Connection, held: _Transaction, table: str, condition: str
) -> set[tuple[Any, ...]]:
    columns = ", ".join(column.name for column in _TABLES[table].primary_key)
    held.busy = True
    try:
        query = f"SELECT {columns} FROM {SCHEMA}.{table} WHERE {condition}"
        return {tuple(row) for row in connection.exec_driver_sql(query)}
    finally:
        held.busy = False


@lru_cache(maxsize=2000)
def locks_of(statement: str) -> tuple[Taken, ...]:
    """The locks that a statement takes, in the order in which Postgres takes them."""
    plain = _COMMENT.sub("", statement)
    parts, main = _parts(plain)
    wanted = [name for name, body in parts if re.search(rf"\b{name}\b", _others(parts, name, main))]
    # Parts that change rows and that nothing reads are run at the very end.
    ordered = [body for name, body in parts if name in wanted]
    ordered += [main, *(body for name, body in parts if name not in wanted)]
    taken: list[Taken] = []
    locked: set[Lock] = set()
    for body in ordered:
        for lock in _locks_in(body):
            known = lock.what in locked
            taken.append(Taken(lock.what, lock.ordered or known, lock.refers))
            locked.add(lock.what)
    return tuple(taken)


def _others(parts: list[tuple[str, str]], name: str, main: str) -> str:
    return " ".join([*(body for other, body in parts if other != name), main])


def _parts(statement: str) -> tuple[list[tuple[str, str]], str]:
    """The named parts of a WITH statement and what comes after them."""
    text = statement.strip()
    if not re.match(r"WITH\b", text, re.IGNORECASE):
        return [], text
    parts, rest = [], text[4:].lstrip()
    while match := _CTE.match(rest):
        end = _closing(rest, match.end())
        parts.append((match[1], rest[match.end() : end]))
        rest = rest[end + 1 :].lstrip()
        if not rest.startswith(","):
            break
        rest = rest[1:].lstrip()
    return parts, rest


def _closing(text: str, start: int) -> int:
    depth = 1
    for position in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
    raise ValueError("a parenthesis is not closed")


def _locks_in(body: str) -> Iterator[Taken]:
    for match in _WRITE.finditer(body):
        verb, table, of_update, of_share, number = match.groups()
        if number is not None:
            yield Taken(int(number), True)
        elif verb is None:
            for name in _selected(body[: match.start()], of_update or of_share):
                ordered = bool(re.search(r"ORDER\s+BY", body[: match.start()], re.IGNORECASE))
                skips = bool(re.match(r"\s+SKIP\s+LOCKED", body[match.end() :], re.IGNORECASE))
                yield Taken(name, ordered or skips)
        elif verb.upper().startswith("INSERT"):
            yield from _inserted(table, body)
        else:
            yield Taken(table, False)


def _inserted(table: str, body: str) -> Iterator[Taken]:
    # A run's row is made by who knows its id alone, before anything refers to it.
    if table not in NEVER_WAITED_FOR and table != "ingest_runs":
        yield Taken(table, bool(re.search(r"ORDER\s+BY|VALUES", body, re.IGNORECASE)))
    for key in _TABLES[table].foreign_keys if table in _TABLES else ():
        if key.column.table.name not in ("embedding_spaces", table):
            yield Taken(key.column.table.name, True, refers=True)


def _selected(before: str, alias: str | None) -> list[str]:
    """The tables that a FOR clause after this text locks."""
    tables = [(table, name) for table, name in _FROM.findall(before)]
    if alias is not None:
        return [table for table, name in tables if alias in (table, name)][-1:]
    # the outermost FROM comes first
    return [tables[0][0]] if tables else []
