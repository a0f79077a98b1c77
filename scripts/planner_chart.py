# SPDX-License-Identifier: Apache-2.0
"""Draw docs/pictures/planner.svg: a town's reports by minute before and after the planner (tests/support/planner_town.py).

``python scripts/planner_chart.py`` writes it; the same town gives the same picture.
"""

import math
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.planner_town import CELLS, DEADLINE_MIN, LIMIT_PER_MIN, METERS, Verdict, judge, town  # noqa: E402

TARGET = ROOT / "docs" / "pictures" / "planner.svg"
WIDTH, HEIGHT, LEFT, TOP = 640, 190, 56, 34


def _panel(verdict: Verdict, top: int, title: str, color: str) -> list[str]:
    """Reports of the whole town by minute on a logarithmic scale, 1 to 100,000."""
    base = top + HEIGHT - 40
    scale = (base - top - TOP) / 5

    def height(count: int) -> float:
        return scale * math.log10(count) if count > 0 else 0.0

    lines = [
        f'<text x="{LEFT}" y="{top + 16}" class="t">{title}</text>',
        f'<text x="{LEFT}" y="{top + 30}" class="s">fullest cell {verdict.peak:,} a minute (limit {LIMIT_PER_MIN}) · '
        f"in by 08:00 {verdict.share_in_ppm / 10_000:.1f} %</text>",
    ]
    for power in range(6):
        y = base - scale * power
        lines.append(f'<line x1="{LEFT}" x2="{LEFT + DEADLINE_MIN}" y1="{y:.1f}" y2="{y:.1f}" class="g"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="s" text-anchor="end">{10**power:,}</text>')
    for hour in range(9):
        lines.append(
            f'<text x="{LEFT + hour * 60}" y="{base + 16}" class="s" text-anchor="middle">{hour:02d}:00</text>'
        )
    path = "".join(
        f"M{LEFT + minute + 0.5} {base}v{-height(count):.1f}" for minute, count in enumerate(verdict.by_minute) if count
    )
    lines.append(f'<path d="{path}" stroke="{color}" stroke-width="1" fill="none"/>')
    return lines


def drawing() -> str:
    """The picture as SVG text."""
    cells = town()
    total = 2 * HEIGHT + 24
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" role="img">',
        f"<title>{METERS:,} meters in {CELLS} cells: reports a minute before and after the planner</title>",
        "<style>text{font-family:sans-serif;fill:#222}.t{font-size:14px}.s{font-size:11px}.g{stroke:#ddd}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}.g{stroke:#444}}</style>",
        *_panel(judge(cells, planned=False), 0, "before: all at 01:00", "#b3452c"),
        *_panel(judge(cells, planned=True), HEIGHT + 12, "after", "#2c6fb3"),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(drawing(), "utf-8")
