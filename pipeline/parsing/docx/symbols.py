"""Maps characters of symbol fonts (Wingdings, Symbol) to what a reader sees."""

from __future__ import annotations

_OFF, _ON = "[ ]", "[x]"
_WINGDINGS = {
    0x6F: _OFF, 0x70: _OFF, 0x71: _OFF, 0x72: _OFF, 0xA8: _OFF, 0x78: _ON, 0xFD: _ON, 0xFE: _ON,
    0xFB: "✗", 0xFC: "✓", 0xA1: "( )", 0xA4: "(x)", 0x6C: "•", 0x6E: "•", 0x76: "•", 0x9F: "•",
    0xA7: "•", 0xD8: "➢", 0xE0: "→", 0xF0: "→", 0xE8: "→", 0xDF: "←", 0x28: "☎", 0x2A: "✉",
    0xAB: "★", 0x4A: "☺",
}  # fmt: skip
_WINGDINGS_2 = {
    0x2A: _OFF, 0x30: _OFF, 0xA3: _OFF, 0x35: _OFF, 0x51: _ON, 0x52: _ON, 0x53: _ON, 0x54: _ON,
    0x56: _ON, 0x4F: "✗", 0x50: "✓", 0x97: "•", 0x98: "•",
}  # fmt: skip
_WEBDINGS = {0x63: _OFF, 0x67: "•", 0x61: "✓", 0x72: "✗", 0x3D: "•"}
# The Symbol font from its character 0x22 on, as far as prose uses it.
_SYMBOL = {
    0x22: "∀", 0x24: "∃", 0x27: "∋", 0x2A: "∗", 0x2D: "−", 0x40: "≅", 0x5C: "∴", 0x5E: "⊥",
    0xA2: "′", 0xA3: "≤", 0xA4: "⁄", 0xA5: "∞", 0xAC: "←", 0xAD: "↑", 0xAE: "→", 0xAF: "↓",
    0xAB: "↔", 0xB0: "°", 0xB1: "±", 0xB2: "″", 0xB3: "≥", 0xB4: "×", 0xB5: "∝", 0xB6: "∂",
    0xB7: "•", 0xB8: "÷", 0xB9: "≠", 0xBA: "≡", 0xBB: "≈", 0xBC: "…", 0xC5: "⊕", 0xC6: "∅",
    0xC7: "∩", 0xC8: "∪", 0xCE: "∈", 0xCF: "∉", 0xD0: "∠", 0xD2: "®", 0xD3: "©", 0xD4: "™",
    0xD5: "∏", 0xD6: "√", 0xD7: "⋅", 0xD8: "¬", 0xDB: "⇔", 0xDC: "⇐", 0xDE: "⇒", 0xE2: "®",
    0xE3: "©", 0xE4: "™", 0xE5: "∑", 0xF2: "∫", 0xA0: "€",
} | dict(zip(range(0x41, 0x5B), "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", strict=True)) | dict(
    zip(range(0x61, 0x7B), "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", strict=True)
)  # fmt: skip
_FONTS = {
    "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2, "wingdings 3": {}, "webdings": _WEBDINGS,
    "symbol": _SYMBOL,
}  # fmt: skip
_PRIVATE = 0xF000


def is_symbol_font(font: str) -> bool:
    """Whether a font shows other characters than a text in it holds."""
    return font.lower() in _FONTS


def symbols(text: str, font: str) -> str:
    """The characters that a reader sees of a text in a symbol font.

    A character that no table knows is a bullet from the private area, and itself otherwise.
    """
    table = _FONTS.get(font.lower())
    if table is None:
        table = _SYMBOL if any(map(_is_private, text)) else {}
    return "".join(_symbol(character, table) for character in text)


def symbol(code: str, font: str) -> str:
    """The character that a reader sees for ``w:sym``, whose code is hexadecimal."""
    try:
        character = chr(int(code, 16))
    except (ValueError, OverflowError):
        return ""
    return symbols(character, font)


def _symbol(character: str, table: dict[int, str]) -> str:
    place = ord(character)
    shown = table.get(place - _PRIVATE if _is_private(character) else place)
    if shown is None:
        shown = "•" if _is_private(character) else character
    return f"{shown} " if shown in (_OFF, _ON) else shown


def _is_private(character: str) -> bool:
    return _PRIVATE <= ord(character) <= _PRIVATE + 0xFF
