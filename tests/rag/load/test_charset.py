"""Encodings: what is declared is understood, what is not is detected or left open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import DocumentError
from rag.language.identify import detect
from rag.load.charset import decode

SENTENCES = {
    "fr": ("cp1252", "Le président a déclaré que l’été serait très chaud à Paris, où la chaleur a déjà tué."),
    "de": ("cp1252", "Der Präsident erklärte, dass die Brücke über den Fluß im nächsten Frühjahr wieder öffnet."),
    "cs": ("cp1250", "Premiér řekl, že vláda nebude ustupovat a že příští týden předloží nový návrh zákona."),
    "ru": ("cp1251", "Премьер-министр заявил, что правительство не уступит и на следующей неделе внесёт проект."),
    "el": ("cp1253", "Ο πρωθυπουργός δήλωσε ότι η κυβέρνηση δεν θα υποχωρήσει και θα καταθέσει νέο σχέδιο."),
    "tr": ("cp1254", "Başbakan, hükümetin geri adım atmayacağını ve önümüzdeki hafta tasarı sunacağını söyledi."),
    "he": ("cp1255", "ראש הממשלה אמר כי הממשלה לא תיסוג ובשבוע הבא תגיש הצעת חוק חדשה. אתמול ירד גשם בתל אביב."),
    "ja": ("cp932", "首相は、政府は譲歩しないと述べ、来週新しい法案を提出すると発表した。東京では雨が降った。"),
    "zh": ("gb18030", "总理表示政府不会让步，下周将提出新的法案。北京昨天下雨了，很多人因此迟到，会议推迟到明天。"),
    "ko": (
        "cp949",
        "총리는 정부가 양보하지 않을 것이며 다음 주에 새로운 법안을 제출할 것이라고 말했다. 어제 비가 왔다.",
    ),
}


@pytest.mark.parametrize("language", SENTENCES)
def test_detected_languages_and_encodings(language: str) -> None:
    encoding, text = SENTENCES[language]
    assert detect(text) in (language, "")  # forty letters may be too few; a wrong one is none
    read, notice = decode((text + "\n").encode(encoding) * 3, "a.txt")
    assert (read, notice) == ((text + "\n") * 3, f"read as {encoding} (detected)")


WESTERN = "cp1252 latin-1 cp850 mac_roman"
CENTRAL = "cp1250 iso8859_2 cp852 mac_latin2"


@pytest.mark.parametrize(
    ("encodings", "text"),
    [
        (WESTERN, "Le Premier ministre a annoncé que la réforme serait présentée à l'Assemblée. "),
        (WESTERN, "Der Präsident erklärte, daß die Brücke über den Fluß im nächsten Frühjahr wieder öffnet. "),
        (WESTERN, "El presidente anunció que la reforma se presentará mañana; habrá más de 1.000 niños. "),
        ("cp1252 mac_roman", "The minister said “we will not yield” — a café owner’s view of the €4 million plan. "),
        (CENTRAL, "Premier powiedział, że rząd nie ustąpi i że przedstawi nowy projekt ustawy. Żaden łatwy krok. "),
        (CENTRAL, "A miniszterelnök azt mondta, hogy a kormány nem enged, és új törvényjavaslatot nyújt be. "),
        (CENTRAL, "Premiér řekl, že vláda nebude ustupovat a šéf Žižek též předloží návrh. "),
        ("cp1251 koi8_r cp866 mac_cyrillic iso8859_5", SENTENCES["ru"][1]),
    ],
)
@pytest.mark.parametrize("times", [1, 5])
def test_no_encoding_is_taken_for_another(encodings: str, text: str, times: int) -> None:
    """In doubt is an error; a text with other letters than were written never comes out."""
    right = 0
    for encoding in encodings.split():
        try:
            read, _ = decode((text * times).encode(encoding), "a.txt")
        except DocumentError:
            continue
        assert read == text * times, encoding
        right += 1
    assert right or text.startswith("Premier ")  # Polish as short as this stays open


@pytest.mark.parametrize(
    "raw",
    [
        b"It rained.\xff",  # too little to go by
        bytes(range(128, 256)) * 20,
        SENTENCES["ru"][1].encode("cp1251") + SENTENCES["fr"][1].encode("cp1252") * 3,
    ],
)
def test_encodings_that_are_open_to_doubt(raw: bytes) -> None:
    with pytest.raises(DocumentError, match=r"is not UTF-8 text \(byte \d+\); save it as UTF-8"):
        decode(raw, "a.txt")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_text_or_one_line(raw: bytes) -> None:
    try:
        text, _ = decode(raw, "a.txt")
    except DocumentError as error:
        assert "\n" not in str(error)
    else:
        assert text.strip() and "\0" not in text
