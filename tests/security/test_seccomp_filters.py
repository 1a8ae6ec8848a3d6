"""The filters of system calls, run in an interpreter of the kernel's instructions."""

from __future__ import annotations

import errno
import re
import subprocess
from pathlib import Path

import pytest

from pipeline.parsing.sandbox import bpf
from pipeline.parsing.sandbox.seccomp_filters import parser_filter, program_filter
from pipeline.parsing.sandbox.syscall_numbers import ARCHITECTURES, Architecture, named

PROCESSORS = [ARCHITECTURES["x86_64"], ARCHITECTURES["aarch64"]]
OWN_PID = 4711
REFUSED, DENIED, UNKNOWN = (bpf.refused(each) for each in (errno.EPERM, errno.EACCES, errno.ENOSYS))
READ_ONLY, CREATED = 0o2000000, 0o2000101


def verdict(
    program: bpf.Program, processor: Architecture, number: int, *arguments: int, audit: int = 0
) -> int:
    """What the kernel would decide over a system call."""
    words = {0: number, 4: audit or processor.audit}
    for position in range(6):
        value = arguments[position] if position < len(arguments) else 0
        words[16 + 8 * position] = value & 0xFFFFFFFF
        words[20 + 8 * position] = value >> 32 & 0xFFFFFFFF
    held = at = 0
    while True:
        each = program[at]
        at += 1
        match each.kind:
            case bpf.LOAD:
                held = words[each.operand]
            case bpf.AND:
                held &= each.operand
            case bpf.EQUAL:
                at += each.when if held == each.operand else each.otherwise
            case bpf.AT_LEAST:
                at += each.when if held >= each.operand else each.otherwise
            case bpf.RETURN:
                return each.operand


@pytest.mark.parametrize("processor", PROCESSORS, ids=["x86_64", "aarch64"])
@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        ("read", (0,), bpf.ALLOW),
        ("mmap", (0,), bpf.ALLOW),
        ("exit_group", (0,), bpf.ALLOW),
        ("openat", (-100, 1, READ_ONLY), bpf.ALLOW),
        ("openat", (-100, 1, CREATED), DENIED),
        ("openat", (-100, 1, 0o2), DENIED),
        ("clone", (0x3D0F00,), bpf.ALLOW),
        ("clone", (0x1200011,), REFUSED),
        ("clone", (0x3D0F00 | 0x40000000,), REFUSED),
        ("kill", (OWN_PID, 6), bpf.ALLOW),
        ("kill", (1, 9), REFUSED),
        ("kill", (-1, 9), REFUSED),
        ("tgkill", (OWN_PID, OWN_PID, 6), bpf.ALLOW),
        ("tgkill", (1, 1, 6), REFUSED),
        ("prctl", (15, 1), bpf.ALLOW),
        ("prctl", (1, 0), REFUSED),
        ("prlimit64", (0, 7, 0, 1), bpf.ALLOW),
        ("prlimit64", (0, 7, 1, 0), REFUSED),
        ("prlimit64", (0, 7, 1 << 32, 0), REFUSED),
        ("prlimit64", (1, 7, 0, 1), REFUSED),
        ("ioctl", (0, 0x5401), bpf.ALLOW),
        ("ioctl", (0, 0x5412), bpf.refused(errno.ENOTTY)),
        ("fcntl", (0, 3), bpf.ALLOW),
        ("fcntl", (0, 8, 1), REFUSED),
        ("socketpair", (1, 0o2000001, 0), bpf.ALLOW),
        ("socketpair", (1, 2, 0), REFUSED),
        ("socketpair", (2, 1, 0), REFUSED),
        ("sendto", (3, 1, 1, 0, 0, 0), bpf.ALLOW),
        ("sendto", (3, 1, 1, 0, 1 << 40, 0), REFUSED),
        ("socket", (2, 1, 0), DENIED),
        ("socket", (1, 1, 0), DENIED),
        ("connect", (3, 1, 1), DENIED),
        ("execve", (1, 1, 1), REFUSED),
        ("execveat", (1, 1, 1), REFUSED),
        ("ptrace", (16, 1), REFUSED),
        ("process_vm_readv", (1,), REFUSED),
        ("keyctl", (0,), REFUSED),
        ("bpf", (0,), REFUSED),
        ("mount", (0,), REFUSED),
        ("unshare", (0,), REFUSED),
        ("open_by_handle_at", (0,), REFUSED),
        ("setsid", (), REFUSED),
    ],
)
def test_what_a_parser_may_call(
    processor: Architecture, call: str, arguments: tuple[int, ...], expected: int
) -> None:
    """Reading, computing and threads are allowed; everything else is refused."""
    number = processor.number(call)
    assert number is not None
    assert verdict(parser_filter(processor, OWN_PID), processor, number, *arguments) == expected


