"""Assembles BPF programs for the kernel's system call filter (seccomp).

A program is a list of instructions of classic BPF over `struct seccomp_data`; it decides by the
first rule that names the call.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.parsing.sandbox.syscall_numbers import Architecture

LOAD, AND, EQUAL, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
"""The five kinds of instruction that the programs use."""

ALLOW, KILL = 0x7FFF0000, 0x80000000
_ERRNO = 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_ALL_BITS = 0xFFFFFFFF
_INSTRUCTION = struct.Struct("=HBBI")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its kind, how many to skip when it holds or does not, its operand."""

    kind: int
    operand: int
    when: int = 0
    otherwise: int = 0


Program = Sequence[Instruction]


@dataclass(frozen=True, slots=True)
class Check:
    """What half of an argument must be: one of `values`, of the bits in `mask`.

    Attributes:
        argument: counted from 0.
        high: the upper 32 bits instead of the lower ones.
    """

    argument: int
    values: tuple[int, ...]
    mask: int = _ALL_BITS
    high: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a system call: allowed when all checks hold, else refused with `errno`."""

    call: str
    checks: tuple[Check, ...] = ()
    errno: int = 1


def refused(errno: int) -> int:
    """The verdict "does not happen, and the caller gets this error"."""
    return _ERRNO | errno


def program(
    processor: Architecture,
    rules: Iterable[Rule],
    *,
    otherwise: int,
    new_calls_from: int,
    new_calls: int,
) -> Program:
    """A filter of system calls; calls by another processor's numbers end the process.

    Args:
        otherwise: the verdict over calls that no rule names.
        new_calls_from, new_calls: from that number on, another verdict over these.
    """
    made = [
        Instruction(LOAD, _ARCHITECTURE),
        Instruction(EQUAL, processor.audit, when=1),
        Instruction(RETURN, KILL),
        Instruction(LOAD, _NUMBER),
    ]
    for rule in rules:
        if (number := processor.number(rule.call)) is not None:
            body = _body(rule)
            made += [Instruction(EQUAL, number, otherwise=len(body)), *body]
    made += [
        Instruction(AT_LEAST, new_calls_from, otherwise=1),
        Instruction(RETURN, new_calls),
        Instruction(RETURN, otherwise),
    ]
    return made


def packed(instructions: Program) -> bytes:
    """A program as the kernel takes it."""
    return b"".join(
        _INSTRUCTION.pack(each.kind, each.when, each.otherwise, each.operand)
        for each in instructions
    )


def _body(rule: Rule) -> list[Instruction]:
    made: list[Instruction] = []
    for check in rule.checks:
        made += [Instruction(LOAD, _offset(check)), Instruction(AND, check.mask)]
        left = len(check.values)
        for value in check.values:
            made.append(Instruction(EQUAL, value, when=left))
            left -= 1
        made.append(Instruction(RETURN, refused(rule.errno)))
    return [*made, Instruction(RETURN, ALLOW)]


def _offset(check: Check) -> int:
    # Both processors are little-endian: the lower half comes first.
    return _ARGUMENTS + 8 * check.argument + (4 if check.high else 0)
