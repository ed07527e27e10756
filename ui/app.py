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
from ui.intake import MOST_BYTES
from ui.page import THEME, WarmUp, build

__all__ = ["build", "launch", "serve"]


def launch(engine: Engine, *, host: str = "127.0.0.1", port: int = 7860, open_browser: bool = False) -> None:
    """Serve the web chat of `engine` until interrupted.

    Args:
        engine: Answers the questions; its models are loaded once the page is up.
        host: Address to listen on; `0.0.0.0` for every interface.
        port: Port to listen on; 0 takes a free one.
        open_browser: Open the page in the default browser.

    Raises:
        RagError: The address cannot be listened on.
    """
    warm_up = WarmUp(engine)
    with serve(build(engine, warm_up=warm_up), host=host, port=port) as url:
        print(f"Dateline is at {url} (Ctrl+C ends it)", flush=True)
        warm_up.start()
        if open_browser:
            webbrowser.open(url)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


@contextlib.contextmanager
def serve(page: gr.Blocks, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve `page` in a background thread; the value is its address, and leaving the context ends it."""
    with _listen(host, port) as listener, resources.as_file(resources.files("ui") / "favicon.svg") as icon:
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
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
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


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise RagError(f"cannot listen on {host}:{port} ({error}); choose another port with --port") from error
