"""Personal data are counted by kind where their form leaves little doubt."""

from __future__ import annotations

import pytest

from pipeline.personal_data import KINDS, luhn, personal_data


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SSN 123-45-6789.", "us_ssn"),
        ("Write to Anna.Smith+claims@mail.example.com, please.", "email"),
        ("Call (555) 234-5678 or +1 555 234 5678.", "us_phone"),
        ("Card 4111 1111 1111 1111, valid", "payment_card"),
        ("Policy number: HO-2231-887", "policy_number"),
        ("Member ID # ABC123456", "policy_number"),
    ],
)
def test_each_kind_is_found(text: str, kind: str) -> None:
    """And nothing else in that text."""
    assert set(personal_data(text)) == {kind}
    assert kind in KINDS


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456, 666-12-3456, 987-65-4321, 123-00-4567, 123-45-0000",  # never given
        "Form 1123-45-67890",
        "Card 4111 1111 1111 1112",  # its check digit is wrong
        "4444444444444444 and 0000 0000 0000 0000",
        "someone at example dot com, @handle, a@b",
        "Deductible 1,234-5678; coverage 100-200-300",
        "The policy number is on your card.",
        "",
    ],
)
def test_what_only_resembles_it_is_not_counted(text: str) -> None:
    """Wrong check digits, numbers never given, words."""
    assert personal_data(text) == {}


def test_a_value_counts_once_in_a_text() -> None:
    """A service number on every page is one number."""
    assert personal_data("Call (555) 234-5678. " * 40) == {"us_phone": 1}


def test_check_digits() -> None:
    """The example of ISO/IEC 7812."""
    assert luhn("79927398713")
    assert not luhn("79927398710")
