"""Attacks over HTTP on the disk."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import httpx
import pytest
from fakes import WAIT
from samples import AID
from visitor import API, Visitor, asked, file_data, wait_for

from rag import Engine
from rag.users.feedback import feedback_path
from ui.server import uploads as uploads_module
from ui.server.uploads import uploads

pytestmark = [pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"), pytest.mark.long]


class TestDisk:
    """Uploads and feedback take no more than their share of the disk."""

    def test_request_that_is_too_large(self, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ui.server.guard.MOST_OF_READER", 1000)
        answer = visitor.http.post(f"{API}/upload", files={"files": ("a.txt", b"x" * 2000)})
        assert answer.status_code == 413

    @pytest.mark.parametrize("most", ["MOST_OF_READER", "MOST_OF_ALL"])
    def test_more_uploads_than_there_is_room_for(
        self, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, most: str
    ) -> None:
        monkeypatch.setattr(uploads_module, most, 3000)
        kept = visitor.upload("a.txt", b"x" * 2000)
        answer = visitor.http.post(f"{API}/upload", files={"files": ("b.txt", b"y" * 2000)})
        assert answer.status_code == 413 and "uploads" in answer.text
        visitor.add(file_data(kept))
        visitor.upload("b.txt", b"y" * 2000)

    def test_upload_that_breaks_off_leaves_nothing(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        address = httpx.URL(url)
        part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n' + b"x" * 100_000
        head = (
            f"POST {API}/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        with socket.create_connection((address.host, address.port or 80), timeout=WAIT) as broken:
            broken.sendall(head.encode() + part)
            time.sleep(0.2)
        wait_for(lambda: not uploads()._coming)
        monkeypatch.setattr(uploads_module, "FORGOTTEN", -1.0)
        uploads().sweep()
        assert [p.name for p in uploads().folder.rglob("*")] == ["lock"]

    def test_left_over_uploads_go_at_the_next_start(self, tmp_path: Path) -> None:
        left = tmp_path / "dateline-uploads-dead" / "abc"
        left.mkdir(parents=True)
        (left / "a.txt").write_text("x")
        uploads_module._sweep_left_over(tmp_path)
        assert not left.parent.exists()

    def test_feedback_is_bounded(self, visitor: Visitor, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        visitor.join(visitor.event("dl-box", "submit"), asked(AID))
        shown = json.dumps(list(visitor.listen()))
        turn = shown.split('data-turn=\\"')[1][:16]
        act, path = visitor.event("dl-thread", "act"), feedback_path(engine.settings.store)
        for _ in range(3):
            visitor.join(act, [None], event_data={"do": "vote", "turn": turn, "vote": "up"})
            list(visitor.listen())
        size = path.stat().st_size
        assert size
        monkeypatch.setattr("rag.users.feedback.MOST_BYTES", size)
        visitor.join(act, [None], event_data={"do": "vote", "turn": turn, "vote": "up"})
        list(visitor.listen())
        assert path.stat().st_size == size
