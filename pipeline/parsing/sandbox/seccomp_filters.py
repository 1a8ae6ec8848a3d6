"""The two seccomp filters: of a parser, and of a program that converts for it.

The parser's names what it may do, and refuses all else. The other one names what is refused, for
nobody knows every call that LibreOffice makes.
"""

from __future__ import annotations

import errno

from pipeline.parsing.sandbox.bpf import ALLOW, Check, Program, Rule, program, refused
from pipeline.parsing.sandbox.syscall_numbers import Architecture

_NEW_CALLS_FROM = 424
"""From here on libraries try a call and fall back when the kernel does not know it."""

_MEMORY = "mmap munmap mprotect mremap madvise mincore brk mbind"
_FILES = (
    "read readv pread64 preadv write writev pwrite64 lseek close close_range fstat newfstatat "
    "stat lstat statx access faccessat faccessat2 readlink readlinkat getdents getdents64 getcwd "
    "statfs fstatfs fadvise64 dup dup2 dup3 umask"
)
_WAITING = (
    "poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait "
    "epoll_pwait2 eventfd eventfd2 pipe pipe2 nanosleep clock_nanosleep restart_syscall"
)
_THREADS = (
    "futex futex_waitv set_robust_list rseq set_tid_address sched_yield sched_getaffinity "
    "membarrier arch_prctl rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending "
    "rt_sigtimedwait sigaltstack exit exit_group"
)
_ASKING = (
    "clock_gettime clock_getres gettimeofday time times getrusage getrlimit uname sysinfo getcpu "
    "getpid gettid getppid getpgrp getuid geteuid getgid getegid getresuid getresgid getgroups "
    "getrandom recvfrom shutdown getsockname getpeername getsockopt"
)

_THREAD, _SHARED_MEMORY = 0x00010000, 0x00000100
_NEW_NAMESPACES = 0x7E020080
_OPENED_TO_WRITE = 0o3 | 0o100 | 0o1000  # O_ACCMODE, O_CREAT, O_TRUNC
_LOCAL_SOCKET, _STREAM, _SOCKET_KIND = (1,), (1,), 0xF
_COPY_AND_FLAGS = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, …_CLOEXEC
_NAMES = (15, 16, 0x53564D41)  # of threads, and of memory
_TERMINAL_AND_FLAGS = (0x5401, 0x541B, 0x5450, 0x5451)  # TCGETS, FIONREAD, FIONCLEX, FIOCLEX

_REFUSED_TO_PROGRAMS = (
    "connect ptrace process_vm_readv process_vm_writev keyctl add_key request_key bpf mount "
    "umount2 pivot_root chroot unshare setns perf_event_open userfaultfd kexec_load "
    "kexec_file_load init_module finit_module delete_module reboot swapon swapoff "
    "open_by_handle_at name_to_handle_at acct quotactl syslog settimeofday clock_settime adjtimex "
    "clock_adjtime sethostname setdomainname iopl ioperm mknod mknodat kcmp fanotify_init shmget "
    "semget msgget mq_open setsid setpgid"
)
_NEVER = (Check(0, ()),)


def parser_filter(processor: Architecture, own_pid: int) -> Program:
    """Allows reading, computing, threads and what was opened before; refuses everything else.

    Args:
        own_pid: the only process that may be signaled.
    """
    plain = " ".join((_MEMORY, _FILES, _WAITING, _THREADS, _ASKING)).split()
    rules = [*(Rule(call) for call in plain), *_with_conditions(own_pid)]
    return _program(processor, rules, refused(errno.EPERM))


def program_filter(processor: Architecture) -> Program:
    """Refuses the network, other processes and the kernel's own affairs; allows everything else."""
    rules = [Rule(call, _NEVER) for call in _REFUSED_TO_PROGRAMS.split()]
    local = (Check(0, _LOCAL_SOCKET), Check(1, _STREAM, _SOCKET_KIND))
    rules += [Rule(call, local, errno.EACCES) for call in ("socket", "socketpair")]
    rules.append(Rule("clone", (Check(0, (0,), _NEW_NAMESPACES),)))
    return _program(processor, rules, ALLOW)


def _program(processor: Architecture, rules: list[Rule], otherwise: int) -> Program:
    return program(
        processor,
        rules,
        otherwise=otherwise,
        new_calls_from=_NEW_CALLS_FROM,
        new_calls=refused(errno.ENOSYS),
    )


def _with_conditions(own_pid: int) -> list[Rule]:
    is_thread = _THREAD | _SHARED_MEMORY
    to_read = Check(2, (0,), _OPENED_TO_WRITE)
    pair = (Check(0, _LOCAL_SOCKET), Check(1, _STREAM, _SOCKET_KIND))
    return [
        Rule("openat", (to_read,), errno.EACCES),
        Rule("open", (Check(1, (0,), _OPENED_TO_WRITE),), errno.EACCES),
        Rule("ioctl", (Check(1, _TERMINAL_AND_FLAGS),), errno.ENOTTY),
        Rule("fcntl", (Check(1, _COPY_AND_FLAGS),)),
        Rule("clone", (Check(0, (is_thread,), is_thread | _NEW_NAMESPACES),)),
        Rule("kill", (Check(0, (own_pid,)),)),
        Rule("tgkill", (Check(0, (own_pid,)),)),
        Rule("prctl", (Check(0, _NAMES),)),
        Rule("prlimit64", (Check(0, (0,)), *_no_address(2))),
        # the wake-up of a library's own threads: connected to itself, and to nothing else
        Rule("socketpair", pair),
        Rule("sendto", _no_address(4)),
        Rule("socket", _NEVER, errno.EACCES),
        Rule("connect", _NEVER, errno.EACCES),
    ]


def _no_address(argument: int) -> tuple[Check, Check]:
    return Check(argument, (0,)), Check(argument, (0,), high=True)
