"""Verifies an environment in a process of its own, which can be ended and has its variables.

`python -m deployments.releases.verification_process FOLDER [RELEASE]` reads environment.json and
baseline.json in the folder, writes verification.json there, and prints each step. After a release
was taken back another environment is verified than the one that was entered: the old settings.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deployments.environment import Environment
from deployments.releases.deployment_parts import Verdict
from pipeline.child_processes import (
    NEUTRAL_FOLDER,
    child_environment,
    die_with_parent,
    last_words,
    module_command,
)
from pipeline.errors import NavigatorError, ServiceUnavailable
from pipeline.settings import load_settings

_ENVIRONMENT, _BASELINE, _ANSWER = "environment.json", "baseline.json", "verification.json"
_EXTRA_SECONDS = 120
_FIRST = 3


class VerifiedInAProcess:
    """Verifies by this program's code, whatever release the environment runs.

    Args:
        told: called with each step.
    """

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told

    async def __call__(
        self, environment: Environment, variables: Mapping[str, str], baseline: bytes,
        release: str | None,
    ) -> Verdict:  # fmt: skip
        """What the verification finds.

        Raises:
            ServiceUnavailable: it does not end in its time.
        """
        with tempfile.TemporaryDirectory(prefix="navigator-verification-") as folder:
            self._write(Path(folder), environment, baseline)
            seconds = environment.verification.within_seconds + _EXTRA_SECONDS
            await asyncio.to_thread(_run, folder, release, variables, seconds, self._told)
            return verdict_of(Path(folder) / _ANSWER)

    @staticmethod
    def _write(folder: Path, environment: Environment, baseline: bytes) -> None:
        (folder / _ENVIRONMENT).write_text(environment.model_dump_json(), "utf-8")
        (folder / _BASELINE).write_bytes(baseline)


def _run(
    folder: str,
    release: str | None,
    variables: Mapping[str, str],
    seconds: float,
    told: Callable[[str], None],
) -> None:
    module = "deployments.releases.verification_process"
    command = module_command(module, folder, *([release] if release else []))
    with subprocess.Popen(  # noqa: S603
        command, env=child_environment(variables), cwd=NEUTRAL_FOLDER, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent,
    ) as process:  # fmt: skip
        over = threading.Timer(seconds, process.kill)
        over.start()
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            told(line.rstrip("\n"))
        said = process.stderr.read()
        process.wait()
        late = not over.is_alive()
        over.cancel()
    if late:
        raise ServiceUnavailable(
            f"The verification has not ended in {seconds:.0f} s.",
            remedy="Look what the worker does with the canaries.",
        )
    if process.returncode != 0:
        raise ServiceUnavailable(
            f"The verification failed: {last_words(process.returncode, said)}",
            remedy="Run `navigator verify` by hand.",
        )


def verdict_of(answer: Path) -> Verdict:
    """The verdict in an answer's file, its reason the first things that failed."""
    told: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    if told.get("verified"):
        return Verdict(told)
    wrong = [each for each in told.get("findings", ()) if each["outcome"] in ("failed", "left out")]
    named = "; ".join(
        f"{each['part']}, {each['name']}: expected {each['expected'] or 'an answer'}, "
        f"found {each['found']}"
        for each in wrong[:_FIRST]
    )
    more = f"; and {len(wrong) - _FIRST} more" if len(wrong) > _FIRST else ""
    return Verdict(told, f"{told.get('summary', 'It is not verified.')} {named}{more}")


def main(arguments: Sequence[str]) -> int:
    """Verify, and write the answer; the exit code."""
    from deployments.verification.baseline import Baseline
    from deployments.verification.verifying import verify

    folder, release = Path(arguments[0]), arguments[1] if len(arguments) > 1 else None
    environment = Environment.model_validate_json((folder / _ENVIRONMENT).read_text("utf-8"))
    try:
        baseline = Baseline.model_validate_json((folder / _BASELINE).read_text("utf-8"))
        found = asyncio.run(
            verify(environment, load_settings(), baseline, release=release, told=_say)
        ).as_json()
    except NavigatorError as error:
        found = {"verified": False, "summary": f"{error.message} {error.remedy}".strip()}
    (folder / _ANSWER).write_text(json.dumps(found), "utf-8")
    return 0


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
