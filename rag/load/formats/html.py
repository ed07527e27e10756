"""Read HTML: the main text and metadata of a page, and all the text of a piece of markup."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from rag.errors import DocumentError
from rag.load import worker
from rag.load.article import Article, Input, clean, one_line
from rag.load.charset import Decoded, interpret, meant
from rag.load.formats.html_blocks import drop_links, join_blocks
from rag.load.formats.html_hidden import drop_hidden
from rag.load.formats.html_tables import unfold_tables
from rag.load.formats.page_date import page_date
from rag.load.metadata import byline, plain_title
from rag.types import Note

MAX_HTML = 10_000_000  # a page is parsed as a whole, which takes many times its size
# The parser's time grows with the square of a tag's attributes, so longer pages are parsed where it can be stopped.
HARMLESS = 50_000
_LEAST_CHARS = 50  # a shorter text is a menu or a cookie notice
# What may come before the first element. There must be only one way to match each comment: with a second one, the time
# doubles with every comment.
PROLOGUE = rb"(?:\xef\xbb\xbf)?\s*(?:<(?:\?[^>]*|!--(?:(?!-->).)*--)>\s*)*"
_START = re.compile(PROLOGUE + rb"<(?:!doctype\s+html|html\b|head\b)", re.IGNORECASE | re.DOTALL)
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_LANG = re.compile(r"<html\b[^>]{0,500}?\slang\s*=\s*[\"']?([\w-]{2,20})", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]{1,40})""")
_HEAD = 100_000  # bytes in which `<meta>` is looked for: scripts may come before it
_BLOCKS = frozenset(
    "address article aside blockquote body br center dd details dialog div dl dt fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 header hr legend li main menu nav ol option p pre section summary table tbody tfoot thead "
    "title tr ul".split()
)
_CELLS = frozenset(("td", "th"))
# MathML has the source of a formula beside it, in an annotation.
_UNSEEN = frozenset(
    "annotation annotation-xml head iframe noscript object script select style svg template textarea".split()
)


def starts_page(head: bytes, suffix: str) -> bool:
    """Return whether a file with these first bytes is a web page, whatever its name, except mail that contains one."""
    return suffix not in (".eml", ".mbox") and bool(_START.match(head))


def read(file: Input) -> Iterator[Article | Note]:
    """Yield the article of a saved web page."""
    decoded = decode_page(file.read(MAX_HTML))
    article = extract(decoded.text, file.source)
    notice = decoded.notice(file.source, extract(decoded.marked, file.source).text if decoded.marked else "")
    if notice:
        yield Note(file.source, notice, failed=False)
    yield article


def extract(html: str, source: str, url: str | None = None) -> Article:
    """Return the main text of a page, without menus and notices, with blank lines between paragraphs.

    Args:
        html: The page.
        source: Its name in messages.
        url: The address it came from.

    Raises:
        DocumentError: The page cannot be parsed or holds no article.
    """
    if len(html) <= HARMLESS:
        return extract_here(html, source, url)
    return Article(**worker.call("page", html.encode("utf-8", "replace"), source, url=url))


def extract_here(html: str, source: str, url: str | None = None) -> Article:
    """Do what `extract` does, in this process."""
    # Imported here, because it takes half a second and only pages need it.
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # users cannot fix what it complains about
    language = _LANG.search(html[:20_000])
    try:
        tree = trafilatura.load_html(html)
        published = page_date(tree, language[1] if language else "", url or "") if tree is not None else ""
        if tree is not None:
            drop_hidden(tree)
            drop_links(tree)
            join_blocks(tree)
            unfold_tables(tree)
        found = trafilatura.bare_extraction(
            tree,
            url=url,
            with_metadata=True,
            include_comments=False,
        )
    except MemoryError:
        raise
    except Exception as error:  # hostile pages break parsers in ways that no list of exceptions covers
        raise DocumentError(f"the page {source} cannot be understood; save its text and add that") from error
    body = clean(getattr(found, "text", "") or "")
    if len(body) < _LEAST_CHARS:
        raise DocumentError(f"no article was found in {source}; save its text and add that")
    blocks = _text_of(tree).split("\n\n")
    parts = [part for block in body.split("\n") if block.strip() for part in _parts(block.strip(), blocks)]
    return _article(parts, found, tree, language[1] if language else "", published)


