"""OpenDocument, PowerPoint and RTF: text, metadata and tables."""

from __future__ import annotations

import pytest
from broken import zipped

from rag import Document, DocumentError
from rag.load.files import read_bytes

OPEN = (
    "xmlns:office='o' xmlns:text='t' xmlns:table='b' xmlns:draw='d' xmlns:dc='http://purl.org/dc/elements/1.1/' "
    "xmlns:meta='m'"
)
DRAWING = (
    "xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main' "
    "xmlns:p='http://schemas.openxmlformats.org/presentationml/2006/main' "
    "xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'"
)
META = (
    f"<office:meta {OPEN}><dc:title>Bridge opens</dc:title><meta:initial-creator>Ada Kern</meta:initial-creator>"
    "<meta:creation-date>2024-03-05T10:00:00</meta:creation-date><dc:language>en-GB</dc:language></office:meta>"
)


def one(raw: bytes, name: str) -> Document:
    (found,) = read_bytes(raw, name)
    assert isinstance(found, Document), found
    return found


def opendocument(body: str, kind: str = "text") -> bytes:
    return zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "META-INF/manifest.xml": "<manifest/>",
            "content.xml": f"<office:document {OPEN}><office:body>{body}</office:body></office:document>",
            "meta.xml": META,
        }
    )


