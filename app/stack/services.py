"""Describes a service to the supervisor: its command, health check and identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.stack.release_code import ReleaseCode

Health = Callable[[], bool]


class State(StrEnum):
    """Where a service stands."""

    WAITING = "waiting"  # for what it needs
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    RESTARTING = "restarting"
    DONE = "done"  # a task that has ended well
    STOPPED = "stopped"


UP = frozenset({State.HEALTHY, State.DONE})


@dataclass(frozen=True)
class Service:
    """One part of the system, in a process of its own.

    Attributes:
        name: as in `--only`, in the table and in the log's name.
        title: what it is, in words.
        command: the program and its arguments.
        address: its URL, or how else it is reached; empty when nothing reaches it.
        port: the TCP port that it listens on, None when it has none.
        health: whether it answers as it should; may take some seconds, called in a thread.
        needs: services that have to be up before it starts.
        environment: variables on top of everybody's.
        is_task: it ends by itself, and has to end well once.
        lapsed: of a task that has ended well: why it has to be done again, empty while it has not.
        inherits: open files that it keeps open, such as a lock.
        code: which release's code it runs, where releases are deployed; it is started again when
            that changes. None: always this program's own.
        elsewhere: a process that is part of it without being its child, by id.
        ready_seconds: how long it may take to become healthy.
    """

    name: str
    title: str
    command: Sequence[str]
    health: Health
    address: str = ""
    port: int | None = None
    needs: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    is_task: bool = False
    lapsed: Callable[[], str] | None = None
    inherits: Sequence[int] = ()
    code: ReleaseCode | None = None
    elsewhere: Callable[[], int | None] = lambda: None
    ready_seconds: float = 120.0
