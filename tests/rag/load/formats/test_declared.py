"""Dates, languages and encodings: what is declared is understood, what is not is detected or left open."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from fakes import SEEDS
from hypothesis import given
from hypothesis import strategies as st

from rag import DocumentError
from rag.language.dates import iso
from rag.language.identify import code, detect
from rag.load.charset import decode


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2024-07-12", "2024-07-12"),
        ("20240712", "2024-07-12"),
        ("2024-07-12T10:00:00Z", "2024-07-12T10:00:00+00:00"),
        ("2024-07-12T10:00:00.123456+02:00", "2024-07-12T10:00:00+02:00"),
        ("2024-07-12 10:00", "2024-07-12T10:00:00"),
        ("2024-07-12 10:00:00 UTC", "2024-07-12T10:00:00+00:00"),
        ("2024-07-12T10:00:00-0530", "2024-07-12T10:00:00-05:30"),
        ("Fri, 12 Jul 2024 10:00:00 GMT", "2024-07-12T10:00:00+00:00"),
        ("Fri, 12 Jul 2024 10:00:00 +0200", "2024-07-12T10:00:00+02:00"),
        ("12 Jul 2024 10:00 +0200", "2024-07-12T10:00:00+02:00"),
        ("D:20240712100000+02'00'", "2024-07-12T10:00:00+02:00"),
        ("D:20240712100000Z", "2024-07-12T10:00:00+00:00"),
        ("D:20240712", "2024-07-12"),
        ("12 July 2024", "2024-07-12"),
        ("July 12, 2024", "2024-07-12"),
        ("Friday, July 12th, 2024", "2024-07-12"),
        ("Sept. 3, 2024", "2024-09-03"),
        ("2024/07/12", "2024-07-12"),
        ("1720778400", "2024-07-12T10:00:00+00:00"),
        # open to doubt, or no dates
        ("05/06/2024", ""),
        ("12.07.24", ""),
        ("2024", ""),
        ("07/2024", ""),
        ("yesterday", ""),
        ("2024-13-01", ""),
        ("2024-02-30", ""),
        ("0000-00-00", ""),
        ("Fri, 99 Jul 2024 10:00:00 GMT", ""),
        ("D:", ""),
        ("", ""),
    ],
)
def test_dates(said: str, meant: str) -> None:
    assert iso(said) == meant


def test_dates_that_are_dates_already() -> None:
    assert iso(date(2024, 7, 12)) == "2024-07-12"
    assert iso(datetime(2024, 7, 12, 10)) == "2024-07-12T10:00:00"
    assert iso(datetime(1, 1, 1, tzinfo=timezone.utc)) == ""  # what programs write for nothing


@given(st.text(st.sampled_from("0123456789-/:.TZ +,DJuly"), max_size=40) | st.text(max_size=40))
def test_any_text_is_a_date_or_none(said: str) -> None:
    meant = iso(said)
    assert meant == "" or datetime.fromisoformat(meant)


@given(st.datetimes(datetime(1000, 1, 1), timezones=st.just(timezone(timedelta(hours=-3)))))
def test_iso_dates_are_themselves(moment: datetime) -> None:
    assert iso(moment.isoformat()) == moment.isoformat(timespec="seconds")


@pytest.mark.parametrize(
    ("declared", "meant"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("EN_us", "en"),
        ("eng", "en"),
        ("deu", "de"),
        ("und", ""),
        ("English", ""),
        ("", ""),
    ],
)
def test_declared_languages(declared: str, meant: str) -> None:
    assert code(declared) == meant


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
    read, detected = decode((text + "\n").encode(encoding) * 3, "a.txt")
    assert (read, detected) == ((text + "\n") * 3, encoding)


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


def test_the_seeds_are_english() -> None:
    assert {detect(path.read_text(encoding="utf-8")) for path in SEEDS.glob("*.txt")} == {"en"}


@pytest.mark.parametrize("text", ["", "Hi.", "GDP 4.2", "Obrador Biden Ebrard", "1 2 3 4 5 6 7 8 9 " * 20, "xqz " * 50])
def test_what_is_in_no_plain_language(text: str) -> None:
    assert detect(text) == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"It rained.\xff",  # too little to go by
        "Café — “It rained in Harborough all day,” he said. ".encode() * 20 + b"\xe9",  # UTF-8, but for one byte
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