def _article(parts: list[str], found: Any, tree: Any, language: str, published: str) -> Article:
    """Return the article of a page from its paragraphs and what trafilatura says of it."""
    known = {name: one_line(getattr(found, name, "")) for name in ("title", "author", "sitename", "url")}
    headings = [one_line(" ".join(element.itertext())) for element in tree.iter("h1", "h2")]
    title = plain_title(known["title"], known["sitename"], headings)
    if parts[0] in (title, known["title"]) and len(parts) > 1:
        parts = parts[1:]
    return Article(
        text="\n\n".join(parts),
        title=title,
        date=published or None,
        author=byline(known["author"].split(";"), language),
        publisher=known["sitename"],
        language=language,
        url=known["url"],
    )


def _parts(block: str, blocks: list[str]) -> list[str]:
    """Return the paragraphs of a block: where all else fails, trafilatura gives a whole article as one.

    Args:
        block: A paragraph as trafilatura gives it.
        blocks: All the paragraphs of the page.
    """
    for first, start in enumerate(blocks):
        if len(start) >= len(block) or not block.startswith(start + " "):
            continue
        found, at = [start], len(start) + 1
        for following in blocks[first + 1 :]:
            if block.startswith(following, at) and block[at + len(following) :][:1] in ("", " "):
                found.append(following)
                at += len(following) + 1
                if at > len(block):
                    return found
    return [block]


def decode_page(raw: bytes, label: str = "") -> Decoded:
    """Decode a page or a piece of one.

    The order is that of the web: byte order mark, header, `<meta>` or XML declaration, else UTF-8.

    Args:
        raw: The page.
        label: The encoding that its header declares; empty for a file.
    """
    inside = _META_CHARSET.search(raw[:_HEAD]) or _XML_ENCODING.match(raw)
    if inside and not meant(label):
        label = inside[1].decode("ascii", "replace")
        if meant(label).startswith("utf-16"):
            label = "utf-8"  # it could not be read if that were so
    return interpret(raw, label)


def decoded_prose(decoded: Decoded, name: str) -> tuple[str, str, str]:
    """Return the heading and the text of a decoded piece of HTML, and a notice on how it was read.

    Raises:
        DocumentError: It cannot be parsed, or its text is not in its encoding.
    """
    heading, text = headed_prose(decoded.text)
    return heading, text, decoded.notice(name, prose(decoded.marked) if decoded.marked else "")


def prose(markup: str | bytes) -> str:
    """Return all the text of a piece of HTML (a mail, a feed entry), with blank lines between blocks.

    Raises:
        DocumentError: It cannot be parsed within the limits of time and memory.
    """
    return headed_prose(markup)[1]


def headed_prose(markup: str | bytes) -> tuple[str, str]:
    """Return the heading of a piece of HTML (empty if it has none) and all its text."""
    raw = (markup.encode("utf-8", "replace") if isinstance(markup, str) else markup).replace(b"\0", b"")
    if len(raw) <= HARMLESS:
        return headed_prose_here(raw)
    heading, text = worker.call("prose", raw, "a piece of HTML")
    return heading, text


def headed_prose_here(raw: bytes) -> tuple[str, str]:
    """Do what `headed_prose` does, in this process."""
    # Imported here with its C library, because only markup needs it.
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(raw, parser) if raw.strip() else None
    except (etree.LxmlError, ValueError):  # it contains neither markup nor text
        return "", ""
    if root is None:
        return "", ""
    headings = (one_line(" ".join(element.itertext())) for tag in ("h1", "h2", "title") for element in root.iter(tag))
    unfold_tables(root)
    return next(filter(None, headings), ""), _text_of(root)


def _text_of(root: Any) -> str:
    from lxml import etree

    pieces: list[str] = []
    unseen = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = _tag_name(element)
        hidden = name.rpartition(":")[2] in _UNSEEN
        if event == "start":
            unseen += hidden
            if not unseen:
                pieces += ["\0" if name in _BLOCKS else "", element.text or ""]
            continue
        unseen -= hidden
        if not unseen:
            mark = "\0" if name in _BLOCKS else " " if name in _CELLS else ""
            pieces += [mark, (element.tail or "") if element is not root else ""]
    blocks = (" ".join(block.split()) for block in "".join(pieces).split("\0"))
    return clean("\n\n".join(filter(None, blocks)))


def _tag_name(element: Any) -> str:
    """Return an element's name, in lower case. Unlike `etree.QName`, this takes any name: Word writes `<o:p>`."""
    name = element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
    return name.removeprefix("html:").removeprefix("xhtml:")
