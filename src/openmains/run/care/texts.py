# SPDX-License-Identifier: Apache-2.0
"""What is said of files that are not as we left them: what is wrong, what that means, what to do – in both languages, one line."""

from collections.abc import Sequence
from pathlib import Path

from openmains.run.care.faults import Words
from openmains.run.engines.child import StartError


def refusal(words: Words) -> StartError:
    """For what cannot be built anew: the start ends with these words."""
    return StartError(words.zh, words.en)


# keys --------------------------------------------------------------------------------------------------------------------


def master_key_missing(path: Path, masters: Sequence[str]) -> Words:
    """Device keys are sealed under a master key that is gone."""
    which = ", ".join(masters) or "-"
    return Words(
        f"主密钥 {path} 丢失,而数据库中的设备密钥由它({which})封装:没有它,任何表具都不能接入。请从备份恢复该文件(或设置"
        " OPENMAINS_MASTER_KEY)后重新启动;不会生成新的主密钥来代替它。",
        f"the master key {path} is missing, and the device keys in the database are sealed under it ({which}): without it no meter"
        " gets in. Restore the file from the backup (or set OPENMAINS_MASTER_KEY) and start again; no new one is made in its place.",
    )


def master_key_unusable(path: Path, masters: Sequence[str]) -> Words:
    """The file is there and holds no key."""
    which = ", ".join(masters) or "-"
    return Words(
        f"主密钥 {path} 已损坏(应为 32 字节的 base64),而数据库中的设备密钥由主密钥 {which} 封装。请从备份恢复该文件后重新启动。",
        f"the master key {path} is damaged (32 bytes in base64 are expected), and the device keys in the database are sealed under"
        f" master key {which}. Restore the file from the backup and start again.",
    )


def master_key_other(path: Path, here: str, masters: Sequence[str]) -> Words:
    """It is a key, and another one."""
    which = ", ".join(masters)
    return Words(
        f"{path} 中的主密钥是 {here},而数据库中的设备密钥由 {which} 封装(文件被改动、被替换,或属于其他安装):这些表具不能接入。"
        "请从备份恢复正确的主密钥后重新启动。",
        f"the master key in {path} is {here}, but device keys in the database are sealed under {which} (the file was changed, replaced,"
        " or is another installation's): their meters do not get in. Restore the right master key from the backup and start again.",
    )


def data_key_unreadable(tenant_id: int) -> Words:
    """The master key fits, the wrapping does not open."""
    return Words(
        f"租户 {tenant_id} 的数据密钥与主密钥相符但无法打开(数据库中的行已被改动):其表具不能接入。请从备份恢复数据库,或重新导入这些密钥。",
        f"a data key of tenant {tenant_id} names the master key we have and does not open under it (its row in the database was"
        " changed): its meters do not get in. Restore the database from the backup, or import these keys again.",
    )


def secret_made_anew(path: Path, why_zh: str, why_en: str) -> Words:
    """A secret that only our own parts know of."""
    return Words(
        f"{path} {why_zh},已重新生成;各部分在启动时使用新值,无需处理。",
        f"{path} {why_en}; it was made anew and every part uses the new one from this start on. Nothing is to be done.",
    )


# the signer --------------------------------------------------------------------------------------------------------------


def command_key_missing(path: Path) -> Words:
    return Words(
        f"签名账本存在而密钥 {path} 丢失;请从备份恢复,否则所有表具的命令密钥都将失效。",
        f"the signer's ledger is there but its key {path} is not: restore it from the backup, or every meter's command key is void.",
    )


def command_key_unusable(path: Path) -> Words:
    return Words(
        f"命令主密钥 {path} 已损坏(应为 64 位十六进制):请从备份恢复该文件后重新启动,否则所有表具的命令密钥都将失效。",
        f"the command master key {path} is damaged (64 hexadecimal digits are expected): restore the file from the backup and start"
        " again, or every meter's command key is void.",
    )


