"""Draws small inline SVG charts: columns and horizontal bars, titled, described and labeled.

Colors are CSS classes of the page, so that light, dark and print each have theirs. The drawing is
360 units wide, so that its text is readable on a phone, and grows with the page.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 360
_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 38, 16, 14, 34, 176
_ROW, _BAR = 36, 12
_NOT_IN_ID = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Segment:
    """A colored length: what it is, how much, and the CSS class of its color."""

    name: str
    value: float
    tone: str = "accent"


@dataclass(frozen=True, slots=True)
class Bar:
    """A labeled row or column, of one or more parts."""

    label: str
    parts: tuple[Segment, ...]

    @property
    def total(self) -> float:
        return sum(part.value for part in self.parts)


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across the columns at a place between 0 (left) and 1 (right)."""

    place: float
    label: str


Shown = Callable[[float], str]


def plain(value: float) -> str:
    """A number with thousands separators and without needless decimals."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.3g}"


def columns(
    bars: Sequence[Bar],
    *,
    title: str,
    x_label: str = "",
    shown: Shown = plain,
    edges: Sequence[str] | None = None,
    mark: Mark | None = None,
) -> Markup:
    """A column for each bar.

    Args:
        title: read out and shown as the tooltip.
        x_label: what stands below the columns.
        shown: how a value is written.
        edges: labels between the columns (one more than bars) instead of one below each.
        mark: a threshold.
    """
    top = _nice(max((bar.total for bar in bars), default=0))
    width = (WIDTH - _LEFT - _RIGHT) / max(len(bars), 1)
    body = [_grid(top, shown)]
    for number, bar in enumerate(bars):
        body.append(_column(bar, _LEFT + number * width, width, top, shown))
    body.append(_x_labels(edges or [bar.label for bar in bars], width, centered=edges is None))
    if x_label:
        body.append(_text((_LEFT + WIDTH - _RIGHT) / 2, _HEIGHT - 4, x_label, "middle", "axis"))
    if mark:
        body.append(_mark(mark))
    description = "; ".join(f"{bar.label}: {shown(bar.total)}" for bar in bars if bar.total)
    return _svg(_HEIGHT, title, description, body)


def rows(bars: Sequence[Bar], *, title: str, shown: Shown = plain) -> Markup:
    """A horizontal bar for each, longest possible for the largest total, label above it."""
    top = max((bar.total for bar in bars), default=0) or 1
    body: list[Markup] = []
    for number, bar in enumerate(bars):
        y = number * _ROW
        body.append(_text(0, y + 13, _shorten(bar.label, 42), "start", "label", bar.label))
        body.append(_text(WIDTH, y + 13, shown(bar.total), "end", "value"))
        body.append(_rect(0, y + 18, WIDTH, _BAR, "track", ""))
        x = 0.0
        for part in bar.parts:
            length = WIDTH * part.value / top
            tip = f"{bar.label}, {part.name}: {shown(part.value)}"
            body.append(_rect(x, y + 18, length, _BAR, part.tone, tip))
            x += length
    description = "; ".join(f"{bar.label}: {shown(bar.total)}" for bar in bars)
    return _svg(max(len(bars), 1) * _ROW, title, description, body)


def _svg(height: float, title: str, description: str, body: Sequence[Markup]) -> Markup:
    name = _NOT_IN_ID.sub("-", title.lower())
    return Markup(
        '<svg viewBox="0 0 {w} {h}" role="img" aria-labelledby="{n}-title {n}-data">'
        '<title id="{n}-title">{title}</title><desc id="{n}-data">{description}</desc>{body}</svg>'
    ).format(
        w=WIDTH,
        h=height,
        n=name,
        title=title,
        description=description,
        body=Markup("").join(body),
    )


def _column(bar: Bar, x: float, width: float, top: float, shown: Shown) -> Markup:
    pieces, base = [], 0.0
    for part in bar.parts:
        y, lower = _y(base + part.value, top), _y(base, top)
        # A small count beside a large one still has to be seen.
        height = max(lower - y, 1.5) if part.value else 0.0
        tip = f"{bar.label}, {part.name}: {shown(part.value)}"
        pieces.append(_rect(x + width * 0.08, lower - height, width * 0.84, height, part.tone, tip))
        base += part.value
    return Markup("").join(pieces)


def _grid(top: float, shown: Shown) -> Markup:
    pieces = []
    # Half a document is no number.
    for step in (0.0, 1.0) if top == 1 and shown is plain else (0.0, 0.5, 1.0):
        y = _y(top * step, top)
        pieces.append(
            Markup('<line x1="{}" y1="{:.1f}" x2="{}" y2="{:.1f}" class="grid"/>').format(
                _LEFT, y, WIDTH - _RIGHT, y
            )
        )
        pieces.append(_text(_LEFT - 4, y + 3.5, shown(top * step), "end", "axis"))
    return Markup("").join(pieces)


def _x_labels(labels: Sequence[str], width: float, *, centered: bool) -> Markup:
    every = max(1, math.ceil(len(labels) / 6))
    start = _LEFT + (width / 2 if centered else 0)
    return Markup("").join(
        _text(start + number * width, _HEIGHT - _BOTTOM + 14, label, "middle", "axis")
        for number, label in enumerate(labels)
        if number % every == 0
    )


def _mark(mark: Mark) -> Markup:
    x = _LEFT + mark.place * (WIDTH - _LEFT - _RIGHT)
    line = Markup('<line x1="{x:.1f}" y1="{t}" x2="{x:.1f}" y2="{b}" class="mark"/>').format(
        x=x, t=_TOP - 2, b=_HEIGHT - _BOTTOM
    )
    anchor = "end" if mark.place > 0.5 else "start"
    return line + _text(x + (-4 if mark.place > 0.5 else 4), _TOP - 4, mark.label, anchor, "axis")


def _rect(x: float, y: float, width: float, height: float, tone: str, tip: str) -> Markup:
    return Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}">{}</rect>'
    ).format(x, y, width, height, tone, Markup("<title>{}</title>").format(tip) if tip else "")


def _text(x: float, y: float, text: str, anchor: str, kind: str, full: str = "") -> Markup:
    tip = Markup("<title>{}</title>").format(full) if full else ""
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}{}</text>').format(
        x, y, anchor, kind, tip, text
    )


def _y(value: float, top: float) -> float:
    plot = _HEIGHT - _TOP - _BOTTOM
    return _TOP + plot * (1 - value / top)


def _nice(value: float) -> float:
    """The next round number, of which half reads well too."""
    if value <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(
        step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * 0.9999
    )


def _shorten(text: str, length: int) -> str:
    """The beginning and the end of a name, for the end of a path tells it apart."""
    if len(text) <= length:
        return text
    half = (length - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