@pytest.mark.parametrize("processor", PROCESSORS, ids=["x86_64", "aarch64"])
@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        ("execve", (1, 1, 1), bpf.ALLOW),
        ("clone", (0x1200011,), bpf.ALLOW),
        ("clone", (0x10000000,), REFUSED),
        ("socket", (1, 1, 0), bpf.ALLOW),
        ("socket", (1, 2, 0), DENIED),
        ("socket", (2, 1, 0), DENIED),
        ("socket", (10, 1, 0), DENIED),
        ("connect", (3, 1, 1), REFUSED),
        ("ptrace", (16, 1), REFUSED),
        ("setsid", (), REFUSED),
        ("unshare", (0,), REFUSED),
    ],
)
def test_what_a_converter_may_call(
    processor: Architecture, call: str, arguments: tuple[int, ...], expected: int
) -> None:
    """A program may start and write; it may not connect, look into others or leave its group."""
    number = processor.number(call)
    assert number is not None
    assert verdict(program_filter(processor), processor, number, *arguments) == expected


@pytest.mark.parametrize("processor", PROCESSORS, ids=["x86_64", "aarch64"])
def test_what_is_new_to_the_filter_is_unknown(processor: Architecture) -> None:
    """Calls of newer kernels, such as clone3, io_uring and pidfd, do not exist in the sandbox."""
    for program in (parser_filter(processor, OWN_PID), program_filter(processor)):
        for number in (424, 425, 434, 435, 437, 438, 460, 500, 0x40000000):
            assert verdict(program, processor, number) == UNKNOWN


@pytest.mark.parametrize("processor", PROCESSORS, ids=["x86_64", "aarch64"])
def test_numbers_of_another_processor_end_the_process(processor: Architecture) -> None:
    """A call by the numbers of 32 bits, where 11 is exec, is not looked up in the wrong table."""
    for program in (parser_filter(processor, OWN_PID), program_filter(processor)):
        assert verdict(program, processor, 11, audit=0x40000003) == bpf.KILL


@pytest.mark.parametrize("processor", PROCESSORS, ids=["x86_64", "aarch64"])
def test_programs_are_what_the_kernel_takes(processor: Architecture) -> None:
    """No program is longer than the kernel allows, jumps out of itself or runs past its end."""
    for program in (parser_filter(processor, OWN_PID), program_filter(processor)):
        assert len(program) < 4096
        assert len(bpf.packed(program)) == 8 * len(program)
        assert program[-1].kind == bpf.RETURN
        for at, each in enumerate(program):
            assert at + 1 + max(each.when, each.otherwise) < len(program) + 1
            assert max(each.when, each.otherwise) < 256


def numbers(header: str, *options: str) -> dict[str, int]:
    """The system calls of a kernel header, as the compiler reads it."""
    command = ["cc", "-E", "-dM", "-x", "c", *options, "-include", header, "/dev/null"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    raw: dict[str, str] = dict(re.findall(r"#define __NR_(\w+) (\S+)", said))
    wide: dict[str, str] = dict(re.findall(r"#define __NR3264_(\w+) (\d+)", said))
    told = {}
    for name, value in raw.items():
        number = wide.get(value.removeprefix("__NR3264_"), value)
        if number.isdigit():
            told[name] = int(number)
    return told


@pytest.mark.parametrize(
    ("machine", "header", "options"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", ()),
        ("aarch64", "/usr/include/asm-generic/unistd.h", ("-D__BITS_PER_LONG=64",
         "-D__ARCH_WANT_RENAMEAT", "-D__ARCH_WANT_NEW_STAT", "-D__ARCH_WANT_SET_GET_RLIMIT")),
    ],
)  # fmt: skip
def test_numbers_are_those_of_the_kernel(
    machine: str, header: str, options: tuple[str, ...]
) -> None:
    """The table of system calls is what the kernel's headers say, for both processors."""
    if not Path(header).exists():
        pytest.skip("the kernel's headers are not installed")
    said = numbers(header, *options)
    ours = {name: ARCHITECTURES[machine].number(name) for name in named()}
    assert ours == {name: said.get(name) for name in named()}
