# SPDX-License-Identifier: Apache-2.0
"""Write the generated reference pages; tests/architecture/test_generated.py checks that they are fresh."""

from pathlib import Path

from openmains.run.settings import as_markdown
from openmains.wire.lwm2m import definitions

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "docs/reference/settings.md": as_markdown,
    "docs/protocols/lwm2m-objects.md": definitions.as_markdown,
}


def main() -> None:
    """Write each page whose text has changed."""
    for name, make in PAGES.items():
        page = ROOT / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(make(), "utf-8")


if __name__ == "__main__":
    main()
