"""Drawing the windows of an issuer's keys: bars in the terminal, and the same as a picture in SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from rich.text import Text

STYLES = {
    "PENDING": ("dim", "#b8bec8"),
    "PUBLISHED": ("cyan", "#7fb2e5"),
    "ACTIVE": ("bold green", "#2e9e5b"),
    "VERIFY_ONLY": ("yellow", "#d9a441"),
    "DESTROY_SCHEDULED": ("dim red", "#c9a3a3"),
    "DESTROYED": ("dim", "#d9d9d9"),
    "COMPROMISED": ("bold red", "#c43d3d"),
}
"""Terminal style and colour of each state."""

_ROW, _LABEL, _TOP, _WIDTH = 26, 150, 46, 1000


@dataclass(frozen=True, slots=True)
class Bar:
    """One key on the timeline."""

    label: str
    state: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of time that is drawn."""

    start: datetime
    end: datetime

    @classmethod
    def around(cls, bars: Sequence[Bar], now: datetime) -> Span:
        """From the earliest to the latest of ``bars``, the present included; an hour around it if there are none."""
        moments = [now, *(bar.start for bar in bars), *(bar.end for bar in bars)]
        start, end = min(moments), max(moments)
        return cls(start, end) if end > start else cls(now - timedelta(hours=1), now + timedelta(hours=1))

    def place(self, moment: datetime, width: int) -> int:
        """Where ``moment`` lies on a line of ``width``, cut at both ends."""
        share = (moment - self.start) / (self.end - self.start)
        return round(min(1.0, max(0.0, share)) * width)


def lines(bars: Sequence[Bar], span: Span, now: datetime, width: int) -> list[Text]:
    """One line for each bar, then an axis with the present on it; ``width`` is that of the terminal."""
    label = max((len(bar.label) for bar in bars), default=0) + 1
    room = max(20, width - label - 1)
    present = span.place(now, room - 1)
    drawn: list[Text] = []
    for bar in bars:
        begin, end = span.place(bar.start, room), span.place(bar.end, room)
        cells = [" "] * room
        cells[begin : max(end, begin + 1)] = "█" * max(end - begin, 1)
        line = Text(f"{bar.label:<{label}}")
        line.append("".join(cells[:present]), STYLES[bar.state][0])
        line.append("│" if cells[present] == " " else "┃", "bold")
        line.append("".join(cells[present + 1 : room]), STYLES[bar.state][0])
        drawn.append(line)
    first, last = _moment(span.start), _moment(span.end)
    axis = first + " " * max(1, room - len(first) - len(last)) + last
    drawn.append(Text(" " * label + " " * present + "▲ now", "bold"))
    drawn.append(Text(" " * label + axis, "dim"))
    return drawn


def legend() -> Text:
    """The states and their colours."""
    text = Text()
    for state, (style, _) in STYLES.items():
        text.append("█ ", style).append(state.lower().replace("_", "-") + "  ")
    return text


def svg(title: str, bars: Sequence[Bar], span: Span, now: datetime) -> str:
    """The timeline as an SVG document."""
    height = _TOP + _ROW * len(bars) + 60
    room = _WIDTH - _LABEL - 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" font-family="sans-serif" '
        f'font-size="13"><title>{escape(title)}</title>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="26" font-size="17" font-weight="bold" fill="#1c2733">{escape(title)}</text>',
    ]
    for row, bar in enumerate(bars):
        y = _TOP + row * _ROW
        x = _LABEL + span.place(bar.start, room)
        width = max(2, _LABEL + span.place(bar.end, room) - x)
        said = f"{bar.label}: {bar.state}, {_moment(bar.start)} to {_moment(bar.end)}"
        parts.append(
            f'<text x="{_LABEL - 10}" y="{y + 16}" text-anchor="end" fill="#1c2733">{escape(bar.label)}</text>'
        )
        parts.append(
            f'<rect x="{x}" y="{y + 2}" width="{width}" height="{_ROW - 6}" rx="3" fill="{STYLES[bar.state][1]}">'
            f"<title>{escape(said)}</title></rect>"
        )
    bottom, present = _TOP + _ROW * len(bars) + 4, _LABEL + span.place(now, room)
    parts += [
        f'<line x1="{present}" y1="{_TOP - 6}" x2="{present}" y2="{bottom}" stroke="#1c2733" stroke-width="1.5"/>',
        f'<text x="{present}" y="{_TOP - 10}" text-anchor="middle" fill="#1c2733">now</text>',
        f'<text x="{_LABEL}" y="{bottom + 16}" fill="#5b6673">{_moment(span.start)}</text>',
        f'<text x="{_WIDTH - 20}" y="{bottom + 16}" text-anchor="end" fill="#5b6673">{_moment(span.end)}</text>',
    ]
    for n, (state, (_, colour)) in enumerate(STYLES.items()):
        x = 10 + n * 140
        parts.append(f'<rect x="{x}" y="{height - 24}" width="12" height="12" rx="2" fill="{colour}"/>')
        parts.append(f'<text x="{x + 17}" y="{height - 13}" font-size="11" fill="#5b6673">{state.lower()}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
