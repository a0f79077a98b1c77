# SPDX-License-Identifier: Apache-2.0
"""Write the generated reference pages; tests/architecture checks that they are fresh."""

from pathlib import Path

from openmains.app.command import terms
from openmains.domain.alarm import life as alarm_life
from openmains.domain.command.kinds import RULES, FourEyes
from openmains.domain.command.life import drawing, table
from openmains.domain.command.safety import ALONE_UP_TO
from openmains.edges.http import permissions_page
from openmains.run import settings
from openmains.wire.lwm2m import definitions

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "docs/reference/permissions.md": permissions_page.as_markdown,
    "docs/reference/settings.md": settings.as_markdown,
    "docs/protocols/lwm2m-objects.md": definitions.as_markdown,
    "console/src/shared/format/terms.json": terms.as_json,
}
BEGIN, END = "<!-- life: begin -->", "<!-- life: end -->"


def command_life() -> str:
    """The part of docs/commands.md that is drawn from the code."""
    rows = kind_table()
    legend = "Next state by event; `·` nothing happens, `!` cannot be: the state stays and the history says so."
    columns = (
        f"`valid`: unless tenant or product set another time. `second person`: `many` above {ALONE_UP_TO} meters at once, `strict` also"
        " for a critical customer and out of office hours, `always` for one meter too but for the immediate case. `quotas`: within"
        " what they are counted. `daily share`: counts in the share of a utility's meters that may be configured in a day."
    )
    return "\n".join(["```mermaid", drawing(), "```", "", legend, "", table(), "", *rows, "", columns])


def kind_table() -> list[str]:
    """The kinds of commands as rows of a Markdown table."""
    rows = [
        "| kind | 中文 | English | lane | urgency | valid | attempts | given by | second person | quotas | daily share |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for rule in RULES.values():
        longest = "" if rule.longest_s is None else f", at most {rule.longest_s // 3600} h"
        cells = (
            f"`{rule.kind}`",
            rule.zh,
            rule.en,
            rule.lane.name.lower(),
            rule.priority.name.lower(),
            f"{rule.validity_s // 3600} h{longest}",
            str(rule.attempts) if rule.attempts else "until the end",
            "administrator" if rule.for_administrators else "operator",
            "" if rule.four_eyes is FourEyes.NEVER else rule.four_eyes.value,
            ", ".join(quota.scope.value for quota in rule.quotas),
            "yes" if rule.configures else "",
        )
        rows.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return rows


def with_life(page: str) -> str:
    """docs/commands.md with its generated part made anew."""
    return _between(page, BEGIN, command_life(), END)


def with_alarm_life(page: str) -> str:
    """docs/alarms.md with its generated part made anew."""
    legend = "Next state by step; `·` is refused."
    drawn = "\n".join(["```mermaid", alarm_life.drawing(), "```", "", legend, "", alarm_life.table()])
    return _between(page, "<!-- alarm life: begin -->", drawn, "<!-- alarm life: end -->")


def _between(page: str, begin: str, made: str, end: str) -> str:
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{made}\n{end}{rest.partition(end)[2]}"


PARTS = {"docs/commands.md": with_life, "docs/alarms.md": with_alarm_life}
"""Pages of which a part is drawn from the code."""


def main() -> None:
    """Write each page whose text has changed."""
    for name, make in PAGES.items():
        page = ROOT / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(make(), "utf-8")
    for name, renew in PARTS.items():
        page = ROOT / name
        page.write_text(renew(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
