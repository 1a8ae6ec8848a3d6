"""The letter model and the language, over texts that were written for these tests."""

from __future__ import annotations

import codecs
import math
import random
import string

import pytest

from pipeline.gate_limits import DEFAULT_LIMITS
from pipeline.parsing.assessment.language import language_of
from pipeline.parsing.assessment.letters import plausible_share, running_words, spread_sample

LIMIT = DEFAULT_LIMITS["letters_plausible"].limit

TEXTS = {
    "en": "The policyholder must notify the insurer within thirty days of the loss. Cover is "
    "limited to the amounts in the schedule and is subject to the deductible.",
    "cs": "Pojistná smlouva: spoluúčast činí pět tisíc korun. Pojištění se vztahuje na škody "
    "způsobené povodní, vichřicí a krupobitím, které nastaly v době trvání pojištění.",
    "tr": "Hasar bildirimi otuz gün içinde yapılmalıdır ve sigorta ettiren bilgilendirilir. "
    "Deprem nedeniyle oluşan zararlar bu poliçenin kapsamı dışındadır.",
    "cy": "Mae'r polisi yswiriant hwn yn cynnwys difrod i'r adeilad a'r cynnwys. Rhaid i chi "
    "roi gwybod i'r cwmni o fewn tri deg diwrnod i ddyddiad y golled.",
    "pl": "Ubezpieczyciel odpowiada za szkody powstałe wskutek zdarzeń losowych objętych umową "
    "ubezpieczenia. Ubezpieczający zawiadamia o szkodzie w ciągu trzydziestu dni.",
    "fi": "Vakuutuksenottajan on ilmoitettava vahingosta vakuutusyhtiölle kolmenkymmenen päivän "
    "kuluessa. Maanjäristyksen aiheuttamia vahinkoja ei korvata.",
    "hu": "A szerződő köteles a káreseményt harminc napon belül bejelenteni a biztosítónak. A "
    "földrengés okozta károkra a biztosítás nem terjed ki.",
    "vi": "Hợp đồng bảo hiểm này không bồi thường thiệt hại do động đất gây ra. Người được bảo "
    "hiểm phải thông báo trong vòng ba mươi ngày.",
    "ru": "Страховая компания возмещает ущерб в пределах страховой суммы. Страхователь обязан "
    "уведомить страховщика в течение тридцати дней.",
    "el": "Το παρόν ασφαλιστήριο δεν καλύπτει ζημιές από σεισμό. Ο ασφαλισμένος οφείλει να "
    "ειδοποιήσει την εταιρεία μέσα σε τριάντα ημέρες.",
    "he": "פוליסה זו אינה מכסה נזקי רעידת אדמה. המבוטח חייב להודיע לחברה בתוך שלושים יום ממועד "
    "האירוע ולצרף את כל המסמכים הנדרשים.",
    "ar": "لا تغطي هذه الوثيقة الأضرار الناجمة عن الزلازل ويجب إخطار الشركة خلال ثلاثين يوما من "
    "تاريخ وقوع الحادث المؤمن عليه مع تقديم جميع المستندات المطلوبة.",
    "ja": "地震による損害は補償されません。火災による損害は、契約に定める限度額まで補償されます。"
    "請求は三十日以内に行ってください。",
    "ko": "지진으로 인한 손해는 보상되지 않습니다. 청구는 삼십 일 이내에 하여야 합니다. 보험금은 "
    "한도 내에서 지급됩니다.",
    "zh": "本保险不承保地震造成的损失。被保险人应当在三十日内通知保险公司，并提供相关证明材料。",
}


def share(text: str) -> float:
    return plausible_share(running_words(spread_sample(text)), language_of(text))


@pytest.mark.parametrize("language", TEXTS)
def test_texts_of_many_languages_are_plausible(language: str) -> None:
    """Every one lies well above the limit, and its language is told."""
    assert share(TEXTS[language]) >= LIMIT + 0.05
    assert language_of(TEXTS[language]) == language


