# SPDX-License-Identifier: Apache-2.0
"""``python -m openmains.edges.http.openapi [FILE]``: the OpenAPI document, the same bytes every time."""

import json
import re
import sys
from pathlib import Path

from litestar import Litestar

from openmains.edges.http.app import api_router, openapi_config

# Litestar names a page by the module of what is on it; where a class lives is no business of a client.
_PAGE = re.compile(r"\bPage_openmains\.[\w.]+\.(\w+?)_(?!\w)")


def document() -> str:
    """The document with sorted keys, ending in a newline. Pages are named ``Page_<item>`` wherever the item's class lives."""
    app = Litestar(route_handlers=[api_router()], openapi_config=openapi_config(), logging_config=None)
    schema = _PAGE.sub(r"Page_\1", json.dumps(app.openapi_schema.to_schema()))
    return json.dumps(json.loads(schema), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main(arguments: list[str]) -> None:
    """Write to the file named, or to standard output."""
    if arguments:
        Path(arguments[0]).write_text(document(), "utf-8")
    else:
        sys.stdout.write(document())


if __name__ == "__main__":
    main(sys.argv[1:])
