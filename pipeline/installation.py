"""Locates the files that this installation reads: of a checkout, an image or a wheel."""

from __future__ import annotations

from pathlib import Path

from pipeline.child_processes import ROOT

_DATA_OF_WHEEL = ROOT / "deployments" / "data"


def prefect_file() -> Path:
    """prefect.yaml: the deployments."""
    return _shipped("prefect.yaml")


def sample_files() -> Path:
    """The folder of sample documents; an image has none."""
    return _shipped("samples/files")


def _shipped(name: str) -> Path:
    """At the top of a checkout or an image; among the packages of a wheel."""
    in_wheel = _DATA_OF_WHEEL / name
    return in_wheel if in_wheel.exists() else ROOT / name
