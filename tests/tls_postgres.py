"""A Postgres of this machine, if it has one that speaks TLS, which takes connections by TLS alone.

The embedded one is built without TLS.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.loopback import free_port
from pipeline.store.embedded_identity import identity
from tests.clients.authority import Authority

USER = "administrator"
_SECONDS = 60


def programs() -> Path:
    """The folder of an installed Postgres's programs; skips the test when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no Postgres with TLS is installed")
    return found[-1].parent


@contextmanager
def tls_postgres(authority: Authority) -> Iterator[int]:
    """The port of a new one; its certificate is for 127.0.0.1."""
    where, who, port = programs(), identity(), free_port()
    # Directly below /tmp: Postgres's own account has to get there.
    folder = Path(tempfile.mkdtemp(prefix="nav-tls-"))

    def run(name: str, arguments: Sequence[str]) -> None:
        subprocess.run(
            [str(where / name), "--pgdata", str(folder), *arguments],
            cwd="/", check=True, timeout=_SECONDS, stdout=subprocess.DEVNULL,
            user=who.uid if who.apart else None, group=who.gid if who.apart else None,
            extra_groups=[] if who.apart else None, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )  # fmt: skip

    try:
        os.chown(folder, who.uid, who.gid)
        run("initdb", ["--auth=trust", "--encoding=utf8", f"--username={USER}"])
        authority.context()
        certificate = folder / "server.pem"
        certificate.write_bytes((authority.folder / "service.pem").read_bytes())
        certificate.chmod(0o600)
        os.chown(certificate, who.uid, who.gid)
        (folder / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")
        files = "-c ssl_cert_file=server.pem -c ssl_key_file=server.pem"
        options = f"-h 127.0.0.1 -p {port} -k {folder} -c ssl=on {files}"
        run("pg_ctl", ["start", "--wait", f"--log={folder}/log", f"--options={options}"])
        try:
            yield port
        finally:
            run("pg_ctl", ["stop", "--mode=immediate"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
