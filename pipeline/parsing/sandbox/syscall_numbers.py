"""Numbers of the system calls that the filters name, by processor."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Architecture:
    """A processor as the kernel's filter sees it.

    Attributes:
        audit: the constant AUDIT_ARCH_… of its calls.
        column: of its numbers in `_NUMBERS`.
    """

    audit: int
    column: int

    def number(self, call: str) -> int | None:
        """The number of a system call; None where the processor has no such call.

        Raises:
            KeyError: the table does not name the call.
        """
        return _NUMBERS[call][self.column]


ARCHITECTURES = MappingProxyType(
    {
        "x86_64": Architecture(audit=0xC000003E, column=0),
        "aarch64": Architecture(audit=0xC00000B7, column=1),
        "arm64": Architecture(audit=0xC00000B7, column=1),
    }
)
"""By the machine's name."""


def architecture() -> Architecture | None:
    """This machine's; None when it is one that the filter does not know."""
    return ARCHITECTURES.get(platform.machine())


def named() -> frozenset[str]:
    """Every system call that the table names."""
    return frozenset(_NUMBERS)


# From the kernel's headers: x86_64 first, then aarch64 (asm-generic). A test compares them.
_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "access": (21, None), "acct": (163, 89), "add_key": (248, 217), "adjtimex": (159, 171),
    "arch_prctl": (158, None), "bpf": (321, 280), "brk": (12, 214), "chroot": (161, 51),
    "clock_adjtime": (305, 266), "clock_getres": (229, 114), "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115), "clock_settime": (227, 112), "clone": (56, 220),
    "close": (3, 57), "close_range": (436, 436), "connect": (42, 203),
    "delete_module": (176, 106), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "epoll_create": (213, None), "epoll_create1": (291, 20), "epoll_ctl": (233, 21),
    "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441), "epoll_wait": (232, None),
    "eventfd": (284, None), "eventfd2": (290, 19), "execve": (59, 221), "execveat": (322, 281),
    "exit": (60, 93), "exit_group": (231, 94), "faccessat": (269, 48), "faccessat2": (439, 439),
    "fadvise64": (221, 223), "fanotify_init": (300, 262), "fcntl": (72, 25),
    "finit_module": (313, 273), "fork": (57, None), "fstat": (5, 80), "fstatfs": (138, 44),
    "futex": (202, 98), "futex_waitv": (449, 449), "getcpu": (309, 168), "getcwd": (79, 17),
    "getdents": (78, None), "getdents64": (217, 61), "getegid": (108, 177), "geteuid": (107, 175),
    "getgid": (104, 176), "getgroups": (115, 158), "getpeername": (52, 205),
    "getpgrp": (111, None), "getpid": (39, 172), "getppid": (110, 173), "getrandom": (318, 278),
    "getresgid": (120, 150), "getresuid": (118, 148), "getrlimit": (97, 163),
    "getrusage": (98, 165), "getsockname": (51, 204), "getsockopt": (55, 209),
    "gettid": (186, 178), "gettimeofday": (96, 169), "getuid": (102, 174),
    "init_module": (175, 105), "ioctl": (16, 29), "ioperm": (173, None), "iopl": (172, None),
    "kcmp": (312, 272), "kexec_file_load": (320, 294), "kexec_load": (246, 104),
    "keyctl": (250, 219), "kill": (62, 129), "lseek": (8, 62), "lstat": (6, None),
    "madvise": (28, 233), "mbind": (237, 235), "membarrier": (324, 283), "mincore": (27, 232),
    "mknod": (133, None), "mknodat": (259, 33), "mmap": (9, 222), "mount": (165, 40),
    "mprotect": (10, 226), "mq_open": (240, 180), "mremap": (25, 216), "msgget": (68, 186),
    "munmap": (11, 215), "name_to_handle_at": (303, 264), "nanosleep": (35, 101),
    "newfstatat": (262, 79), "open": (2, None), "open_by_handle_at": (304, 265),
    "openat": (257, 56), "perf_event_open": (298, 241), "pipe": (22, None), "pipe2": (293, 59),
    "pivot_root": (155, 41), "poll": (7, None), "ppoll": (271, 73), "prctl": (157, 167),
    "pread64": (17, 67), "preadv": (295, 69), "prlimit64": (302, 261),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pselect6": (270, 72),
    "ptrace": (101, 117), "pwrite64": (18, 68), "quotactl": (179, 60), "read": (0, 63),
    "readlink": (89, None), "readlinkat": (267, 78), "readv": (19, 65), "reboot": (169, 142),
    "recvfrom": (45, 207), "request_key": (249, 218), "restart_syscall": (219, 128),
    "rseq": (334, 293), "rt_sigaction": (13, 134), "rt_sigpending": (127, 136),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigtimedwait": (128, 137),
    "sched_getaffinity": (204, 123), "sched_yield": (24, 124), "select": (23, None),
    "semget": (64, 190), "sendto": (44, 206), "set_robust_list": (273, 99),
    "set_tid_address": (218, 96), "setdomainname": (171, 162), "sethostname": (170, 161),
    "setns": (308, 268), "setpgid": (109, 154), "setsid": (112, 157), "settimeofday": (164, 170),
    "shmget": (29, 194), "shutdown": (48, 210), "sigaltstack": (131, 132), "socket": (41, 198),
    "socketpair": (53, 199), "stat": (4, None), "statfs": (137, 43), "statx": (332, 291),
    "swapoff": (168, 225), "swapon": (167, 224), "sysinfo": (99, 179), "syslog": (103, 116),
    "tgkill": (234, 131), "time": (201, None), "times": (100, 153), "umask": (95, 166),
    "umount2": (166, 39), "uname": (63, 160), "unshare": (272, 97), "userfaultfd": (323, 282),
    "vfork": (58, None), "write": (1, 64), "writev": (20, 66),
}  # fmt: skip