def shifted(text: str, by: int) -> str:
    """As a font does whose glyphs are numbered from another beginning."""
    return "".join(chr(ord(each) + by) if each.isalpha() else each for each in text)


def replaced(text: str, seed: int) -> str:
    letters = list(string.ascii_lowercase)
    random.Random(seed).shuffle(letters)
    return text.lower().translate(str.maketrans(string.ascii_lowercase, "".join(letters)))


@pytest.mark.parametrize(
    "text",
    [
        codecs.encode(TEXTS["en"], "rot13"),
        shifted(TEXTS["en"], -29),
        shifted(TEXTS["en"], 3),
        *(replaced(TEXTS["en"], seed) for seed in range(5)),
        *(replaced(TEXTS["fi"], seed) for seed in range(3)),
        TEXTS["ru"].encode("koi8-r").decode("cp1251"),
        TEXTS["el"].encode("iso8859-7").decode("cp1251"),
        TEXTS["en"].encode().decode("utf-16-le", "ignore"),
        "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FFF), k=80))),
        "".join(map(chr, random.Random(2).choices(range(0xAC00, 0xD7A3), k=80))),
    ],
)
def test_misread_letters_are_not_plausible(text: str) -> None:
    """Shifted and exchanged glyphs, another code page, bytes read as Chinese."""
    assert share(text) < LIMIT


@pytest.mark.parametrize(
    "text",
    [
        "Policy cancelled.",
        "Paid.",
        "\n".join(f"| D{number:04} | ${number} |" for number in range(400)),
        "\n".join(
            "".join(random.Random(n).choices(string.ascii_uppercase, k=4)) for n in range(99)
        ),
        "\n".join(f"+1 555 {number:03} {number * 7:04}" for number in range(200)),
        "XK-12-QZ 7731/RTW " * 40,
        "第一条",
    ],
)
def test_what_is_no_running_text_is_not_judged(text: str) -> None:
    """Codes, numbers, phone lists and very short texts have no opinion held against them."""
    assert math.isnan(share(text))


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(
            ["Jan Kowalski", "María Fernández Ortiz", "Nguyễn Văn An", "Siobhán O'Neill"] * 30
        ),
        "Metformin Atorvastatin Lisinopril Amlodipine Omeprazole Albuterol Losartan Gabapentin "
        "Hydrochlorothiazide Sertraline Levothyroxine Montelukast Rosuvastatin Escitalopram",
        TEXTS["en"].upper(),
        f"{TEXTS['en']} {TEXTS['ar']}",
    ],
)
def test_names_and_capitals_are_plausible(text: str) -> None:
    """Names of people and of drugs, a text in capitals and one in two scripts pass."""
    assert share(text) >= LIMIT


@pytest.mark.parametrize("text", ["", "Policy cancelled.", "Paid.", "555 123", "AXB-77 QQ-12"])
def test_a_few_words_have_no_language(text: str) -> None:
    """Better none than a wrong one."""
    assert language_of(text) == ""


def test_a_japanese_sentence_has_one() -> None:
    """Its script tells it."""
    assert language_of("地震による損害は補償されません。") == "ja"


def test_the_sample_is_bounded_and_spread() -> None:
    """All of a short text; of a long one slices from its beginning to its end."""
    assert spread_sample("short") == "short"
    long = "".join(chr(0x41 + number // 10_000) * 1 for number in range(100_000))
    sample = spread_sample(long)
    assert len(sample) < 2_000
    assert sample[0] == "A"
    assert sample[-1] == "J"


def test_a_font_that_is_wrong_on_some_pages_is_noticed() -> None:
    """Half of a text misread brings the whole below what a text of one piece has."""
    half = TEXTS["en"] * 20 + "\n" + codecs.encode(TEXTS["en"], "rot13") * 20
    assert share(half) < 0.85
