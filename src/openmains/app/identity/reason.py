# SPDX-License-Identifier: Apache-2.0
"""Why a person does what others must live with: asked of every risky act, whoever calls it, and kept in the trail.

Which acts these are is the table in ``docs/console.md``. The use case asks, not the page: no client can leave it out.
"""

from openmains.app.problems import Problem

LEAST = 2  # signs that are letters or digits: '停用' is a reason, '--' is none


def stated(reason: str, field: str = "reason") -> str:
    """The reason without white space around and in excess. Raises ``reason-needed`` for one that says nothing.

    ``field``: its name in the request.
    """
    text = " ".join(reason.split())
    if sum(sign.isalnum() for sign in text) < LEAST:
        raise Problem("reason-needed", fields=((f"/{field}", "required"),))
    return text