def command_key_other(path: Path) -> Words:
    return Words(
        f"命令主密钥 {path} 不是签名账本所用的那一把(文件被改动、被替换,或属于其他安装):用它签名的命令会被所有表具拒绝。"
        "请从备份恢复密钥与账本(两者必须一起恢复)后重新启动。",
        f"the command master key {path} is not the one that the signer's ledger was kept with (changed, replaced, or another"
        " installation's): every meter would refuse what it signs. Restore key and ledger from the backup, both together, and start"
        " again.",
    )


def signer_gone(home: Path) -> Words:
    return Words(
        f"签名进程的密钥与账本({home})都不存在,而数据库中已有签名的命令:不会以空的账本重新开始。请从备份恢复整个目录后重新启动。",
        f"the signer's key and ledger ({home}) are both gone, and the database knows of signed commands: it does not begin with empty"
        " ones. Restore the whole folder from the backup and start again.",
    )


def signer_other(home: Path) -> Words:
    return Words(
        f"{home} 中的命令主密钥不是本数据库的命令所用的那一把(属于其他安装,或恢复自其他备份)。请恢复属于本数据库的密钥与账本。",
        f"the command master key in {home} is not the one that this database's commands were signed with (another installation's, or"
        " from another backup). Restore the key and ledger that belong to this database.",
    )


_NO_BACKUP_ZH = (
    "没有备份时:openmains signer begin-anew --yes,之后须重新登记全部签名人员,限额与未撤销的安全关阀记录将丢失。"
)
_NO_BACKUP_EN = (
    "Without a backup: openmains signer begin-anew --yes; all people must then be enrolled again, and the counts of quotas and the"
    " safety closings that stand are lost."
)


def ledger_missing(path: Path) -> Words:
    return Words(
        f"签名账本 {path} 丢失(密钥仍在):其中有签名人员、限额、计数器和安全关阀记录,不会以空账本代替。请从备份恢复后重新启动。{_NO_BACKUP_ZH}",
        f"the signer's ledger {path} is missing (its key is there): it holds the people, quotas, counters and safety closings, and no"
        f" empty one takes its place. Restore it from the backup and start again. {_NO_BACKUP_EN}",
    )


def ledger_written_out(path: Path, moved: str) -> Words:
    kept_zh, kept_en = (
        (f";当时在该处的文件保留在 {moved}", f"; what stood in its place is kept in {moved}") if moved else ("", "")
    )
    return Words(
        f"签名账本 {path} 在使用中被删除或替换,已由打开的账本完整写回{kept_zh}。没有丢失,无需处理。",
        f"the signer's ledger {path} was removed or replaced while it was in use; all of it was written back from the open one{kept_en}."
        " Nothing is lost, nothing is to be done.",
    )


def ledger_damaged(path: Path, why: str) -> Words:
    return Words(
        f"签名账本 {path} 已损坏({why}):不再签名,以免人员、限额和计数器出错。请从备份恢复后重新启动。{_NO_BACKUP_ZH}",
        f"the signer's ledger {path} is damaged ({why}): nothing is signed, for people, quotas and counters could be wrong. Restore it"
        f" from the backup and start again. {_NO_BACKUP_EN}",
    )


# sessions of meters ------------------------------------------------------------------------------------------------------


def sessions_begun_anew(path: Path, why: str, aside: str) -> Words:
    kept_zh, kept_en = (f";原文件保留在 {aside}", f"; what was there is kept in {aside}") if aside else ("", "")
    return Words(
        f"会话文件 {path} {why},已重新建立{kept_zh}。表具在下次上报时重新握手(多耗少量电量),数据不丢失,无需处理。",
        f"the session file {path}: {why}. It was begun anew{kept_en}. Meters handshake again with their next report (at the cost of a"
        " little battery), no data is lost, nothing is to be done.",
    )


