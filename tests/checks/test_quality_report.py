"""The quality report: its text, its escaping, and how it stands in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from checks.charts import Bar, Segment, columns, rows
from checks.histogram import Histogram
from checks.report import PageSeal, render
from checks.suites import FIDELITY
from tests.checks.report_examples import (
    HOSTILE,
    REVERSED,
    empty_report_data,
    large_report_data,
    report_data,
)

SECTIONS = (
    "totals", "states", "failures", "lacking", "documents", "checks", "personal", "text", "vectors",
    "cost", "time", "decisions", "history", "proof",
)  # fmt: skip


class Tags(HTMLParser):
    """Collects every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def html() -> str:
    return render(report_data(), PageSeal("0f9a3c1e", "ab" * 32, "496a76c499202e49"))


@pytest.fixture
def page(browser: Chrome, html: str, tmp_path: Path) -> Iterator[Chrome]:
    """The report, opened from a file at desktop width, with the logs of earlier pages dropped."""
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    browser.get_log("browser")
    browser.get_log("performance")
    resize(browser, 1200)
    browser.get(path.as_uri())
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def resize(browser: Chrome, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def test_report_says_what_was_checked_by_whom_and_when(html: str) -> None:
    """Suites with version, run and time, thresholds, and the documents behind a failure stand."""
    for words in (
        "192 of 200",
        f"Fidelity of the text, version {FIDELITY.version}",
        "22 Nov 2026, 10:41 UTC, by run amber-fox",
        "at least 50 % of the pages",
        "1 of 12 pages have text (8%), 50% are needed",
        "Install tesseract and set NAVIGATOR_OCR=true.",
        "text-embedding-3-small",
    ):
        assert words in html


def test_hostile_names_stay_text(html: str) -> None:
    """A name with a tag in it makes no tag, and direction characters are shown as their code."""
    tags = Tags(html).found
    assert {tag for tag, _ in tags}.isdisjoint({"script", "img", "iframe", "object", "form"})
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on")]
    assert HOSTILE not in html
    assert "\u202e" not in html
    assert "statement-⟨U+202E⟩fdp.exe" in html
    assert REVERSED not in html


def test_report_refers_to_nothing_outside(html: str) -> None:
    """Every link stays in the page, and no attribute or style loads anything."""
    for _, attrs in Tags(html).found:
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert (attrs.get(name) or "#").startswith(("#", "data:"))
    assert "url(" not in html
    assert "@import" not in html


def test_charts_can_be_read_out(html: str) -> None:
    """Each chart is an image with a title and a description, and ids are unique in the page."""
    tags = Tags(html).found
    charts = [attrs for tag, attrs in tags if tag == "svg"]
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(charts) == 9
    assert len(ids) == len(set(ids))
    for chart in charts:
        assert chart["role"] == "img"
        assert set((chart["aria-labelledby"] or "").split()) <= set(ids)


def test_rendering_twice_gives_the_same_page(html: str) -> None:
    """The same data make the same bytes."""
    seal = PageSeal("0f9a3c1e", "ab" * 32, "496a76c499202e49")
    assert render(report_data(), seal) == html


def test_empty_report_says_so() -> None:
    """Before anything was ingested the report opens and every section says that it is empty."""
    page = render(empty_report_data())
    for words in ("There are no documents", "No checks were run.", "Nothing was sent."):
        assert words in page
    assert "<svg" not in page


def test_histogram_without_median_is_drawn() -> None:
    """Counts that came from the database without their median still make a picture."""
    data = replace(report_data(), coverage=Histogram((0.0, 0.5, 1.0), (1, 3)))
    assert "4 documents." in render(data)


# What a program writes where a value is missing.
MISSING = ("undefined", "NaN", "null", "[object", "None", "datetime.")
OURS = ("None.", "None was found.")


def test_nothing_on_the_page_is_a_value_that_is_missing(page: Chrome) -> None:
    """A reader sees words and numbers, also behind what unfolds, full or empty."""
    for made in (None, render(empty_report_data())):
        if made is not None:
            page.get("about:blank")
            page.execute_script("document.write(arguments[0]); document.close()", made)
        page.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        text = page.find_element("tag name", "body").text
        for sentence in OURS:
            text = text.replace(sentence, "")
        assert [words for words in MISSING if words in text] == []
        assert "Data quality" in text


def test_ten_thousand_documents_stay_readable(page: Chrome, tmp_path: Path) -> None:
    """They lie folded, in groups that say from which name to which; the page stays short."""
    path = tmp_path / "large.html"
    path.write_text(render(large_report_data(10_000)), encoding="utf-8")
    assert path.stat().st_size < 8_000_000
    page.get(path.as_uri())
    groups = page.find_elements("css selector", "#documents > details > summary")
    assert len(groups) == 40
    assert groups[1].text == "251 to 500: policy-00250.pdf to policy-00499.pdf"
    assert page.execute_script("return document.body.scrollHeight") < 15_000


def test_page_opens_without_errors_or_requests(page: Chrome) -> None:
    """In Chromium all sections are seen, the console is silent and nothing is requested."""
    for section in SECTIONS:
        assert page.find_element("id", section).is_displayed()
    assert page.title == "Data quality of the corpus"
    assert page.get_log("browser") == []
    assert foreign_requests(page) == []


def test_a_foreign_request_would_be_noticed(browser: Chrome, tmp_path: Path) -> None:
    """The witness of the test above works: a page with a foreign picture is caught."""
    path = tmp_path / "foreign.html"
    path.write_text('<img src="http://127.0.0.1:9/x.png">', encoding="utf-8")
    browser.get(path.as_uri())
    assert foreign_requests(browser) == ["http://127.0.0.1:9/x.png"]
    assert browser.get_log("browser") != []


def foreign_requests(browser: Chrome) -> list[str]:
    """What the open page has asked for beside itself, from the browser's network log."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [found["params"] for found in messages if found["method"] == "Network.requestWillBeSent"]
    urls = [found["request"]["url"] for found in sent if found["documentURL"].startswith("file:")]
    return [url for url in urls if not url.startswith(("file:", "data:"))]


@pytest.mark.parametrize("width", [320, 390, 768, 830, 1200])
def test_page_does_not_scroll_sideways(page: Chrome, width: int) -> None:
    """From phone to desktop no part is wider than the window, opened details included."""
    resize(page, width)
    page.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert overflowing(page) == []
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def overflowing(page: Chrome) -> list[str]:
    """Elements that reach beyond the window, or beyond the section that they stand in."""
    found: list[str] = page.execute_script(
        "const right = e => e.getBoundingClientRect().right;"
        "const limit = e => Math.min(innerWidth, e.closest('section') ?"
        " right(e.closest('section')) : innerWidth);"
        "return [...document.querySelectorAll('body *')]"
        ".filter(e => !e.closest('thead') && right(e) > limit(e) + 1)"
        ".map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"
    )
    return found


def test_dark_and_light_differ_and_can_be_read(page: Chrome) -> None:
    """Both color schemes keep the ink at a contrast of at least 4.5 to its card."""
    papers = set()
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        paper = color(page, "#failures", "backgroundColor")
        papers.add(paper)
        for selector in ("#failures h2", "#failures p.soft", "#checks .fail", "#checks .pass"):
            assert contrast(color(page, selector, "color"), paper) >= 4.5, (scheme, selector)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert len(papers) == 2


def test_paper_shows_everything(page: Chrome) -> None:
    """On a sheet of A4 nothing stays folded away, and nothing is wider than its frame."""
    resize(page, 700)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    height = page.execute_script(
        "return document.querySelector('#time details table').getBoundingClientRect().height"
    )
    wide = overflowing(page)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert height > 50
    assert wide == []


def color(page: Chrome, selector: str, name: str) -> tuple[int, ...]:
    value: str = page.execute_script(
        f"return getComputedStyle(document.querySelector({selector!r})).{name}"
    )
    return tuple(int(part) for part in value[value.index("(") + 1 : -1].split(",")[:3])


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """The WCAG contrast ratio of two sRGB colors."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: tuple[int, ...]) -> float:
    linear = [
        part / 255 / 12.92 if part / 255 <= 0.03928 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in color
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_histogram_counts_edges_and_outliers() -> None:
    """A value on an edge counts above it, the last edge in the last bin, outliers at the ends."""
    histogram = Histogram.of([0, 1, 1.5, 2, 5, -3], (0.0, 1.0, 2.0))
    assert histogram.counts == (2, 4)
    assert (histogram.total, histogram.middle) == (6, 1.25)
    assert Histogram.of([], (0.0, 1.0)).middle is None


def test_charts_escape_labels_and_survive_zero() -> None:
    """A label is text in every chart, and bars without height are drawn without error."""
    bars = [Bar('<a href="x">', (Segment("none", 0),)), Bar("b", (Segment("two", 2),))]
    for chart in (rows(bars, title="<t>"), columns(bars, title="<t>")):
        assert "<a" not in chart
        assert "&lt;t&gt;" in chart
    assert "svg" in rows([], title="t")
    assert "svg" in columns([], title="t")
