# SPDX-License-Identifier: Apache-2.0
"""Write the generated reference pages; tests/architecture checks that they are fresh."""

from pathlib import Path

from openmains.domain.command.kinds import RULES
from openmains.domain.command.life import drawing, table
from openmains.edges.http import permissions_page
from openmains.run import settings
from openmains.wire.lwm2m import definitions

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "docs/reference/permissions.md": permissions_page.as_markdown,
    "docs/reference/settings.md": settings.as_markdown,
    "docs/protocols/lwm2m-objects.md": definitions.as_markdown,
}
BEGIN, END = "<!-- life: begin -->", "<!-- life: end -->"


def command_life() -> str:
    """The part of docs/commands.md that is drawn from the code."""
    rows = ["| kind | lane | urgency | valid | attempts | signed |", "|---|---|---|---|---|---|"]
    for rule in RULES.values():
        hours = rule.validity_s // 3600
        attempts = str(rule.attempts) if rule.attempts else "until the end"
        rows.append(
            f"| `{rule.kind}` | {rule.lane.name.lower()} | {rule.priority.name.lower()} | {hours} h | {attempts} |"
            f" {'yes' if rule.signed else ''} |"
        )
    legend = "Next state by event; `·` nothing happens, `!` cannot be: the state stays and the history says so."
    return "\n".join(["```mermaid", drawing(), "```", "", legend, "", table(), "", *rows])


def with_life(page: str) -> str:
    """docs/commands.md with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{command_life()}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    """Write each page whose text has changed."""
    for name, make in PAGES.items():
        page = ROOT / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(make(), "utf-8")
    commands = ROOT / "docs" / "commands.md"
    commands.write_text(with_life(commands.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