def sessions_lifted(path: Path, why: str) -> Words:
    return Words(
        f"会话文件 {path} 的日志 {why}:最近的变更已丢失,所有会话的发送序号已提高,个别表具会重新握手,无需处理。",
        f"the log beside the session file {path} {why}: its newest changes are gone, so the sequence numbers of all sessions were raised;"
        " some meters handshake again, nothing is to be done.",
    )


def sessions_written_out(path: Path, moved: str) -> Words:
    kept_zh, kept_en = (
        (f";当时在该处的文件保留在 {moved}", f"; what stood in its place is kept in {moved}") if moved else ("", "")
    )
    return Words(
        f"会话文件 {path} 在使用中被删除或替换,已由打开的文件完整写回{kept_zh}。没有丢失,无需处理。",
        f"the session file {path} was removed or replaced while it was in use; all of it was written back from the open one{kept_en}."
        " Nothing is lost, nothing is to be done.",
    )


def sessions_not_stored(path: Path, why: str) -> Words:
    return Words(
        f"会话文件 {path} 无法写入({why}):新的表具不能接入。请检查磁盘与权限。",
        f"the session file {path} cannot be written ({why}): no new meter gets in. Look at the disk and at its rights.",
    )


# PostgreSQL --------------------------------------------------------------------------------------------------------------


def postgres_gone(path: Path) -> Words:
    return Words(
        f"数据库目录 {path} 为空,而本安装不是新的(其密码仍在 var/secrets):不会以空数据库重新开始。请从备份恢复该目录后重新启动;"
        "若确要重新开始,请使用新的数据目录(--var)。",
        f"the database directory {path} is empty, though this installation is not new (its passwords are in var/secrets): it does not"
        " begin with an empty database. Restore the directory from the backup and start again; to begin anew, use a new data"
        " directory (--var).",
    )


def postgres_version_mended(path: Path) -> Words:
    return Words(
        f"数据库目录中的 {path} 丢失或损坏,已按各数据库目录中的同名文件重新写入。没有丢失,无需处理,但请检查磁盘。",
        f"{path} in the database directory was missing or damaged and was written anew from what each database's folder says. Nothing is"
        " lost and nothing is to be done, but look at the disk.",
    )


def postgres_files(path: Path, changed: Sequence[str]) -> Words:
    some = ", ".join(changed[:3]) + (f" … ({len(changed)})" if len(changed) > 3 else "")
    return Words(
        f"数据库目录 {path} 中的文件在停机期间丢失、变短或内容改变:{some}。台账、状态与命令可能不完整,不会带着缺失的数据启动。"
        "请从备份恢复整个目录。",
        f"files in the database directory {path} went missing, became shorter or changed while we were stopped: {some}. Registry, states and"
        " commands would be incomplete, so nothing starts on them. Restore the whole directory from the backup.",
    )


def postgres_did_not_start(words: str) -> Words:
    return Words(
        f"数据库没有启动:{words}。台账、状态与命令都在其中。请从备份恢复数据库目录(docs/runbooks/damaged-files.md);"
        "切勿使用 pg_resetwal,它会丢弃已确认的数据。",
        f"the database did not start: {words}. Registry, states and commands are in it. Restore its directory from the backup"
        " (docs/runbooks/damaged-files.md); do not use pg_resetwal, it throws away what was confirmed.",
    )


def postgres_damaged(words: str) -> Words:
    return Words(
        f"PostgreSQL 报告数据损坏:{words}。请尽快停止并从备份恢复数据库;在此之前涉及该部分的操作会失败。",
        f"PostgreSQL says that its data is damaged: {words}. Stop and restore the database from the backup soon; until then whatever"
        " touches that part fails.",
    )


def postgres_older(shard: int, position: int, oldest: int) -> Words:
    return Words(
        f"数据库比消息流旧:分片 {shard} 在 {position},而消息流从 {oldest} 开始(数据库恢复自较早的备份,或丢失了最近的提交)。"
        f"其间的上报已从消息流中清除,数据库中没有它们的状态与告警。请运行 openmains doctor --deep,并按 docs/runbooks/damaged-files.md 处理。",
        f"the database is older than the stream: shard {shard} is at {position} and the stream begins at {oldest} (the database was"
        " restored from an earlier backup, or lost its newest commits). The reports between are gone from the stream; the database"
        " has no state and no alarms of them. Run openmains doctor --deep and see docs/runbooks/damaged-files.md.",
    )


