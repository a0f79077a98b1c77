# SPDX-License-Identifier: Apache-2.0
"""Write the generated reference pages; tests/architecture checks that they are fresh."""

from collections.abc import Callable
from pathlib import Path

from openmains.app.command import terms
from openmains.domain.alarm import life as alarm_life
from openmains.domain.command.kinds import RULES, FourEyes
from openmains.domain.command.life import drawing, table
from openmains.domain.command.safety import ALONE_UP_TO
from openmains.domain.fleet import meter_life
from openmains.domain.work_order import life as order_life
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


def life_of_a_meter() -> str:
    """The part of docs/meter-lives.md that is drawn from the code."""
    words = ["| state | 中文 | English |", "|---|---|---|"]
    words += [f"| {life} | {zh} | {en} |" for life, (zh, en) in meter_life.LIFE_WORDS.items()]
    return "\n".join(
        [
            "```mermaid",
            meter_life.drawing(),
            "```",
            "",
            *words,
            "",
            "Next state by act; `·` is refused.",
            "",
            meter_life.table(),
        ]
    )


def life_of_an_alarm() -> str:
    """The part of docs/alarms.md that is drawn from the code."""
    legend = "Next state by step; `·` is refused."
    return "\n".join(["```mermaid", alarm_life.drawing(), "```", "", legend, "", alarm_life.table()])


def life_of_a_work_order() -> str:
    """The part of docs/work-orders.md that is drawn from the code."""
    legend = "Next state by step; `·` is refused."
    return "\n".join(["```mermaid", order_life.drawing(), "```", "", legend, "", order_life.table()])


def with_life(page: str, drawn: Callable[[], str] = command_life) -> str:
    """A page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{drawn()}\n{END}{rest.partition(END)[2]}"


DRAWN: dict[str, Callable[[], str]] = {
    "docs/commands.md": command_life,
    "docs/meter-lives.md": life_of_a_meter,
    "docs/alarms.md": life_of_an_alarm,
    "docs/work-orders.md": life_of_a_work_order,
}


def main() -> None:
    """Write each page whose text has changed."""
    for name, make in PAGES.items():
        page = ROOT / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(make(), "utf-8")
    for name, drawn in DRAWN.items():
        page = ROOT / name
        page.write_text(with_life(page.read_text("utf-8"), drawn), "utf-8")


if __name__ == "__main__":
    main()
