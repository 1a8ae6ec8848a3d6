"""Small and odd documents that are right are published; empty ones and garbage are not."""

from __future__ import annotations

import base64
import codecs
import random
from pathlib import Path

from pipeline.identity import user_id
from pipeline.states import PUBLISHED
from tests.flows.corpus import Opener, documents
from tests.ingesting import ingest

ANNA = user_id("anna")
ENGLISH = (
    "The policyholder must notify the insurer within thirty days of the loss. Cover is limited "
    "to the amounts in the schedule and is subject to the deductible that is stated there. "
)
RIGHT = {
    "paid.txt": "Paid.",
    "cancelled.txt": "Policy cancelled.",
    "receipt.txt": "Received",
    "number.txt": "HO-7781-2231",
    "amount.md": "$17,450.25",
    "phones.txt": "\n".join(f"+1 555 {n:03} {n * 37 % 10_000:04}" for n in range(60)),
    "names.txt": "Jan Kowalski\nMaría Fernández Ortiz\nNguyễn Văn An\nSiobhán O'Neill\nXiu Zhang",
    "codes.md": "| Code |\n|---|\n" + "\n".join(f"| D{n * 731 % 9999:04} |" for n in range(80)),
    "letters.txt": "\n".join("".join(random.Random(n).choices("QXZKJVWB", k=4)) for n in range(80)),
    "copays.md": "| Code | Copay |\n|---|---|\n| D1032 | $42 |\n| D1067 | $55 |",
    "rates.txt": "\n".join(f"{age} {age * 3.17:.2f} {age * 4.02:.2f}" for age in range(18, 80)),
    "ja.txt": "地震による損害は補償されません。",
    "zh.txt": "车辆被盗应立即报警。",
    "ko.txt": "지진 손해는 보상되지 않습니다.",
    "th.txt": "กรมธรรม์นี้ไม่คุ้มครองความเสียหายจากแผ่นดินไหว",
    "ar.txt": "لا تغطي هذه الوثيقة أضرار الزلازل.",
    "he.txt": "הפוליסה בוטלה.",
    "hi.txt": "यह पॉलिसी भूकंप से होने वाली क्षति को कवर नहीं करती है।",
    "ru.txt": "Полис расторгнут.",
    "cs.txt": "Pojistná smlouva: spoluúčast činí pět tisíc korun.",
    "tr.txt": "Poliçe iptal edildi, iade otuz gün içinde yapılır.",
    "cy.txt": "Mae'r polisi wedi ei ganslo.",
    "joined.txt": "می‌خواهم بیمه‌نامه را فسخ کنم.",
    "soft.txt": "Haft\u00adpflicht\u00adversicherung gekündigt",
    "heading.md": "# Endorsement 12\n",
    "address.txt": "Claims\nPO Box 12\nOmaha NE 68101\nclaims@example.com\nwww.example.com/claims",
    "drugs.txt": "Metformin, Atorvastatin, Lisinopril, Amlodipine, Omeprazole, Xarelto, Xyzal",
    "capitals.txt": ENGLISH.upper(),
    "signature.txt": "Signed: ____________________________________________________________________",
    "filled.txt": "Account XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX closed",
    "mixed.txt": "Versicherung (insurance) 保险 seguro страхование",
}
WRONG = {
    "blank.txt": (" \n\t\n ", "holds no words"),
    "rule.md": ("---\n\n* * *\n", "holds no words"),
    "rotated.txt": (codecs.encode(ENGLISH, "rot13"), "letters stand together as in a language"),
    "shifted.txt": (
        "".join(chr(ord(each) - 29) if each.isalpha() else each for each in ENGLISH),
        "letters stand together as in a language",
    ),
    "koi8.txt": (
        ("Страховая компания возмещает ущерб в пределах страховой суммы по договору. " * 3)
        .encode("koi8-r")
        .decode("cp1251"),
        "letters stand together as in a language",
    ),
    "private.txt": ("Policy " + "\ue000\ue001\ue002\ue003 " * 30, "characters are readable"),
    "base64.txt": (
        "Content\n" + base64.encodebytes(random.Random(1).randbytes(3_000)).decode(),
        "characters are readable",
    ),
}


async def test_right_little_documents_are_published(local: Opener, folder: Path) -> None:
    """One-word receipts, codes, numbers, names, and a sentence in many languages and scripts."""
    for name, text in RIGHT.items():
        (folder / name).write_text(text, "utf-8")
    async with local() as services:
        run = await ingest(services, [folder], ANNA)
        ended = await documents(services, run)
    assert set(ended) == set(RIGHT)
    kept_back = {n: each.error_message for n, each in ended.items() if each.state not in PUBLISHED}
    assert kept_back == {}


async def test_empty_ones_and_garbage_fail_with_a_sentence(local: Opener, folder: Path) -> None:
    """Each says what is wrong with it, and none of it is published."""
    for name, (text, _) in WRONG.items():
        (folder / name).write_text(text, "utf-8")
    async with local() as services:
        run = await ingest(services, [folder], ANNA)
        ended = await documents(services, run)
    for name, (_, words) in WRONG.items():
        document = ended[name]
        assert document.state in ("failed_parse", "quarantined"), name
        assert words in (document.error_message or ""), name
        assert document.error_remedy, name