# the stream --------------------------------------------------------------------------------------------------------------


def stream_begun_anew(why: str) -> Words:
    return Words(
        f"消息流已重新建立({why}):其中尚未处理的上报已丢失,表具的 7 日历史会补齐各日(R1.7);命令结果等待超时后可重发。无需处理。",
        f"the stream was begun anew ({why}): reports in it that had not been applied are lost; the meters' history of 7 days fills the"
        " days (R1.7), commands without a result run out of time and can be given again. Nothing is to be done.",
    )


def stream_lost(count: int) -> Words:
    return Words(
        f"消息流中有 {count} 条已确认但尚未处理的消息无法读出(文件损坏),已跳过;每条最多含 500 条上报。表具的 7 日历史会补齐各日(R1.7)。",
        f"{count} messages of the stream that were acknowledged and not yet applied cannot be read (damaged file) and are passed over;"
        " each holds up to 500 reports. The meters' history of 7 days fills the days (R1.7).",
    )


def stream_tail_lost(count: int) -> Words:
    return Words(
        f"消息流末尾的 {count} 条已确认的消息不在了(文件被截断):每条最多含 500 条上报。表具的 7 日历史会补齐各日(R1.7),无需处理。",
        f"the newest {count} messages of the stream that were acknowledged are not there any more (its file was cut off); each holds up"
        " to 500 reports. The meters' history of 7 days fills the days (R1.7); nothing is to be done.",
    )


def stream_read_badly(words: str) -> Words:
    return Words(
        f"消息流启动时发现文件损坏并已自行修复:{words}。是否有未处理的消息丢失,另行说明。",
        f"the stream found damaged files when it started and mended them: {words}. Whether messages that were not applied yet are lost"
        " is told apart.",
    )


def stream_definition_restored(path: Path) -> Words:
    return Words(
        f"消息流的定义 {path} 丢失或损坏,已由副本恢复;其中的消息保留。无需处理。",
        f"the definition of the stream {path} was missing or damaged and was restored from its copy; its messages are kept. Nothing is"
        " to be done.",
    )


# ClickHouse --------------------------------------------------------------------------------------------------------------


def readings_gone(path: Path) -> Words:
    return Words(
        f"读数库 {path} 为空或属于其他安装,而数据库已处理过上报:读数、原始报文与信号记录不在此处。请从备份恢复该目录后重新启动。"
        "没有备份时:openmains begin-readings-anew --yes,之前的读数将显示为缺失。",
        f"the readings {path} are empty or another installation's, though the database has applied reports: readings, raw frames and"
        " signals are not here. Restore the directory from the backup and start again. Without a backup: openmains"
        " begin-readings-anew --yes; the readings of before are then shown as missing.",
    )


def readings_unknown(path: Path) -> Words:
    return Words(
        f"读数库 {path} 中有数据,而数据库是新的(不认识它):台账、状态与命令丢失,不会在旧的读数上重新开始。请从备份恢复整个数据目录"
        "(docs/runbooks/backup.md);若确要重新开始,请使用新的数据目录(--var)。",
        f"there are readings in {path}, and the database is new (it does not know of them): registry, states and commands are lost, and"
        " nothing begins anew on old readings. Restore the whole data directory from the backup (docs/runbooks/backup.md); to begin"
        " anew, use a new data directory (--var).",
    )


def readings_do_not_open(path: Path, why: str) -> Words:
    return Words(
        f"读数库 {path} 无法打开:{why}。请从备份恢复该目录后重新启动(docs/runbooks/damaged-files.md)。",
        f"the readings {path} do not open: {why}. Restore the directory from the backup and start again"
        " (docs/runbooks/damaged-files.md).",
    )


