"""Spawns a parser's worker process without any secret in its environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict

from pipeline.child_processes import NEUTRAL_FOLDER, safe_search_paths
from pipeline.parsing.options import ParseOptions
from pipeline.private_files import PRIVATE_UMASK
from pipeline.process_privacy import hide_this_process

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from clients.parser_pool.inside import main; main(sys.argv[2])"
)
# A worker reads hostile files: it gets no key, no password and no database address.
_KEPT_ENVIRONMENT = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "TESSDATA_PREFIX",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV",
)  # fmt: skip
# Threads of a library that start with it would stay outside of the sandbox.
_ENVIRONMENT = {"OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


def spawn(
    functions: Mapping[str, str], options: ParseOptions, content_fd: int, scratch: str | None = None
) -> subprocess.Popen[bytes]:
    """Start a worker; its first frame says that it is ready, and in which cell.

    The process that calls this is hidden from others of its user, as the worker may be one.

    Args:
        functions: what it can do, by name: module and function.
        options: without passwords, since anybody may read a process's arguments.
        content_fd: the file that both processes hold open.
        scratch: a folder of this worker alone, for what it converts with other programs.
    """
    assert not options.passwords
    hide_this_process()
    start = {
        "parent": os.getpid(),
        "functions": dict(functions),
        "options": asdict(options),
        "content_fd": content_fd,
        "scratch": scratch,
    }
    given = {**os.environ, **safe_search_paths(os.environ)}
    kept = {name: given[name] for name in _KEPT_ENVIRONMENT if name in given}
    modules = [folder for folder in sys.path if os.path.isabs(folder)]  # noqa: PTH117
    # -P keeps this folder off sys.path, where our html.py would hide the standard one.
    return subprocess.Popen(  # noqa: S603 — our own interpreter and module
        [sys.executable, "-P", "-c", _BOOT, json.dumps(modules), json.dumps(start)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # native messages may quote the document
        pass_fds=(content_fd,),
        cwd=NEUTRAL_FOLDER,
        env=kept | _ENVIRONMENT,
        umask=PRIVATE_UMASK,
        start_new_session=True,  # Ctrl-C reaches the parent alone, which decides
    )
