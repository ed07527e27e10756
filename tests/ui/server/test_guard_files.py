"""Attacks over HTTP on the files of the server's user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from visitor import API, ARTICLE, Visitor, file_data

from rag import Engine
from ui.server.uploads import uploads

pytestmark = [pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"), pytest.mark.long]


def holds_nothing_new(engine: Engine) -> bool:
    return not any("treasure" in engine.document(s.id).text for s in engine.sources())


class TestFiles:
    """Nobody reads or deletes a file of the server's user."""

    @pytest.mark.parametrize("more", [{}, {"is_stream": True}, {"url": "http://127.0.0.1/x"}, {"orig_name": "a.txt"}])
    def test_file_that_was_not_uploaded(
        self, visitor: Visitor, engine: Engine, secret: Path, more: dict[str, Any]
    ) -> None:
        event = visitor.event("dl-drop", "upload")
        answer = visitor.join(event, [[file_data(str(secret), **more)], None])
        assert answer.status_code == 403 and "not uploaded here" in answer.text
        assert secret.exists() and holds_nothing_new(engine)

    def test_every_form_of_a_file(self, visitor: Visitor, engine: Engine, secret: Path) -> None:
        event = visitor.event("dl-drop", "upload")
        inside = f"{uploads().folder}/x/../../{secret.name}"
        link = uploads().folder / "link.txt"
        link.symlink_to(secret)
        try:
            for path in (str(secret), inside, str(link), "http://127.0.0.1:1/a.txt", f"file://{secret}", "\0"):
                for data in ([[{"path": path}], None], [file_data(path), None], [[[file_data(path)]], None]):
                    assert visitor.join(event, data).status_code in (403, 422), data
        finally:
            link.unlink()
        assert secret.exists() and holds_nothing_new(engine)

    def test_every_handler(self, visitor: Visitor, engine: Engine, secret: Path) -> None:
        for dependency in visitor.config["dependencies"]:
            data = [file_data(str(secret), is_stream=True)] * len(dependency["inputs"])
            answer = visitor.join(dependency["id"], data)
            assert answer.status_code == 403 or not data, dependency
        for name in ("article", "report", "lines", "compare", "preprocess", "postprocess"):
            body = {"component_id": 1, "fn_name": name, "session_hash": "page1", "data": file_data(str(secret))}
            assert visitor.http.post(f"{API}/component_server", json=body).status_code >= 400
        assert secret.exists() and holds_nothing_new(engine)

    def test_file_of_another_reader(self, visitor: Visitor, url: str, engine: Engine) -> None:
        path = visitor.upload("pier.txt", ARTICLE.encode())
        with Visitor(url, "page2") as other:
            event = other.open().event("dl-drop", "upload")
            assert other.join(event, [[file_data(path)], None]).status_code == 403
        assert Path(path).exists()

    def test_upload_is_added_once_and_deleted(self, visitor: Visitor, engine: Engine) -> None:
        path = visitor.upload("pier.txt", ARTICLE.encode())
        assert Path(path).exists()
        assert any(m.get("success") for m in visitor.add(file_data(path)))
        assert "pier.txt" in {s.source for s in engine.sources()} and not Path(path).parent.exists()
        event = visitor.event("dl-drop", "upload")
        assert visitor.join(event, [[file_data(path)], None]).status_code == 403

    def test_same_file_of_two_readers(self, visitor: Visitor, url: str) -> None:
        path = visitor.upload("pier.txt", ARTICLE.encode())
        with Visitor(url, "page2") as other:
            assert other.open().upload("pier.txt", ARTICLE.encode()) == path
            visitor.add(file_data(path))
            assert Path(path).exists()
            other.add(file_data(path))
            assert not Path(path).exists()

    def test_gradio_and_intake_check_as_well(
        self, visitor: Visitor, engine: Engine, secret: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The guard is not the only thing in the way."""
        event = visitor.event("dl-drop", "upload")
        with monkeypatch.context() as patch:
            patch.setattr("ui.server.calls._files", lambda value: iter(()))
            assert visitor.join(event, [[file_data(str(secret), is_stream=True)], None]).status_code == 200
            assert not any(m.get("success") for m in visitor.listen())
            patch.setattr("gradio.processing_utils._check_allowed", lambda *_: None)
            visitor.join(event, [[file_data(str(secret), is_stream=True)], None])
            said = json.dumps(list(visitor.listen()))
        assert "was not uploaded here" in said and secret.exists() and holds_nothing_new(engine)
