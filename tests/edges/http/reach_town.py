# SPDX-License-Identifier: Apache-2.0
"""A place with one of everything that hangs at places, and the words by which its rows are known wherever they turn up."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from openmains.app.fleet.search import gram_sets
from openmains.edges.clickhouse.client import ClickHouse
from tests.edges.http.world import Utility, World, new_meter

DAY = 19_675  # of the readings
# Table, and columns with their values; what is named as in ``Place.ids`` is of that place. Triggers and foreign keys sleep meanwhile.
ROWS: list[tuple[str, str, str, str]] = [
    (
        "premises", "premises_id",
        "tenant_id, area_id, code, address",
        "$1, {area_id}, $2, $2",
    ),
    (
        "customer", "customer_id",
        "tenant_id, code, name, address",
        "$1, $2, $2, $2",
    ),
    (
        "customer_search", "",
        "tenant_id, customer_id, text, grams",
        "$1, {customer_id}, lower($2), $3",
    ),
    (
        "contact", "contact_id",
        "tenant_id, customer_id, name",
        "$1, {customer_id}, $2",
    ),
    (
        "account", "account_id",
        "tenant_id, number, premises_id, medium, opened_at",
        "$1, $2, {premises_id}, '{medium}', '2020-01-01'",
    ),
    (
        "account_holder", "",
        "tenant_id, account_id, customer_id, during",
        "$1, {account_id}, {customer_id}, tstzrange('2020-01-01', NULL)",
    ),
    (
        "account_act", "",
        "tenant_id, account_id, kind, at, key, reason",
        "$1, {account_id}, 'open', '2020-01-01', $2, $2",
    ),
    (
        "installation", "installation_id",
        "tenant_id, meter_id, account_id, role, during, opening_by, person",
        "$1, {meter_id}, {account_id}, 'household', tstzrange('2020-01-01', NULL), 'unknown', $2",
    ),
    (
        "meter_act", "",
        "tenant_id, key, kind, meter_id, at, life, reason, asked",
        "$1, $2, 'install', {meter_id}, now(), 'in_use', $2, ''",
    ),
    (
        "alarm", "alarm_id",
        "tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us",
        "$1, {meter_id}, 'magnetic', 'major', 1700000000, 1700000001000000, 1700000003000000, 1700000001000000",
    ),
    (
        "alarm_event", "",
        "tenant_id, news, alarm_id, at_us, reason",
        "$1, 'raised', {alarm_id}, 1700000001000000, $2",
    ),
    (
        "alarm_group", "group_id",
        "tenant_id, event, severity, area_id, received_us, last_us, members",
        "$1, 'magnetic', 'major', {area_id}, 1, 1, 5",
    ),
    (
        "alarm_mute", "mute_id",
        "tenant_id, area_id, reason, from_us, until_us, made_by",
        "$1, {area_id}, $2, 1, 2, 1",
    ),
    (
        "reading_exception", "exception_id",
        "tenant_id, meter_id, version, rule, at, day, value, expected",
        "$1, {meter_id}, 1, 10, 1700000000, 19675, 5000, 100",
    ),
    (
        "reading_edit", "edit_id",
        "tenant_id, meter_id, day, exception_id, start_s, end_s, volume, old_volume, alone, reason, state, author_id, made_us",
        "$1, {meter_id}, 19675, {exception_id}, 1, 2, 1, 1, 1, $2, 'pending', 1, 1",
    ),
    (
        "manual_reading", "reading_id",
        "tenant_id, meter_id, at_s, register, digit, source, author_id, made_us, note",
        "$1, {meter_id}, 1, 1, 1, 'form', 1, 1, $2",
    ),
    (
        "dead_letter", "dead_letter_id",
        "tenant_id, meter_id, product_id, channel, path, received_us, payload, reason, number",
        "$1, {meter_id}, {product_id}, 'coap', '/r', 1700000000123456, '\\x0102', 'crc', '1'",
    ),
    (
        "command", "command_id",
        "tenant_id, meter_id, kind, lane, priority, unique_key, content, not_after, created_us, reason",
        "$1, {meter_id}, 'read_now', 3, 1, $2, '\\x00', 4000000000, 1700000000000000, $2",
    ),
    (
        "command_event", "",
        "tenant_id, command_id, at_us, event, state, detail",
        "$1, {command_id}, 1, 'created', 'drafted', $2",
    ),
    (
        "command_batch", "batch_id",
        "tenant_id, name, kind, unique_key, validity_s, reason",
        "$1, $2, 'read_now', $2, 3600, $2",
    ),
    (
        "terminal", "",
        "imei, tenant_id, meter_id, state, note",
        "{imei}, $1, {meter_id}, 'observe', ''",
    ),
    (
        "terminal_finding", "",
        "tenant_id, meter_id, imei, kind, at_us, count, address, detail, score, state",
        "$1, {meter_id}, {imei}, 'sim_changed', 1, 1, '10.0.0.1', $2, 10000, 'observe'",
    ),
    (
        "concentrator", "concentrator_id",
        "tenant_id, number, name, poll_s",
        "$1, lpad({meter_id}::text, 16, '7'), $2, 60",
    ),
    (
        "concentrator_meter", "",
        "meter_id, concentrator_id, tenant_id",
        "{meter_id}, {concentrator_id}, $1",
    ),
    (
        "reading_route", "route_id",
        "tenant_id, name",
        "$1, $2",
    ),
    (
        "reading_route_meter", "",
        "meter_id, route_id, tenant_id, place",
        "{meter_id}, {route_id}, $1, 1",
    ),
    (
        "site_visit", "",
        "tenant_id, key, asked, kind, meter_id, at, note, made_by",
        "$1, $2, '', 'no_access', {meter_id}, now(), $2, 1",
    ),
    (
        "work_order", "order_id",
        "tenant_id, key, asked, kind, source, severity, title, area_id, meter_id, address, made_us, left_s",
        "$1, $2, '', 'repair', 'hand', 'major', $2, {area_id}, {meter_id}, $2, 1, 60",
    ),
    (
        "work_order_act", "",
        "tenant_id, order_id, key, asked, step, state, at_us, acted_us, reason",
        "$1, {order_id}, $2, '', 'make', 'new', 1, 1, $2",
    ),
    (
        "hazard", "hazard_id",
        "tenant_id, key, asked, order_id, grade, what, found_us, found_by, until_day",
        "$1, $2, '', {order_id}, 'general', $2, 1, 1, 20000",
    ),
    (
        "bill", "bill_id",
        "tenant_id, account_id, month, version, run_id, first_day, end_day, tariff_id, meter_id, volume_ml, total_fen, "
        "estimated_days, by_days, due_day, inputs, lines, counted, made_us",
        "$1, {account_id}, 19662, 1, 1, 19662, 19693, 1, {meter_id}, 1, 0, 0, true, 19700, "
        "'[[19662, 19662, 0, 19662, 0, \"0\", 0], [[1, [1], 0, 1, [1, 1], [], 0]], []]', '[]', "
        "'[19662, 19662, 0, 19662, 0, \"0\", 0]', 1",
    ),
    (
        "ledger_entry", "entry_id",
        "tenant_id, key, day, kind, memo, made_by, made_us",
        "$1, $2, 19675, 'payment', $2, 1, 1",
    ),
    (
        "ledger_line", "",
        "entry_id, place, tenant_id, day, account, account_id, fen",
        "{entry_id}, 1, $1, 19675, 'receivable', {account_id}, -777",
    ),
    (
        "receipt", "receipt_id",
        "tenant_id, account_id, channel, key, fen, day, entry_id, paid, credit_fen, owed_fen, taken_by, taken_us",
        "$1, {account_id}, 'bank', $2, 777, 19675, {entry_id}, '[]', 0, 0, 1, 1",
    ),
    (
        "payment_order", "order_id AS payment_order_id",
        "tenant_id, key, source, number, scene, account_id, meter_id, for_meter, fen, state, made_by, made_us, expires_us, receipt_id, "
        "transaction, paid_us, reason",
        "$1, $2, 'third_party', $2, 'third_party', {account_id}, {meter_id}, false, 777, 'paid', 1, 1, 2, {receipt_id}, $2, 1, $2",
    ),
    (
        "payment_event", "",
        "tenant_id, order_id, at_us, event, state, delivery, detail",
        "$1, {payment_order_id}, 1, 'paid', 'paid', 'none', $2",
    ),
    (
        "payment_refund", "refund_id",
        "tenant_id, order_id, number, fen, reason, author_id, made_us",
        "$1, {payment_order_id}, $2, 77, $2, 1, 1",
    ),
    (
        "arrears_step", "step_id",
        "tenant_id, account_id, oldest_due, kind, number, day, owed_fen, meter_id, state, made_us, reason",
        "$1, {account_id}, 19700, 'closing', 1, 19710, 777, {meter_id}, 'open', 1, $2",
    ),
    (
        "arrears_hold", "",
        "account_id, tenant_id, until_day, reason, made_by, made_us",
        "{account_id}, $1, 19720, $2, 1, 1",
    ),
    (
        "server_account", "",
        "tenant_id, account_id, since_day, warn_fen, limit_fen, open_day, changed_by, changed_us",
        "$1, {account_id}, 19700, 777, 0, 19710, 1, 1",
    ),
    (
        "deduction", "deduction_id",
        "tenant_id, account_id, day, version, fen, day_fen, volume_ml, is_estimated, cited, entry_id, made_us",
        "$1, {account_id}, 19701, 1, 77, 77, 777000, false, '[]', 1, 1",
    ),
    (
        "deduction_release", "",
        "tenant_id, account_id, end_day, fen, entry_id, made_us",
        "$1, {account_id}, 19700, 77, 1, 1",
    ),
    (
        "mirrored_meter", "",
        "tenant_id, meter_id, why",
        "$1, {meter_id}, 'price-unknown'",
    ),
    (
        "mirrored_day", "mirrored_id",
        "tenant_id, meter_id, account_id, day, version, kind, from_s, from_us, from_l, before, until_s, until_us, until_l, after, credited,"
        " expected, difference, causes, found, doubt, step_l, rounding, cited, made_us",
        "$1, {meter_id}, {account_id}, 19701, 1, 0, 1, 1, 1, 77, 2, 2, 2, 70, 0, 77, -7, '{{meter_fault}}', '[[[\"meter_fault\", \"\"]]]', '',"
        " 10, 'exact', '[]', 1",
    ),
    (
        "mirror_review", "",
        "mirrored_id, tenant_id, meter_id, verdict, reason, made_by, made_us",
        "{mirrored_id}, $1, {meter_id}, 'meter', $2, 1, 1",
    ),
    (
        "rule", "rule_id",
        "tenant_id, name, made_by",
        "$1, $2, 1",
    ),
    (
        "rule_version", "",
        "rule_id, version, line, tenant_id, draft, zh, en, area_id, effective_us, made_by, made_us, reason",
        "{rule_id}, 1, 1, $1, '{{\"condition\": {{\"silent_h\": 24}}}}', $2, $2, {area_id}, 1, 1, 1, $2",
    ),
    (
        "access_refusal", "",
        "tenant_id, name, imei, stage, reason, detail, address, first_us, last_us, attempts",
        "$1, $2, {imei}, 'handshake', 'unknown', $2, '192.0.2.1', 1, 1, 1",
    ),
    (
        "job", "job_id",
        "tenant_id, kind, params, created_by",
        "$1, 'meter_import', jsonb_build_object('file_name', $2::text), 1",
    ),
    (
        "saved_query", "saved_id",
        "tenant_id, owner_id, name, is_shared, question",
        "$1, 1, $2, true, '{{}}'",
    ),
    (
        "invoice", "invoice_id",
        "tenant_id, bill_id, account_id, buyer, fen, tax_fen, document, asked_by, asked_us",
        "$1, {bill_id}, {account_id}, $2, 777, 7, '{{}}', 1, 1",
    ),
    (
        "debit_authorisation", "authorisation_id",
        "tenant_id, account_id, contract, bank, tail, signed_day, key_id, nonce, sealed, made_by, made_us",
        "$1, {account_id}, $2, $2, '1234', 19675, 1, '\\x', '\\x', 1, 1",
    ),
    (
        "debit_file", "file_id",
        "tenant_id, key, layout, collect_day, lines, fen, made_by, made_us",
        "$1, $2, $2, 19676, 1, 777, 1, 1",
    ),
    (
        "debit_item", "",
        "file_id, place, tenant_id, authorisation_id, account_id, fen, result",
        "{file_id}, 1, $1, {authorisation_id}, {account_id}, 777, $2",
    ),
    (
        "debit_answer", "answer_id",
        "tenant_id, file_id, file_name, sha256, lines, fen, paid, paid_fen, declined, returned, repeated, read_by, read_us",
        "$1, {file_id}, $2, $2, 1, 777, 1, 777, 0, 0, 0, 1, 1",
    ),
    (
        "announcement", "announcement_id",
        "tenant_id, topic, title_zh, title_en, text_zh, text_en, language, area_id, medium, channel_id, made_by, made_us",
        "$1, 'outage', $2, $2, $2, $2, 'both', {area_id}, '{medium}', 1, 1, 1",
    ),
    (
        "tag", "tag_id",  # a word of the whole utility: which meters have it is what lies at a place
        "tenant_id, name, colour",
        "$1, 'T{meter_id}', 'grey'",
    ),
    (
        "meter_tag", "",
        "tag_id, meter_id, tenant_id",
        "{tag_id}, {meter_id}, $1",
    ),
    (
        "app_user", "user_id AS application_id",
        "tenant_id, login, name, password_hash, role",
        "$1, 'omc-' || lpad({meter_id}::text, 16, '0'), $2, '!', 'application'",
    ),
    (
        "client_application", "",
        "application_id, tenant_id, client_id, scopes, meters, made_by",
        "{application_id}, $1, 'omc-' || lpad({meter_id}::text, 16, '0'), '{{see_meters}}', '{{{meter_id}}}', $2",
    ),
    (
        "outbox_event", "",
        "tenant_id, kind, change, meter_id, subject_id, data",
        "$1, 'alarm', 'raised', {meter_id}, {alarm_id}, '{{}}'",
    ),
]  # fmt: skip


@dataclass
class Place:
    """An area with one of everything. ``marks``: texts that nothing else has; ``private``: of addresses,
    customers and what people wrote; ``number``: of its meter."""

    utility: Utility
    ids: dict[str, Any] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)
    private: str = ""
    number: str = ""


async def furnish(world: World, clickhouse: ClickHouse, utility: Utility, name: str, parent_id: int) -> Place:
    """A place below ``parent_id``."""
    tail = secrets.token_hex(4)
    mark, code = f"{name}{tail}", f"A{tail}{name}"
    place = Place(utility, {"product_id": utility.ids["product_id"], "medium": "water"}, [mark, code], mark)
    async with world.client(utility.token) as client:
        area = await client.post("/areas", json={"code": code, "name": code, "parent_id": parent_id})
        assert area.status_code == 201, area.text
        place.ids["area_id"] = area.json()["area_id"]
        meter = await client.post("/meters", json=new_meter(utility, area_id=place.ids["area_id"], address=mark))
        assert meter.status_code == 201, meter.text
        place.ids |= {"meter_id": meter.json()["meter_id"], "imei": int(meter.json()["imei"])}
        place.number = meter.json()["number"]
        place.marks += [meter.json()["number"], meter.json()["imei"]]
    (grams,) = gram_sets([mark.lower()])
    async with world.owner.transaction():
        await world.owner.execute("SET LOCAL session_replication_role = replica")
        for table, key, columns, values in ROWS:
            sql = f"INSERT INTO {table} ({columns}) VALUES ({values.format(**place.ids)})"  # noqa: S608 - our own words
            given = [utility.tenant_id, mark, grams][: max(n for n in (1, 2, 3) if f"${n}" in values)]
            if "$2" not in values:
                given = given[:1]
            try:
                made = await world.owner.fetchval(sql + (f" RETURNING {key}" if key else ""), *given)
            except Exception as error:
                raise AssertionError(f"{table}: {error}") from error
            if key:
                place.ids[key.rsplit(" ", 1)[-1]] = made
    await world.owner.execute(
        "UPDATE meter SET customer_id = $1 WHERE meter_id = $2", place.ids["customer_id"], place.ids["meter_id"]
    )
    await _readings(clickhouse, utility.tenant_id, place.ids)
    return place


async def _readings(clickhouse: ClickHouse, tenant_id: int, ids: dict[str, Any]) -> None:
    where = {"tenant_id": [tenant_id], "meter_id": [ids["meter_id"]]}
    day = date(2023, 11, 14)
    await clickhouse.insert(
        "meter_dim",
        {**where, "area_id": [ids["area_id"]], "product_id": [ids["product_id"]], "installed_on": [date(2020, 1, 1)],
         "removed_on": [date(2149, 6, 6)], "revision": [1], "first_day": [date(2020, 1, 1)], "own_mode": [0],
         "own_since": [date(1970, 1, 1)], "own_before": [0], "registered_s": [1]},
    )  # fmt: skip
    await clickhouse.insert(
        "meter_day",
        {**where, "area_id": [ids["area_id"]], "product_id": [ids["product_id"]], "day": [day], "version": [1], "base": [1000],
         "interval_s": [1800], "increments": [[3] * 48], "quality": [[]], "flags": [0], "received_s": [1_700_000_000]},
    )  # fmt: skip
    await clickhouse.insert(
        "register",
        {**where, "at": [datetime(2023, 11, 14, 12, tzinfo=UTC)], "register": [1234], "flags": [0], "position": [0],
         "received_us": [1_700_000_000_000_000], "version": [1]},
    )  # fmt: skip
