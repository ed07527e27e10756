"""The web chat, served.

The page is mounted in a plain uvicorn server: `Blocks.launch` fetches its own address to see whether it is up, which
fails where a proxy is configured, and opens a public tunnel on some hosted notebooks.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import webbrowser
from collections.abc import Iterator
from importlib import resources

import gradio as gr
import uvicorn
from fastapi import FastAPI

from rag import Engine, RagError
from ui.assets import head_html
from ui.library.intake import MOST_BYTES
from ui.page import THEME, WarmUp, build
from ui.server.access import Access
from ui.server.calls import Calls
from ui.server.guard import Guard
from ui.server.queue import MOST_WAITING
from ui.server.uploads import uploads

__all__ = ["Access", "build", "launch", "serve"]
_MOST_SESSIONS = 500  # pages whose state is kept; the browser keeps the conversations of others
_MOST_QUICK = 100  # events beside questions that may wait


def launch(
    engine: Engine,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = False,
    access: Access | None = None,
) -> None:
    """Serve the web chat of `engine` until interrupted.

    Args:
        engine: Answers the questions; its models are loaded once the page is up.
        host: Address to listen on; `0.0.0.0` for every interface.
        port: Port to listen on; 0 takes a free one.
        open_browser: Open the page in the default browser.
        access: Who may talk to it; with `host` alone when left out.

    Raises:
        UsageError: Others could reach the page, and `access` neither has a password nor lets everyone in.
        RagError: The address cannot be listened on.
    """
    access = access or Access(host)
    access.check()
    warm_up = WarmUp(engine)
    page = build(engine, warm_up=warm_up, access=access)
    with serve(page, host=host, port=port, access=access) as url:
        print(f"Dateline is at {url} (Ctrl+C ends it)", flush=True)
        warm_up.start()
        if open_browser:
            webbrowser.open(url)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


@contextlib.contextmanager
def serve(page: gr.Blocks, *, host: str = "127.0.0.1", port: int = 0, access: Access | None = None) -> Iterator[str]:
    """Serve `page` in a background thread; the value is its address, and leaving the context ends it.

    Args:
        page: What `build` made.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        access: Who may talk to it; with `host` alone when left out.

    Raises:
        RagError: The address cannot be listened on, or others could reach it unasked.
    """
    access = access or Access(host)
    access.check()
    _bound(page)
    with _listen(host, port) as listener, resources.as_file(resources.files("ui") / "static" / "favicon.svg") as icon:
        app = gr.mount_gradio_app(
            FastAPI(openapi_url=None),
            page,
            path="/",
            theme=THEME,
            head=head_html(),
            favicon_path=str(icon),
            footer_links=[],
            max_file_size=MOST_BYTES,
            run_history=False,
            ssr_mode=False,
            mcp_server=False,
            enable_monitoring=False,
            pwa=False,
        )
        guard = Guard(app, access, _calls(page))
        config = uvicorn.Config(guard, log_level="warning", timeout_graceful_shutdown=1, ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="dateline-server", daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.02)
            if not thread.is_alive():
                raise RagError("the web server did not start; its log says why")
        shown = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        try:
            yield f"http://{shown}:{listener.getsockname()[1]}/"
        finally:
            # Every open page holds a stream, and uvicorn reports each one that it cuts with a traceback.
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
            server.should_exit = True
            thread.join(5)


def _bound(page: gr.Blocks) -> None:
    """Turn on the checks and bounds that `Blocks.launch` would have set."""
    page.has_launched = True  # without it Gradio takes files from any path of this machine
    page.state_session_capacity = _MOST_SESSIONS
    # Waiting for a model takes no thread, so many events may be under way; the line for the model shows each its place.
    threads, page.max_threads = page.max_threads, MOST_WAITING + _MOST_QUICK
    page.queue(max_size=_MOST_QUICK)
    page.max_threads = threads


def _calls(page: gr.Blocks) -> Calls:
    handlers = {number: len(fn.inputs) for number, fn in page.fns.items()}
    names = {
        name
        for block in page.blocks.values()
        for name, member in vars(block).items()
        if getattr(member, "_is_server_fn", False)
    }
    return Calls(handlers, frozenset(names), uploads().owns)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise RagError(f"cannot listen on {host}:{port} ({error}); choose another port with --port") from error
