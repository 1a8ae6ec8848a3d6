"""Finds parsers, embedders, sources and checks by name: our own, and those of installed packages.

A package adds one by an entry point in the group of its kind; docs/extending.md shows each. Names
are all that is looked at until one is chosen: no code of a package runs before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pipeline.errors import ConfigurationError


@cache
def _installed(group: str) -> Mapping[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=group)}


@dataclass(frozen=True)
class PluginGroup:
    """One kind of plug-in.

    Attributes:
        group: of the entry points that add to it.
        kind: what a person calls it.
        built_in: our own by name, each as ``module:attribute``.
    """

    group: str
    kind: str
    built_in: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Every name that can be chosen; ours first."""
        return [*self.built_in, *sorted(set(_installed(self.group)) - set(self.built_in))]

    def knows(self, name: str) -> bool:
        """Whether a name can be chosen; packages are looked through only for what is not ours."""
        return name in self.built_in or name in _installed(self.group)

    def load(self, name: str) -> Any:
        """What the name stands for; a package cannot take the place of our own.

        Raises:
            ConfigurationError: there is no such name, or its package cannot be imported.
        """
        if target := self.built_in.get(name):
            module, _, attribute = target.partition(":")
            return getattr(import_module(module), attribute)
        entry = _installed(self.group).get(name)
        if entry is None:
            raise ConfigurationError(
                f"There is no {self.kind} {name!r}.", remedy=f"One of: {', '.join(self.names())}."
            )
        try:
            return entry.load()
        except Exception as error:
            package = entry.dist.name if entry.dist is not None else entry.value
            raise ConfigurationError(
                f"The {self.kind} {name!r} of the package {package} cannot be loaded "
                f"({type(error).__name__}).",
                remedy="Install the package again, or choose another.",
            ) from error

    def targets(self) -> Mapping[str, str]:
        """The names that packages add, by what each stands for (``module:attribute``)."""
        return {each.value: name for name, each in _installed(self.group).items()}

    def require(self, name: str) -> str:
        """The name, for a validator of settings.

        Raises:
            ValueError: it cannot be chosen.
        """
        if not self.knows(name):
            raise ValueError(f"must be one of {', '.join(self.names())}")
        return name


PARSERS = PluginGroup(
    "insurance_navigator.parsers",
    "parser",
    {"local": "clients.parser:LOCAL", "llamaparse": "clients.llamaparse.plugin:PLUGIN"},
)
"""Who reads files: this machine's own processes, or a service."""

EMBEDDERS = PluginGroup(
    "insurance_navigator.embedders",
    "embedder",
    {
        "wordllama": "clients.local.embedders:WORDLLAMA",
        "onnx": "clients.local.embedders:ONNX",
        "openai": "clients.openai.embedder:PLUGIN",
    },
)
"""Who makes vectors."""

SOURCES = PluginGroup(
    "insurance_navigator.sources",
    "kind of source",
    {
        "file": "clients.sources.folder:PLUGIN",
        "s3": "clients.sources.bucket:PLUGIN",
        "gs": "clients.sources.bucket:PLUGIN",
        "az": "clients.sources.bucket:PLUGIN",
        "imaps": "clients.sources.imap:PLUGIN",
        "imap": "clients.sources.imap:PLUGIN",
    },
)
"""Where documents lie that are read on a schedule, by the scheme of their URL."""

CHECKS = PluginGroup("insurance_navigator.checks", "check")
"""A company's own rules, which the gate adds to ours."""

FLOWS = PluginGroup("insurance_navigator.flows", "flow")
"""A team's own flows, which a warm worker runs beside ours."""
