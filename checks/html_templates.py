"""Makes the Jinja environment of an HTML page: escaped, strict, without stray lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def html_templates(folder: Path, *filters: Callable[..., Any]) -> Environment:
    """The templates of a folder; each filter is known by its function's name."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {each.__name__: each for each in filters}
    return made
