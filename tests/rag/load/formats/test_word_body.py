"""Text of Word files in insertions, content controls, links, text boxes, lists and tables."""

from __future__ import annotations

import pytest
from broken import word

from rag import Document
from rag.load.files import read_bytes

SPACES = (
    "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main' "
    "xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006' "
    "xmlns:v='urn:schemas-microsoft-com:vml' "
    "xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math'"
)


def read(body: str) -> list[str]:
    (found,) = read_bytes(word(f"<w:document {SPACES}><w:body>{body}</w:body></w:document>"), "a.docx")
    assert isinstance(found, Document), found
    return found.text.split("\n\n")


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def paragraph(*runs: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{''.join(r if r.startswith('<') else run(r) for r in runs)}</w:p>"


def cell(text: str, properties: str = "", bold: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(run(text, bold))}</w:tc>"


def row(*cells: str, properties: str = "", bold: str = "") -> str:
    inner = "".join(c if c.startswith("<") else cell(c, bold=bold) for c in cells)
    return f"<w:tr><w:trPr>{properties}</w:trPr>{inner}</w:tr>"


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/>{''.join(rows)}</w:tbl>"


DELETED = "<w:del w:id='2'><w:r><w:delText>8 May </w:delText></w:r></w:del>"
CHOICE = "<mc:AlternateContent><mc:Choice>{0}</mc:Choice><mc:Fallback>{0}</mc:Fallback></mc:AlternateContent>"
BOX = f"<w:r><v:textbox><w:txbxContent>{paragraph('Tickets cost 12 euros.')}</w:txbxContent></v:textbox></w:r>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            paragraph("It opens on ", f"<w:ins w:id='1'>{run('9 May ')}</w:ins>", DELETED, "now."),
            ["It opens on 9 May now."],
        ),
        (paragraph("It opens", f"<w:moveTo>{run(' on 9 May.')}</w:moveTo>"), ["It opens on 9 May."]),
        (paragraph("It opens", f"<w:moveFrom>{run(' on 8 May')}</w:moveFrom>", "."), ["It opens."]),
        (
            f"<w:sdt><w:sdtContent>{paragraph('Tickets cost 12 euros.')}</w:sdtContent></w:sdt>",
            ["Tickets cost 12 euros."],
        ),
        (
            paragraph("It costs ", f"<w:sdt><w:sdtContent>{run('12')}</w:sdtContent></w:sdt>", " euros."),
            ["It costs 12 euros."],
        ),
        (
            paragraph("See ", f"<w:hyperlink><w:ins>{run('the map')}</w:ins></w:hyperlink>", "."),
            ["See the map."],
        ),
        (f"<w:ins>{paragraph('A new paragraph.')}</w:ins>", ["A new paragraph."]),
        (f"<w:customXml>{paragraph('It opens.')}</w:customXml>", ["It opens."]),
        (paragraph(f"<w:smartTag>{run('Tessin')}</w:smartTag>", " votes."), ["Tessin votes."]),
        (paragraph("The bridge opens.", CHOICE.format(BOX)), ["The bridge opens.", "Tickets cost 12 euros."]),
        (paragraph(CHOICE.format(run("It opens."))), ["It opens."]),
        (paragraph("It opens", "<w:r><w:tab/><w:t>on</w:t><w:br/><w:t>9 May</w:t></w:r>"), ["It opens\ton\n9 May"]),
        (paragraph("x", "<w:r><w:instrText>PAGE</w:instrText></w:r>", "y"), ["xy"]),
        (paragraph("It opens.", run(" Secret.", "<w:vanish/>")), ["It opens."]),
        (paragraph("It opens.", run(" Shown.", "<w:vanish w:val='0'/>")), ["It opens. Shown."]),
        (
            f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>"
            f"{paragraph('Enter text.')}</w:sdtContent></w:sdt>" + paragraph("It opens."),
            ["It opens."],
        ),
        (
            paragraph("Bread", properties="<w:numPr><w:numId w:val='1'/></w:numPr>")
            + paragraph("Milk", properties="<w:numPr/>"),
            ["- Bread", "- Milk"],
        ),
        (paragraph("<m:oMath><m:r><m:t>x = 4</m:t></m:r></m:oMath>"), ["x = 4"]),
        (
            paragraph(
                "<w:r><w:ruby><w:rt><w:r><w:t>はし</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>橋</w:t></w:r></w:rubyBase>"
                "</w:ruby></w:r>"
            ),
            ["橋"],
        ),
    ],
)
def test_text_wherever_it_is(body: str, text: list[str]) -> None:
    assert read(body) == text


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([row("District", "Votes"), row("Old Town", "6,001")], ["District: Old Town; Votes: 6,001"]),
        (
            [row("District", "Winner", properties="<w:tblHeader/>"), row("Old Town", "Quist")],
            ["District: Old Town; Winner: Quist"],
        ),
        ([row("District", "Winner", bold="<w:b/>"), row("Old Town", "Quist")], ["District: Old Town; Winner: Quist"]),
        (
            [row("Cost", "4 million euros"), row("Duration", "two years")],
            ["Cost | 4 million euros", "Duration | two years"],
        ),
        (
            [
                row("District", cell("Votes", "<w:gridSpan w:val='2'/>"), properties="<w:tblHeader/>"),
                row("Old Town", "1", "2"),
            ],
            ["District: Old Town; Votes: 1; Votes: 2"],
        ),
        (
            [
                row("District", "Votes"),
                row(cell("Old Town", "<w:vMerge w:val='restart'/>"), "1"),
                row(cell("", "<w:vMerge/>"), "2"),
            ],
            ["District: Old Town; Votes: 1", "District: Old Town; Votes: 2"],
        ),
        (
            [row("District", "Votes"), f"<w:sdt><w:sdtContent>{row('Old Town', '6,001')}</w:sdtContent></w:sdt>"],
            ["District: Old Town; Votes: 6,001"],
        ),
        (
            [row("District", "Votes"), row("Old Town", "6,001"), row("Gone", "1", properties="<w:del/>")],
            ["District: Old Town; Votes: 6,001"],
        ),
        ([row("It opens on 9 May."), row("Tickets cost 12 euros.")], ["It opens on 9 May.", "Tickets cost 12 euros."]),
        ([row("x" * 500, "Menu"), row("a", "b")], ["x" * 500, "Menu", "a", "b"]),
        (
            [row(f"<w:tc>{table(row('Day', 'Price'), row('Monday', '4'))}</w:tc>", "aside"), row("a", "b")],
            ["Day: Monday; Price: 4", "aside", "a", "b"],
        ),
    ],
)
def test_rows_of_tables(rows: list[str], lines: list[str]) -> None:
    assert read(table(*rows)) == lines


def test_tables_in_tables_take_no_time() -> None:
    inner = paragraph("It opens.")
    for _ in range(40):
        inner = table(row(f"<w:tc>{inner}</w:tc>", "aside"), row("a", "b"))
    assert read(inner)[0] == "It opens. | aside"
