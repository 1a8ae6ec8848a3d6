"""Converts PDFium's coordinates of a page to those of its ink."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.layout import Box


class Frame(NamedTuple):
    """How a page that is not rotated was placed, and turned, when its ink was read.

    Attributes:
        left, top: the page's upper left corner in PDFium's coordinates, which grow upwards.
        turn: clockwise degrees by which the page's text, as it is drawn, stands rotated.
    """

    left: float
    top: float
    width: float
    height: float
    turn: int

    @classmethod
    def of(cls, edges: tuple[float, float, float, float], turn: int) -> Frame:
        """The frame of a page with its left, bottom, right and upper edge."""
        left, bottom, right, top = edges
        return cls(left, top, right - left, top - bottom, turn)

    def place(self, left: float, bottom: float, right: float, top: float) -> Box:
        """A rectangle as PDFium gives it, in the coordinates of the ink."""
        l, t, r, b = left - self.left, self.top - top, right - self.left, self.top - bottom  # noqa: E741
        match self.turn:
            case 90:
                return Box(t, self.width - r, b, self.width - l)
            case 180:
                return Box(self.width - r, self.height - b, self.width - l, self.height - t)
            case 270:
                return Box(self.height - b, l, self.height - t, r)
        return Box(l, t, r, b)

    def back(self, box: Box) -> tuple[float, float, float, float]:
        """A box of the ink as PDFium would give it: left, bottom, right and top."""
        left, top, right, bottom = box
        match self.turn:
            case 90:
                left, top, right, bottom = self.width - bottom, left, self.width - top, right
            case 180:
                left, right = self.width - right, self.width - left
                top, bottom = self.height - bottom, self.height - top
            case 270:
                left, top, right, bottom = top, self.height - right, bottom, self.height - left
        return left + self.left, self.top - bottom, right + self.left, self.top - top
