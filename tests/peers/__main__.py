# SPDX-License-Identifier: Apache-2.0
"""``make peers``: run every foreign client that is found against a real system, and write the page of results.

    python -m tests.peers [--only TEXT] [--page docs/protocols/peers.md]

Ends with 1 when anything failed. With ``--only`` nothing is written.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from tests.peers import coap_client, lwm2m_clients, mbedtls_client, records
from tests.peers.found import Client
from tests.peers.place import CannotDo, Failed, Place, made_place
from tests.peers.table import Result, Row, page
from tests.support.system import running_system

CLIENTS: tuple[Client, ...] = (
    *lwm2m_clients.CLIENTS, *coap_client.CLIENTS, *mbedtls_client.CLIENTS, *records.CLIENTS,
)  # fmt: skip
PAGE = Path(__file__).parents[2] / "docs" / "protocols" / "peers.md"


def tried(place: Place, client: Client, program: str) -> Result:
    """All its cases, one after the other; one that fails keeps no other from its turn."""
    result = Result(client, client.version(program))
    print(f"{client.name} {result.version}")
    for case in client.cases:
        try:
            sign, note = "✓", case.run(place, program) or ""
        except CannotDo as why:
            sign, note = "—", str(why)
        except Failed as why:
            sign, note = "✗", str(why)
        except (AssertionError, OSError, KeyError, IndexError, ValueError) as error:
            sign, note = "✗", f"{type(error).__name__}: {str(error)[:200]}"
        result.rows.append(Row(case.zh, case.en, sign, note))
        print(f"  {sign} {case.en} {note}", flush=True)
    return result


async def run(only: str) -> list[Result]:
    """Everything; the system is started only when there is somebody to speak with it."""
    chosen = [client for client in CLIENTS if only.lower() in client.name.lower()]
    programs = {client.name: client.find() for client in chosen}
    for client in chosen:
        if programs[client.name] is None:
            print(f"{client.name}: not found / 未找到. {client.get}")
    if not any(programs.values()):
        return [Result(client) for client in chosen]
    async with made_place(running_system) as place:
        return [
            await asyncio.to_thread(tried, place, client, program)
            if (program := programs[client.name])
            else Result(client)
            for client in chosen
        ]


def main() -> int:
    """Exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument("--only", default="", help="clients whose name has this in it")
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args()
    results = asyncio.run(run(args.only))
    if not args.only:
        args.page.write_text(page(results), "utf-8")
        print(f"→ {args.page}")
    return int(any(row.sign == "✗" for result in results for row in result.rows))


if __name__ == "__main__":
    sys.exit(main())
