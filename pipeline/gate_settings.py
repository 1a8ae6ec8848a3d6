"""Settings of the quality gate. Part of `pipeline.settings`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from pipeline.env_source import SourcedSettings
from pipeline.gate_limits import RuleLimit, changed_limits, read_changes


class GateSettings(SourcedSettings):
    """What an operator sets of the gate."""

    gaps: Literal["publish", "refuse"] = Field(
        default="publish", description="What becomes of a document that was not read whole."
    )
    gate_limits: dict[str, Any] = Field(
        default_factory=dict, description="JSON object: rules with another limit or severity."
    )
    gate_file: Path | None = Field(
        default=None, description="The same in a file, TOML or JSON; the variable goes first."
    )

    checks: str = Field(
        default="", description="Names of installed packages' rules, with commas: put in force."
    )
    gate_suite_file: Path | None = Field(
        default=None, description="A suite file of Great Expectations, added to ours."
    )

    @property
    def check_names(self) -> tuple[str, ...]:
        """The names in `checks`."""
        return tuple(name.strip() for name in self.checks.split(",") if name.strip())

    @model_validator(mode="after")
    def _known_rules(self) -> GateSettings:
        try:
            limits = changed_limits(read_changes(self.gate_file) if self.gate_file else {})
        except ValueError as error:
            raise ValueError(f"NAVIGATOR_GATE_FILE: {error}") from None
        try:
            self._limits = changed_limits(self.gate_limits, limits)
        except ValueError as error:
            raise ValueError(f"NAVIGATOR_GATE_LIMITS: {error}") from None
        return self

    _limits: dict[str, RuleLimit] = PrivateAttr(default_factory=dict)

    @property
    def rule_limits(self) -> Mapping[str, RuleLimit]:
        """The limit of every rule."""
        return self._limits
