"""Draw the report's plots with matplotlib as SVG that can be embedded in a page.

Colours are replaced with the page's own (so that dark mode works), text stays text in the page's font, and anything
that could affect the page or load from elsewhere (style rules, ids, addresses) is removed.
"""

from __future__ import annotations

import io
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

from eval.records import Run
from eval.report.words import one_line, shorten
from eval.score.curves import calibration, risk_coverage
from eval.score.figures import Figure
from eval.score.metrics import by_kind

SERIES = 5  # colours of systems; further systems reuse them with the next shape
SHAPES = "osD^v"
# Placeholders that are replaced with the page's colours.
_INK, _SOFT, _LINE, _PAPER = "#000001", "#000002", "#000003", "#000004"
_SERIES = [f"#0000{16 + number:02x}" for number in range(SERIES)]
_COLOURS = {_INK: "var(--ink)", _SOFT: "var(--soft)", _LINE: "var(--line)", _PAPER: "var(--paper)"} | {
    colour: f"var(--s{number})" for number, colour in enumerate(_SERIES)
}
_WIDTH = 5.2  # inches; a page shows it between 350 and 520 pixels wide
_LABEL_CHARS = 20
_LOCK = threading.Lock()  # matplotlib's settings are global to the process
_SETTINGS = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # kinds and names are untrusted text
    "font.size": 10.5,
    "font.family": "DejaVu Sans",  # ships with matplotlib; only used to measure text, since the page has its own font
    "text.color": _INK,
    "axes.labelcolor": _SOFT,
    "axes.edgecolor": _LINE,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _SOFT,
    "ytick.labelcolor": _INK,
    "grid.color": _LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
}


