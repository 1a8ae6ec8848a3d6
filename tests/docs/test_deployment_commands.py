"""The pages' commands about environments and manifests run, or are said not to be run."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.navigating import Navigator
from tests.rooms import ROOT

HEADINGS = {"releases.md": "Environments", "deployment.md": "Kubernetes and CloudFormation"}
PAGES = {page: (ROOT / "docs" / page).read_text("utf-8") for page in HEADINGS}
NOT_RUN = "# not run here"
# What tests of these modules in tests/deployments run: they write files into the checkout, or
# install what only they need.
ELSEWHERE = {
    "python -m deployments.kubernetes_files": "test_kubernetes.py",
    "cfn-lint deployments/cloudformation/navigator.yaml": "test_cloudformation.py",
}


def commands() -> Iterator[str]:
    """Every command of the two sections that is not said not to be run."""
    for page, heading in HEADINGS.items():
        section = PAGES[page].split(f"\n## {heading}\n")[1].split("\n## ")[0]
        for line in re.findall(r"^\$ (.+)$", section, re.MULTILINE):
            if not line.endswith(NOT_RUN):
                yield line.partition(" # ")[0].strip()


@pytest.mark.parametrize("command", list(commands()))
def test_a_command_of_the_page_works(command: str, tmp_path: Path) -> None:
    """It ends well, or with a sentence where the shipped example has no server and secrets."""
    if command in ELSEWHERE:
        assert (ROOT / "tests" / "deployments" / ELSEWHERE[command]).is_file()
        return
    program, *arguments = shlex.split(command)
    if program == "kubectl":
        if (kubectl := shutil.which(program)) is None:
            pytest.skip("kubectl is not installed, and with it kustomize")
        done = subprocess.run([kubectl, *arguments], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout, done.stderr
        return
    assert program == "navigator"
    ended = Navigator(tmp_path / "home").here(*arguments)
    told = ended.out + ended.err
    if arguments == ["env", "check", "staging"]:  # the example's server and secrets are nowhere
        assert ended.code == 1 and "variable STAGING_DATABASE_URL" in told
    elif arguments[0] == "--environment":
        assert ended.code == 2 and "variable STAGING_DATABASE_URL" in told
    else:
        assert ended.code == 0 and "staging" in told, told


def test_the_page_has_commands() -> None:
    """What is taken from the page is not nothing, and says what is not run."""
    assert len(list(commands())) >= 9 and "".join(PAGES.values()).count(NOT_RUN) == 3