def cells(*texts: str) -> str:
    return "".join(f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" for text in texts)


@pytest.mark.parametrize(
    ("body", "blocks"),
    [
        ("<text:h>Bridge</text:h><text:p>It opens.</text:p>", ["Bridge", "It opens."]),
        ("<text:p>It <text:span>opens</text:span> on<text:s text:c='1'/>9 May.</text:p>", ["It opens on 9 May."]),
        ("<text:p>It<text:tab/>opens<text:line-break/>now.</text:p>", ["It\topens\nnow."]),
        ("<text:p>See <text:a>the map</text:a>.</text:p>", ["See the map."]),
        ("<text:p>It opens.<office:annotation><text:p>Really?</text:p></office:annotation></text:p>", ["It opens."]),
        ("<text:p>It opens.<text:note><text:p>1</text:p></text:note> Now.</text:p>", ["It opens. Now."]),
        (
            "<text:tracked-changes><text:p>Gone.</text:p></text:tracked-changes><text:p>It opens.</text:p>",
            ["It opens."],
        ),
        ("<text:section><text:p>It opens.</text:p></text:section>", ["It opens."]),
        (
            "<text:list><text:list-item><text:p>Bread</text:p></text:list-item>"
            "<text:list-item><text:p>Milk</text:p></text:list-item></text:list>",
            ["- Bread", "- Milk"],
        ),
        (
            f"<table:table><table:table-row>{cells('District', 'Votes')}</table:table-row>"
            f"<table:table-row>{cells('Old Town', '6,001')}</table:table-row></table:table>",
            ["District: Old Town; Votes: 6,001"],
        ),
        (
            "<table:table><table:table-header-rows><table:table-row>"
            + cells("District", "Winner")
            + "</table:table-row>"
            f"</table:table-header-rows><table:table-row>{cells('Old Town', 'Quist')}</table:table-row></table:table>",
            ["District: Old Town; Winner: Quist"],
        ),
        (
            f"<table:table><table:table-row>{cells('Day', 'Price')}<table:table-cell "
            "table:number-columns-repeated='16382'/></table:table-row>"
            "<table:table-row table:number-rows-repeated='9999'>"
            f"{cells('Monday', '4')}</table:table-row></table:table>",
            ["Day | Price", "Monday | 4"],
        ),
        (
            "<draw:page><draw:frame><draw:text-box><text:p>It opens.</text:p></draw:text-box></draw:frame></draw:page>",
            ["It opens."],
        ),
        (
            "<text:p>It opens.<draw:frame><draw:text-box><text:p>Aside.</text:p></draw:text-box></draw:frame></text:p>",
            ["It opens.", "Aside."],
        ),
    ],
)
@pytest.mark.parametrize("name", ["a.odt", "a.odp", "a.ods"])
def test_opendocument(body: str, blocks: list[str], name: str) -> None:
    found = one(opendocument(body), name)
    assert found.text.split("\n\n") == blocks
    assert (found.title, found.author, found.date, found.language) == (
        "Bridge opens",
        "Ada Kern",
        "2024-03-05T10:00:00",
        "en",
    )


def slides(*bodies: str, order: tuple[int, ...] = ()) -> bytes:
    numbers = range(1, len(bodies) + 1)
    listed = "".join(f"<p:sldId r:id='rId{n}'/>" for n in order or numbers)
    links = "".join(f"<Relationship Id='rId{n}' Target='slides/slide{n}.xml'/>" for n in numbers)
    return zipped(
        {
            "ppt/presentation.xml": f"<p:presentation {DRAWING}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": f"<Relationships>{links}</Relationships>",
            "docProps/core.xml": "<c xmlns:dc='x'><dc:title>Bridge opens</dc:title><dc:creator>Ada Kern</dc:creator>"
            "<dc:created>2024-03-05T10:00:00Z</dc:created></c>",
            **{f"ppt/slides/slide{n}.xml": f"<p:sld {DRAWING}>{body}</p:sld>" for n, body in enumerate(bodies, 1)},
        }
    )


def said(*texts: str) -> str:
    return "".join(
        f"<a:p>{''.join(f'<a:r><a:t>{part}</a:t></a:r>' for part in text.split('/'))}</a:p>" for text in texts
    )


def grid(*rows: list[str], first: str = "0") -> str:
    inner = "".join(
        f"<a:tr>{''.join(f'<a:tc><a:txBody>{said(c)}</a:txBody></a:tc>' for c in row)}</a:tr>" for row in rows
    )
    return f"<a:tbl><a:tblPr firstRow='{first}'/>{inner}</a:tbl>"


@pytest.mark.parametrize(
    ("raw", "blocks"),
    [
        (slides(f"<p:sp>{said('Bridge', 'It opens.')}</p:sp>"), ["Bridge", "It opens."]),
        (slides(said("It /opens/ now.")), ["It opens now."]),
        (slides(said("One."), said("Two.")), ["One.", "Two."]),
        (slides(said("One."), said("Two."), order=(2, 1)), ["Two.", "One."]),
        (slides(said("One."), said("Hidden."), order=(1,)), ["One."]),
        (slides(f"<p:grpSp><p:sp>{said('It opens.')}</p:sp></p:grpSp>"), ["It opens."]),
        (slides("<a:p><a:r><a:t>It</a:t></a:r><a:br/><a:r><a:t>opens.</a:t></a:r></a:p>"), ["It opens."]),
        (slides("<a:p><a:fld><a:t>9 May</a:t></a:fld></a:p>"), ["9 May"]),
        (slides(grid(["District", "Votes"], ["Old Town", "6,001"])), ["District: Old Town; Votes: 6,001"]),
        (
            slides(grid(["District", "Winner"], ["Old Town", "Quist"], first="1")),
            ["District: Old Town; Winner: Quist"],
        ),
        (slides(grid(["Cost", "4 million"], ["Term", "two years"])), ["Cost | 4 million", "Term | two years"]),
    ],
)
def test_powerpoint(raw: bytes, blocks: list[str]) -> None:
    found = one(raw, "a.pptx")
    assert found.text.split("\n\n") == blocks
    assert (found.title, found.author, found.date) == ("Bridge opens", "Ada Kern", "2024-03-05T10:00:00+00:00")


@pytest.mark.parametrize(
    ("body", "blocks"),
    [
        (r"It opens.\par Tickets cost 12 euros.\par", ["It opens.", "Tickets cost 12 euros."]),
        (r"{\b It} opens.", ["It opens."]),
        (r"Caf\'e9 Ren\u233?e", ["Café Renée"]),
        (r"It\tab opens.", ["It\topens."]),
        (r"It opens.\line Now.", ["It opens.", "Now."]),
        (r"\ldblquote It opens,\rdblquote  she said\emdash now.", ["“It opens,” she said—now."]),
        (r"{\pict 00ff00ff}It opens.", ["It opens."]),
        (r"{\*\generator Writer;}It opens.", ["It opens."]),
        (r"{\fonttbl{\f0 Arial;}}{\colortbl;\red0;}It opens.", ["It opens."]),
        (r"\trowd District\cell Votes\cell\row Old Town\cell 6,001\cell\row", ["District: Old Town; Votes: 6,001"]),
        (r"\trowd Cost\cell 4 million\cell\row\pard After.", ["Cost | 4 million", "After."]),
        (r"\u26725?\u27211?", [chr(26725) + chr(27211)]),
    ],
)
def test_rtf(body: str, blocks: list[str]) -> None:
    info = r"{\info{\title Bridge opens}{\author Ada Kern}{\creatim\yr2024\mo3\dy5\hr10}}"
    found = one((r"{\rtf1\ansi\ansicpg1252 " + info + body + "}").encode(), "a.rtf")
    assert [block for line in found.text.split("\n\n") for block in line.split("\n")] == blocks
    assert (found.title, found.author, found.date) == ("Bridge opens", "Ada Kern", "2024-03-05")


@pytest.mark.parametrize("name", ["a.odt", "a.pptx"])
@pytest.mark.parametrize("what", ["truncated", "broken", "empty", "entities"])
def test_broken_office_files(name: str, what: str) -> None:
    make = {".odt": opendocument, ".pptx": lambda body: slides(body)}[name[1:]]
    body = {"broken": "<x", "empty": "", "entities": "&lol;", "truncated": "<x/>"}[what]
    raw = make(body)
    with pytest.raises(DocumentError, match=r"broken|truncated|holds no text"):
        list(read_bytes(raw[: len(raw) // 2] if what == "truncated" else raw, name))


def test_rtf_without_text() -> None:
    with pytest.raises(DocumentError, match="holds no text"):
        list(read_bytes(rb"{\rtf1\ansi }", "a.rtf"))
