"""OpenAI-compatible endpoints on loopback that each do one thing wrong, for `bench.endpoints` and tests."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "password of the inner network: swordfish"
_WORDS = "US $310 million to help the region"
NOISE = 100_000_000  # bytes


class Endpoint(ThreadingHTTPServer):
    """A server that replies to every question as its `kind`, a key of `KINDS`, says; `requests` counts them."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, kind: str, noise: int) -> None:
        self.kind, self.noise, self.requests = kind, noise, 0
        self.paths: list[str] = []
        self.ended = threading.Event()
        self.replied = threading.Semaphore(0)  # released at the end of each reply, complete or not
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Return the address to set as `llm_base_url`."""
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        self.server.paths.append(self.path)
        with contextlib.suppress(OSError):  # the client disconnected, as it should
            KINDS[self.server.kind](self)
        self.server.replied.release()

    def begin(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        """Send the status line and headers of a reply."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.close_connection = True

    def piece(self, content: str = "", finish: str | None = None, reasoning: str = "") -> None:
        """Send one event of a stream."""
        delta = {"content": content} | ({"reasoning_content": reasoning} if reasoning else {})
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        row = {"id": "x", "created": 1, "model": "m", "object": "chat.completion.chunk", "choices": [choice]}
        self.wfile.write(b"data: " + json.dumps(row).encode() + b"\n\n")
        self.wfile.flush()

    def ending(self, words: str, finish: str | None, reasoning: str = "") -> None:
        """Stream words, then send the finish reason; None breaks the reply off."""
        self.begin()
        if reasoning:
            self.piece(reasoning=reasoning)
        for word in words.split():
            self.piece(f"{word} ")
        if finish:
            self.piece(finish=finish)
            self.wfile.write(b"data: [DONE]\n\n")

    def drip(self, text: bytes) -> None:
        """Send one byte at a time, slowly, until the client disconnects."""
        while not self.server.ended.is_set():
            self.wfile.write(text)
            self.wfile.flush()
            time.sleep(0.05)


def _noise(handler: _Handler) -> None:
    handler.begin()
    handler.wfile.write(b'data: {"choices": [{"index": 0, "delta": {"content": "')
    block = b"word " * 20_000
    for _ in range(handler.server.noise // len(block)):
        handler.wfile.write(block)
    handler.wfile.write(b'"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')


def _many(handler: _Handler) -> None:
    handler.begin()
    for _ in range(handler.server.noise // 100):
        handler.piece(reasoning="a")


def _tiny(handler: _Handler) -> None:
    """Send chunks of one byte, each with its own framing."""
    handler.protocol_version = "HTTP/1.1"
    handler.begin(Transfer_Encoding="chunked")
    for _ in range(handler.server.noise // 60_000):
        handler.wfile.write(b"1\r\na\r\n" * 10_000)


def _slow(handler: _Handler) -> None:
    handler.begin()
    while not handler.server.ended.wait(0.1):
        handler.piece("word ")


def _slow_head(handler: _Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    handler.drip(b"x")


def _slow_line(handler: _Handler) -> None:
    handler.begin()
    handler.drip(b"x")


def _redirect(handler: _Handler) -> None:
    handler.begin(307, Location=f"{handler.server.url}/elsewhere")


def _error(status: int) -> Callable[[_Handler], None]:
    def reply(handler: _Handler) -> None:
        handler.begin(status, "application/json")
        handler.wfile.write(json.dumps({"error": {"message": SECRET}}).encode())

    return reply


def _said(words: str, finish: str | None, reasoning: str = "") -> Callable[[_Handler], None]:
    return lambda handler: handler.ending(words, finish, reasoning)


def _told_in_the_stream(handler: _Handler) -> None:
    handler.begin()
    handler.wfile.write(b"data: " + json.dumps({"error": {"message": SECRET}}).encode() + b"\n\n")


def _packed(handler: _Handler) -> None:
    import gzip

    handler.begin(Content_Encoding="gzip")
    handler.wfile.write(gzip.compress(b"data: " + b"a" * handler.server.noise))


def _no_http(handler: _Handler) -> None:
    handler.wfile.write(f"220 {SECRET}\r\n".encode())


KINDS: dict[str, Callable[[_Handler], None]] = {
    "noise": _noise,  # all on one line
    "many": _many,  # in very many pieces
    "tiny": _tiny,  # in chunks of one byte
    "packed": _packed,
    "cut": _said("US $310", "length"),
    "broken": _said("US $310", None),
    "filtered": _said("US $310", "content_filter"),
    "odd": _said("US $310", SECRET),
    "thinkcut": _said("<think> It speaks of something.", "length"),
    "reasoning": _said("", "length", "Let me think about it. " * 40),
    "slow": _slow,
    "slow head": _slow_head,
    "slow line": _slow_line,
    "redirect": _redirect,
    "refused": _error(401),
    "missing": _error(404),
    "fault": _error(500),
    "told": _told_in_the_stream,
    "no http": _no_http,
}
GOOD: dict[str, Callable[[_Handler], None]] = {
    "good": _said(_WORDS, "stop"),
    "think": _said(f"<think> It speaks of something. </think> {_WORDS}", "stop"),
}
KINDS |= GOOD


@contextlib.contextmanager
def endpoint(kind: str, noise: int = NOISE) -> Iterator[Endpoint]:
    """Run an endpoint of the given kind in a thread.

    Args:
        kind: A key of `KINDS`.
        noise: The number of bytes sent by endpoints that send too much.
    """
    server = Endpoint(kind, noise)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
