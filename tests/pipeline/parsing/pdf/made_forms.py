"""PDFs with form fields and annotations, of hand-written objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.pipeline.parsing.made_files import raw_pdf

HEIGHT = 792
_FIRST = 10


def string(text: str) -> bytes:
    """A text as a PDF writes it in an object."""
    return b"<feff" + text.encode("utf-16-be").hex().encode() + b">"


def rect(left: float, top: float, right: float, bottom: float) -> bytes:
    """A rectangle that is given from the upper left corner of the page."""
    return b"/Rect[%g %g %g %g]" % (left, HEIGHT - bottom, right, HEIGHT - top)


def words(*lines: tuple[float, float, str]) -> bytes:
    """The page's own text: x, y of the baseline from above, words."""
    parts = [
        b"BT /F 10 Tf %g %g Td (%s) Tj ET"
        % (x, HEIGHT - y, text.encode("latin-1").replace(b"(", b"\\(").replace(b")", b"\\)"))
        for x, y, text in lines
    ]
    return b"\n".join(parts)


def text_field(
    name: str, value: str, where: bytes, *, flags: int = 0, label: str = "", appearance: str = ""
) -> bytes:
    """A text field, drawn only when it has an appearance."""
    return (
        b"<</Type/Annot/Subtype/Widget/FT/Tx/P 3 0 R/F 4/T%s/V%s/Ff %d/DA(/F 10 Tf 0 g)%s%s%s>>"
        % (string(name), string(value), flags, where, _label(label), _drawn(appearance))
    )


def choice_field(
    name: str, options: Sequence[str], chosen: str, where: bytes, *, combo: bool = True
) -> bytes:
    """A list to choose from, open or as a combo box."""
    listed = b"".join(map(string, options))
    flags = 1 << 17 if combo else 0
    return (
        b"<</Type/Annot/Subtype/Widget/FT/Ch/P 3 0 R/F 4/T%s/V%s/Opt[%s]/Ff %d/DA(/F 10 Tf 0 g)%s>>"
        % (string(name), string(chosen), listed, flags, where)
    )


def check_box(name: str, ticked: bool, where: bytes, *, label: str = "") -> bytes:
    """A check box."""
    state = b"/Yes" if ticked else b"/Off"
    return (
        b"<</Type/Annot/Subtype/Widget/FT/Btn/P 3 0 R/F 4/T%s/V%s/AS%s"
        b"/AP<</N<</Yes 9 0 R/Off 9 0 R>>>>%s%s>>"
        % (string(name), state, state, where, _label(label))
    )


def radio_group(name: str, chosen: int, places: Sequence[bytes], first: int) -> dict[int, bytes]:
    """A group of radio buttons as objects from a number on; the first one is the group."""
    kids = b" ".join(b"%d 0 R" % (first + 1 + n) for n in range(len(places)))
    value = b"/O%d" % chosen
    objects = {first: b"<</FT/Btn/Ff %d/T%s/V%s/Kids[%s]>>" % (1 << 15, string(name), value, kids)}
    for number, where in enumerate(places):
        state = b"/O%d" % number
        objects[first + 1 + number] = (
            b"<</Type/Annot/Subtype/Widget/P 3 0 R/F 4/Parent %d 0 R/AS%s"
            b"/AP<</N<<%s 9 0 R/Off 9 0 R>>>>%s>>"
            % (first, state if number == chosen else b"/Off", state, where)
        )
    return objects


def annotation(subtype: str, where: bytes, contents: str = "", more: bytes = b"") -> bytes:
    """A remark on a page."""
    said = b"/Contents" + string(contents) if contents else b""
    return b"<</Type/Annot/Subtype/%s/P 3 0 R/F 4%s%s%s>>" % (
        subtype.encode(),
        where,
        said,
        more,
    )


def form_pdf(
    content: bytes,
    fields: Iterable[bytes] = (),
    *,
    annotations: Iterable[bytes] = (),
    groups: Iterable[dict[int, bytes]] = (),
    catalog: bytes = b"",
) -> bytes:
    """A PDF of one page with text, fields and annotations."""
    objects: dict[int, bytes] = {}
    form: list[int] = []
    shown: list[int] = []
    for group in groups:
        numbers = sorted(group)
        form.append(numbers[0])
        shown += numbers[1:]
        objects |= group
    number = max(objects, default=_FIRST - 1)
    for body in fields:
        number += 1
        objects[number] = body
        form.append(number)
        shown.append(number)
    for body in annotations:
        number += 1
        objects[number] = body
        shown.append(number)
    return raw_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[%s]/DR<</Font<</F 5 0 R>>>>%s>>>>"
            % (_references(form), catalog),
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
            b"/Resources<</Font<</F 5 0 R>>>>/Annots[%s]>>" % _references(shown),
            4: b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
            5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            9: b"<</Type/XObject/Subtype/Form/BBox[0 0 10 10]/Length 0>>stream\n\nendstream",
            **dict(sorted(objects.items())),
        }
    )


def _references(numbers: Iterable[int]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)


def _label(label: str) -> bytes:
    return b"/TU" + string(label) if label else b""


def _drawn(appearance: str) -> bytes:
    return b"/AP<</N %s>>" % appearance.encode() if appearance else b""