def kinds_plot(runs: Sequence[Run], title: str) -> str:
    """Return the share of right answers by kind, a row for each kind and a dot with its interval for each system."""
    found = [by_kind(run, run.header.seed) for run in runs]
    refusable = {r.question.kind: r.question.must_refuse for run in runs for r in run.records}
    kinds = list(dict.fromkeys(kind for each in found for kind, figure in each.items() if figure.value is not None))
    kinds.sort(key=lambda kind: refusable[kind])
    height = max(1.6, 0.55 + len(kinds) * max(0.42, 0.2 + 0.11 * len(runs)))

    def draw(axes: Axes) -> None:
        for row, kind in enumerate(kinds):
            if row and refusable[kind] != refusable[kinds[row - 1]]:
                axes.axhline(row - 0.5, color=_SOFT, linewidth=0.8, linestyle=(0, (2, 2)))
            for number, each in enumerate(found):
                offset = (number - (len(runs) - 1) / 2) * 0.62 / max(len(runs), 2)
                _dot(axes, each.get(kind), row + offset, number)
        counts = [max((each[k].count for each in found if k in each), default=0) for k in kinds]
        names = [
            f"{shorten(one_line(k.replace('_', ' ')), _LABEL_CHARS)} ({count})"
            for k, count in zip(kinds, counts, strict=True)
        ]
        axes.set_yticks(range(len(kinds)), names)
        axes.set_ylim(len(kinds) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        _share(axes, "x")
        axes.grid(axis="x", linewidth=0.7)
        axes.set_xlabel("right")

    return _svg(draw, title, height)


def risk_plot(runs: Sequence[Run], title: str) -> str:
    """Return the risk-coverage curves: solid as far as a system answers, dotted through what it refused."""

    def draw(axes: Axes) -> None:
        for number, run in enumerate(runs):
            curve = risk_coverage(run)
            if curve.answered is None:
                continue
            points = np.array([(p.coverage, p.risk) for p in curve.points])
            start = min(4, len(points) - 1)  # the shares of the first few answers jump between 0 and 1
            points = points[np.unique(np.linspace(start, len(points) - 1, 300).astype(int))]
            given = points[points[:, 0] <= curve.answered + 1e-9]
            rest = points[max(len(given) - 1, 0) :]
            colour = _SERIES[number % SERIES]
            axes.plot(*given.T, color=colour, linewidth=1.8)
            axes.plot(*rest.T, color=colour, linewidth=1.2, linestyle=(0, (1, 2)))
            if len(given):
                axes.plot(*given[-1], marker=_shape(number), color=colour, markersize=7, markeredgecolor=_PAPER)
        _share(axes, "x")
        _share(axes, "y")
        axes.grid(linewidth=0.7)
        axes.set_xlabel("questions answered, most confident first")
        axes.set_ylabel("wrong among them")

    return _svg(draw, title, 3.1)


def latency_plot(runs: Sequence[Run], title: str) -> str:
    """Return the share of questions answered within a time, on a logarithmic scale, with each system's median."""
    times = [np.sort([t for r in run.records if (t := r.answer.timings.get("total")) is not None]) for run in runs]

    def draw(axes: Axes) -> None:
        for number, seconds in enumerate(times):
            if not len(seconds):
                continue
            seconds = np.maximum(seconds, 1e-3)
            share = np.arange(1, len(seconds) + 1) / len(seconds)
            colour = _SERIES[number % SERIES]
            axes.step(seconds, share, where="post", color=colour, linewidth=1.8)
            axes.plot(np.median(seconds), 0.5, _shape(number), color=colour, markersize=7, markeredgecolor=_PAPER)
        axes.set_xscale("log")
        known = np.concatenate(times) if any(map(len, times)) else np.array([0.1, 1.0])
        low, high = max(known.min(), 1e-3) / 1.3, max(known.max(), 2e-3) * 1.3
        steps = [s * 10.0**e for e in range(-3, 4) for s in (1, 2, 5) if low <= s * 10.0**e <= high]
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(FixedLocator(steps if len(steps) < 7 else steps[:: len(steps) // 4]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g} s"))
        _share(axes, "y")
        axes.grid(linewidth=0.7)
        axes.set_xlabel("time to the checked answer")
        axes.set_ylabel("answered by then")

    return _svg(draw, title, 3.1)


def calibration_plot(runs: Sequence[Run], title: str, what: str) -> str:
    """Return the calibration of `what` ("support" or "confidence") as a plot; a larger dot has a larger count."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_SOFT, linewidth=0.9, linestyle=(0, (3, 3)))
        for number, run in enumerate(runs):
            bins = calibration(run)[what].bins
            colour = _SERIES[number % SERIES]
            spots = [(b.predicted, b.right) for b in bins]
            axes.plot(*zip(*spots, strict=True) if spots else ((), ()), color=colour, linewidth=1.2)
            most = max((b.count for b in bins), default=1)
            for b in bins:
                size = 4 + 8 * (b.count / most) ** 0.5
                axes.plot(b.predicted, b.right, _shape(number), color=colour, markersize=size, markeredgecolor=_PAPER)
        _share(axes, "x")
        _share(axes, "y")
        axes.grid(linewidth=0.7)
        axes.set_xlabel(what)
        axes.set_ylabel("right")

    return _svg(draw, title, 3.1)


def _dot(axes: Axes, figure: Figure | None, row: float, number: int) -> None:
    if figure is None or figure.value is None:
        return
    colour = _SERIES[number % SERIES]
    if figure.low is not None and figure.high is not None:
        axes.plot([figure.low, figure.high], [row, row], color=colour, linewidth=1.6, alpha=0.55)
    axes.plot(figure.value, row, _shape(number), color=colour, markersize=6.5, markeredgecolor=_PAPER, clip_on=False)


def _shape(number: int) -> str:
    return SHAPES[(number + number // SERIES) % len(SHAPES)]


def _share(axes: Axes, which: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xlim if which == "x" else axes.set_ylim)(-0.02, 1.02)
    axis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


def _svg(draw: Callable[[Axes], None], title: str, height: float) -> str:
    with _LOCK, matplotlib.rc_context({**_SETTINGS, "svg.hashsalt": title}):
        canvas = Canvas(figsize=(_WIDTH, height), layout="constrained")
        draw(canvas.subplots())
        file = io.BytesIO()
        canvas.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(ET.fromstring(file.getvalue()), title)


def _inline(root: ET.Element, title: str) -> str:
    """Return an SVG document as an element of a page."""
    addresses = (v for e in root.iter() for k, v in e.attrib.items() if _local(k) in ("href", "clip-path"))
    referred = {address.rpartition("#")[2].rstrip(")") for address in addresses}
    _clean(root, referred)
    root.attrib = {"viewBox": root.attrib["viewBox"], "class": "plot", "role": "img", "aria-label": title}
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element, referred: set[str]) -> None:
    element.tag = _local(element.tag)
    element.tail = None
    if element.tag != "text":
        element.text = None
    kept: dict[str, str] = {}
    for name, value in element.attrib.items():
        name = _local(name)
        if name == "style":
            pairs = (part.split(":", 1) for part in value.split(";") if ":" in part)
            kept |= {key.strip(): _colour(text.strip()) for key, text in pairs if key.strip() != "font-family"}
        elif name != "id" or value in referred:
            kept[name] = value
    element.attrib = kept
    for child in list(element):
        if _local(child.tag) in ("metadata", "style", "title"):
            element.remove(child)
        else:
            _clean(child, referred)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _colour(value: str) -> str:
    return _COLOURS.get(value, value)
