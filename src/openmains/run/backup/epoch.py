# SPDX-License-Identifier: Apache-2.0
"""The epoch that a restore begins: nothing that was given out after the backup is given out again with another meaning (ADR 0018).

| what | where | raised |
|---|---|---|
| versions of days and frames | ``meter_state`` | by VERSIONS |
| ids of rows (a meter's command key follows from its id) | sequences | by WIDE, narrow ones by NARROW |
| serial numbers of commands | ``restore_epoch`` | above the seconds since 2020, which they never were above, by SPARE |
| counters under the MAC | the signer's ledger | the same |
| sequence numbers of DTLS records | the session files | by RECORDS |
| sequence numbers of the stream | ``edges/nats/copy.py`` | by its AHEAD |

What cannot be known is left to a person: commands that had not left the house have failed with the reason 'restored', batches are
stopped, jobs have failed, sign-ins have ended; all of it stands in the trail. Commands that had been sent are asked about as ever, with
the frame and serial number that the meter may know.
"""

from dataclasses import dataclass

from openmains.app.command.signer.authority import COUNTERS_SINCE
from openmains.edges.backup.archive import About
from openmains.edges.postgres.command.flow import SERIALS_SINCE
from openmains.edges.postgres.db import Connection
from openmains.edges.signer.ledger import SqliteLedger
from openmains.edges.sqlite.sessions import raise_reserved
from openmains.run.backup.postgres import SQL
from openmains.run.care.ledger import LEDGER
from openmains.run.settings import Settings

VERSIONS = 1_000_000  # a meter at the most an edge takes by default, 30 a minute, makes them in 23 days; more for a longer time
VERSIONS_A_S = 1
WIDE, NARROW = 100_000_000, 1_000_000
SPARE = 1 << 16
RECORDS = 1 << 32
JOB_FAULT = "系统由备份恢复,是否完成未知;请核对后重新提交 / restored from a backup: not known whether it was done; check, then give it again"


@dataclass(frozen=True, slots=True)
class Raised:
    """What the epoch did: its number, and how many commands, batches, jobs and sessions it touched."""

    epoch: int
    commands: int
    batches: int
    jobs: int
    sessions: int


async def begin_epoch(settings: Settings, owner: Connection, about: About, now_us: int) -> Raised:
    """Once, before anything runs on the restored stores."""
    now_s = now_us // 1_000_000
    elapsed_s = max(0, (now_us - about.taken_us) // 1_000_000)
    async with owner.transaction():
        epoch = int(await SQL["next_epoch"].fetchval(owner))
        await SQL["begin_epoch"].execute(
            owner, epoch=epoch, backup_id=about.backup_id, taken_us=about.taken_us, restored_us=now_us,
            serial_floor=now_s - SERIALS_SINCE + SPARE,
        )  # fmt: skip
        await SQL["raise_versions"].execute(owner, step=VERSIONS + VERSIONS_A_S * elapsed_s)
        await SQL["raise_ids"].fetch(owner, wide=WIDE, narrow=NARROW)
        commands = _count(await SQL["end_unsent"].execute(owner, now_us=now_us))
        commands += _count(await SQL["end_unsent_to_gateways"].execute(owner, now_us=now_us))
        batches = _count(await SQL["stop_batches"].execute(owner))
        jobs = _count(await SQL["end_jobs"].execute(owner, error=JOB_FAULT))
        if about.var and about.var != str(settings.var_path):
            await SQL["move_job_files"].execute(owner, former=f"{about.var}/", folder=f"{settings.var_path}/")
        await SQL["end_sessions"].execute(owner)
        await SQL["forget_meter_changes"].execute(owner)
        await SQL["forget_terminal_changes"].execute(owner)
        for row in await SQL["tenants"].fetch(owner):
            await SQL["record_restore"].execute(
                owner, tenant_id=row["tenant_id"], backup_id=about.backup_id, taken_us=about.taken_us, epoch=epoch,
                now_us=now_us, error=JOB_FAULT,
            )  # fmt: skip
    if (settings.signer_home / LEDGER).exists():
        ledger = SqliteLedger(settings.signer_home / LEDGER)
        try:
            ledger.raise_counters(now_s - COUNTERS_SINCE + SPARE)
        finally:
            ledger.close()
    sessions = sum(raise_reserved(path, RECORDS) for path in sorted((settings.var_path / "edge").glob("node-*.sqlite")))
    return Raised(epoch, commands, batches, jobs, sessions)


def _count(status: str) -> int:
    """Rows of a command's answer, such as ``UPDATE 3``."""
    return int(status.rsplit(" ", 1)[1])
