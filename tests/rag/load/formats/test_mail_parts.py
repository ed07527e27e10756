"""Mail whose header declares several parts and whose body has none, or marks them otherwise."""

from __future__ import annotations

import base64

import pytest

from rag import Document
from rag.load.files import read_bytes

SAID = "The harbour bridge of Tessin opens on 9 May. Tickets cost 12 euros."
MIXED = "Content-Type: multipart/mixed; boundary=x\n\n"
BODIES = {
    "no parts": f'Content-Type: multipart/alternative; boundary="B1"\n\n{SAID}\n',
    "no boundary": f"Content-Type: multipart/mixed\n\n{SAID}\n",
    "an empty boundary": f'Content-Type: multipart/report; boundary=""\n\n{SAID}\n',
    "a digest": f"Content-Type: multipart/digest; boundary=x\n\n{SAID}\n",
    "another boundary": f"{MIXED}--y\nContent-Type: text/plain\n\n{SAID}\n--y--\n",
    "another boundary, in HTML": f"{MIXED}--y-1\r\nContent-Type: text/html\r\n\r\n<p>{SAID}</p>\r\n--y-1--\r\n",
    "parts in a part": f"{MIXED}--x\nContent-Type: multipart/alternative; boundary=y\n\n{SAID}\n--x--\n",
    "base64": "Content-Transfer-Encoding: base64\nContent-Type: multipart/alternative; boundary=x\n\n"
    + base64.b64encode(SAID.encode()).decode(),
    "HTML": f"{MIXED}<html><body><p>{SAID}</p></body></html>\n",
    "HTML without a root": f"{MIXED}\n<div><p>{SAID}</p></div>\n",
    "empty parts": f"{MIXED}{SAID}\n--x\n\n--x--\n",
    "a part without headers": f"{MIXED}--x\n{SAID}\n--x--\n",
    "a part that is not closed": f"{MIXED}--x\nContent-Type: text/plain\n\n{SAID}\n",
    "a dash at its start": f"{MIXED}-- \n{SAID}\n",
}


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("name", ["a.eml", "a.mbox"])
def test_the_body_is_the_text(what: str, name: str) -> None:
    start = "From ada@example.org Mon May  4 10:00:00 2026\n" if name == "a.mbox" else ""
    raw = f"{start}From: Ada Kern <ada@example.org>\nSubject: Bridge opens\nMIME-Version: 1.0\n{BODIES[what]}"
    (read,) = read_bytes(raw.encode(), name)
    assert isinstance(read, Document)
    assert (read.title, read.author) == ("Bridge opens", "Ada Kern")
    assert read.text.removeprefix("--\n") == SAID
