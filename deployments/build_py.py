"""What a wheel gets beside the packages: files that lie at the top of a checkout.

`pipeline.installation` finds them in either place. Setuptools reads this module while it builds,
before anything of ours is installed: it imports nothing of ours.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools.command.build_py import build_py

DATA = Path("deployments/data")
SHIPPED = ("prefect.yaml", "samples/files/*")


class BuildWithData(build_py):  # type: ignore[misc]  # setuptools is untyped
    """Copies the shipped files into the wheel; an editable install finds them in the checkout."""

    def run(self) -> None:
        """Build the packages, then add the files."""
        super().run()
        if not self.editable_mode:
            for source, target in self._shipped():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Every file that is built, the shipped ones too."""
        outputs: list[str] = super().get_outputs(include_bytecode)
        if self.editable_mode:
            return outputs
        return [*outputs, *(str(target) for _, target in self._shipped())]

    def _shipped(self) -> list[tuple[Path, Path]]:
        here, built = Path.cwd(), Path(self.build_lib) / DATA
        found = [path for pattern in SHIPPED for path in sorted(here.glob(pattern))]
        return [(path, built / path.relative_to(here)) for path in found]