def table_definition_restored(name: str) -> Words:
    return Words(
        f"读数库中 {name} 的定义丢失或损坏,已由副本恢复;其中的数据保留。无需处理。",
        f"the definition of {name} among the readings was missing or damaged and was restored from its copy; its rows are kept."
        " Nothing is to be done.",
    )


def table_made_anew(table: str) -> Words:
    return Words(
        f"读数库中的表 {table} 丢失,已重新建立为空表,其内容已丢失。请从备份恢复 var/clickhouse,或接受丢失。",
        f"table {table} of the readings was lost and was made anew, empty: what it held is gone. Restore var/clickhouse from the backup,"
        " or live with the loss.",
    )


def part_mending(table: str, part: str) -> Words:
    return Words(
        f"读数库的 {table} 中数据块 {part} 已损坏并隔离,正在重建。",
        f"part {part} of {table} among the readings is damaged and was set aside; it is being built anew.",
    )


def part_mended(table: str, part: str, rows: int, source_zh: str, source_en: str) -> Words:
    return Words(
        f"读数库的 {table} 中数据块 {part} 已损坏;已由{source_zh}重建 {rows} 行,原数据块保留在 var/damaged。{_KEPT_ZH.get(table, '')}",
        f"part {part} of {table} among the readings was damaged; {rows} rows were built anew from {source_en}, the part is kept in"
        f" var/damaged. {_KEPT_EN.get(table, '')}".rstrip(),
    )


def part_copied(table: str, part: str) -> Words:
    return Words(
        f"读数库的 {table} 中数据块 {part} 已损坏;它只是数据库内容的副本,正在重新复制,原数据块保留在 var/damaged。没有丢失,无需处理。",
        f"part {part} of {table} among the readings was damaged; it is a copy of what the database holds and is copied anew, the part is kept"
        " in var/damaged. Nothing is lost, nothing is to be done.",
    )


_KEPT_ZH = {"meter_day": "早于原始报文保留期(frame_log_days)的日数据无法重建;抄表日报会显示仍未抄的日。"}
_KEPT_EN = {
    "meter_day": "Days from before the raw frames that are kept (frame_log_days) cannot be built anew; the collection report shows"
    " what is still missing."
}


def part_lost(table: str, part: str) -> Words:
    what_zh, what_en = _LOST.get(table, ("其中的行", "its rows"))
    return Words(
        f"读数库的 {table} 中数据块 {part} 已损坏并隔离到 var/damaged:{what_zh}丢失,无法重建。可从备份恢复 var/clickhouse。",
        f"part {part} of {table} among the readings is damaged and was set aside to var/damaged: {what_en} are lost and cannot be built"
        " anew. A backup of var/clickhouse has them.",
    )


_LOST = {
    "frame": ("该时段的原始报文记录", "the raw frames of that time"),
    "day_version": ("该时段日数据的旧版本", "earlier versions of days of that time"),
    "day_cause": ("该时段人工修改的原因记录", "who set days of that time, and why"),
}


# the demo ----------------------------------------------------------------------------------------------------------------


def demo_begun_anew(path: Path, why_zh: str, why_en: str, moved: str) -> Words:
    return Words(
        f"演示表具的存储 {path} {why_zh},已重新建立(原文件保留在 {moved}):演示表具的余额、阀门与计数器从头开始。",
        f"the memory of the demo's meters {path}: {why_en}. It was begun anew (what was there is kept in {moved}): their balances, valves and"
        " counters begin from the start.",
    )


# roles -------------------------------------------------------------------------------------------------------------------


def role_given_up(role: str, words: Words) -> Words:
    return Words(
        f"{role} 已停止,重启无济于事:{words.zh}",
        f"{role} has stopped, and starting it again would not help: {words.en}",
    )


def role_keeps_ending(role: str, log_file: Path) -> Words:
    return Words(
        f"{role} 反复终止并被重新启动;原因见 {log_file}。",
        f"{role} ends again and again and is started again; why: {log_file}.",
    )
