# SPDX-License-Identifier: Apache-2.0
"""What a commanded meter does: results, read-back, exactly once, prepay, prices, settings, log (R1.10–R1.14, R4)."""

from binascii import crc_hqx
from datetime import UTC, datetime

import pytest

from openmains.drivers.commands import MAC_SIZE
from openmains.drivers.model import EncodeError
from openmains.emulator.meter.authorise import Result
from openmains.emulator.meter.flow import sustained
from openmains.emulator.meter.prices import MONEY, UNITS_A_FEN, VOLUME, Account, PriceSet
from openmains.emulator.meter.valve import Position, Valve
from tests.emulator.device.terminals import BASE, T0, Bench

PRICE = PriceSet(1, 0, T0, 12, False, (0,), (30_000,))  # 3 CNY/m³: 0.3 fen a litre
WATER, GAS = "openmains/water-1", "openmains/gas-1"


def money(fen: int) -> Account:
    return Account(kind=MONEY, balance=fen * UNITS_A_FEN, price=PRICE)


class TestResults:
    def test_valve_closes_and_the_register_stands_still(self) -> None:
        bench = Bench.of(litres_per_h=3600)
        found = bench.command("valve_close")
        assert (found["command_result"], found["valve"], found["command_counter"]) == (Result.DONE, 1, 1)
        before = bench.terminal.register(bench.now)
        bench.run(3600)
        assert bench.terminal.register(bench.now) == before
        assert bench.command("valve_open")["valve"] == 0
        bench.run(100)
        assert bench.terminal.register(bench.now) == before + 4 + 100  # it opened 4 s before the answer was read

    def test_repeat_is_already_done_with_the_read_back(self) -> None:
        bench = Bench.of(account=money(100))
        frame = bench.frame("top_up", {"amount": 5000})
        assert bench.deliver(frame)["balance"] == 5100
        again = bench.deliver(frame)
        assert (again["command_result"], again["balance"]) == (Result.ALREADY_DONE, 5100)
        # signed anew by the platform: other counter and validity, same serial number
        late = bench.command("top_up", {"amount": 5000}, serial=bench.serial)
        assert (late["command_result"], late["balance"]) == (Result.ALREADY_DONE, 5100)

    def test_another_content_under_a_known_serial_is_refused(self) -> None:
        bench = Bench.of(account=money(100))
        bench.command("top_up", {"amount": 5000})
        assert bench.command("top_up", {"amount": 6000}, serial=bench.serial)["command_result"] == Result.REFUSED

    def test_wrong_key_any_changed_byte(self) -> None:
        bench = Bench.of(account=money(100))
        good = bench.frame("top_up", {"amount": 5000})
        for place in range(3, len(good) - 2 - MAC_SIZE):
            broken = bytearray(good)
            broken[place] ^= 1
            broken[-2:] = crc_hqx(bytes(broken[:-2]), 0).to_bytes(2, "big")
            bench.do(bench.terminal.on_command(bytes(broken), bench.now))
        assert bench.terminal.store.held.account.shown == 100
        assert bench.terminal.store.held.signed_counter == 0
        assert any(m.get("command_result") == Result.BAD_MAC for m in bench.heard)

    def test_expired_by_the_meters_clock_and_never_again(self) -> None:
        bench = Bench.of()
        frame = bench.frame("valve_close", not_after=bench.now - 1)
        assert bench.deliver(frame)["command_result"] == Result.EXPIRED
        assert bench.deliver(frame)["command_result"] == Result.COUNTER_TOO_LOW
        assert bench.terminal.valve.position is Position.OPEN

    def test_counter_rises_strictly(self) -> None:
        bench = Bench.of()
        bench.command("valve_close", counter=10)
        for counter in (10, 9, 0):
            assert bench.command("valve_open", counter=counter)["command_result"] == Result.COUNTER_TOO_LOW
        assert bench.command("valve_open", counter=11)["command_result"] == Result.DONE

    def test_unsigned_commands_can_not_use_up_the_signed_counter(self) -> None:
        bench = Bench.of()
        bench.command("set_clock", {"platform_at": bench.now, "utc_offset_min": 480}, counter=2**32 - 1)
        assert bench.command("valve_close", counter=1)["command_result"] == Result.DONE

    def test_clock_not_set_refuses_what_is_signed(self) -> None:
        bench = Bench.of()
        bench.terminal.meter.clock_known = False
        assert bench.command("valve_close")["command_result"] == Result.REFUSED
        bench.command("set_clock", {"platform_at": bench.now, "utc_offset_min": 480})
        assert bench.command("valve_close")["command_result"] == Result.DONE

    def test_unknown_kind_and_range(self) -> None:
        bench = Bench.of()
        frame = bytearray(bench.frame("read_now"))
        frame[3] = 0xF0
        frame[-2:] = crc_hqx(bytes(frame[:-2]), 0).to_bytes(2, "big")
        assert bench.deliver(bytes(frame))["command_result"] == Result.UNKNOWN_KIND
        assert bench.command("read_intervals", {"since": 5, "until": 4})["command_result"] == Result.OUT_OF_RANGE

    def test_stuck_valve_is_refused_and_an_event(self) -> None:
        bench = Bench.of(valve=Valve(stuck=True))
        found = bench.command("valve_close")
        assert (found["command_result"], found["valve"]) == (Result.REFUSED, 2)
        assert "valve_fault" in bench.terminal.active


class TestGas:
    def test_open_only_permits_and_a_person_opens(self) -> None:
        bench = Bench.of(GAS)
        assert bench.command("valve_close")["valve"] == 1
        found = bench.command("valve_open")
        assert (found["command_result"], found["valve"], found["open_permitted"]) == (Result.DONE, 1, 1)
        bench.run(600)
        assert bench.terminal.valve.position is Position.CLOSED
        said = bench.do(bench.terminal.press(bench.now)) + bench.run(10)
        assert said[-1]["command_serial"] == 0 and said[-1]["valve"] == 0

    def test_nobody_opens_without_permission_or_after_a_day(self) -> None:
        bench = Bench.of(GAS)
        bench.command("valve_close")
        bench.do(bench.terminal.press(bench.now))
        bench.command("valve_open")
        bench.run(86_401)
        bench.do(bench.terminal.press(bench.now))
        bench.run(10)
        assert bench.terminal.valve.position is Position.CLOSED

    def test_close_ends_the_permission(self) -> None:
        bench = Bench.of(GAS)
        bench.command("valve_close")
        bench.command("valve_open")
        bench.command("valve_close")
        bench.do(bench.terminal.press(bench.now))
        bench.run(10)
        assert bench.terminal.valve.position is Position.CLOSED


class TestClosedForSafety:
    """Shut because of a danger: nothing and nobody but the key on the spot opens it."""

    def closed(self, driver: str = GAS, account: Account | None = None) -> Bench:
        bench = Bench.of(driver, account=account, litres_per_h=3600)
        found = bench.command("safety_close", {"reason": 1})
        assert (found["command_result"], found["valve"], found["closed_for_safety"]) == (Result.DONE, 1, 1)
        return bench

    @pytest.mark.parametrize("driver", [GAS, WATER])
    def test_no_command_opens_it(self, driver: str) -> None:
        bench = self.closed(driver)
        before = bench.terminal.register(bench.now)
        found = bench.command("valve_open")
        assert (found["command_result"], found["valve"], found["open_permitted"]) == (Result.REFUSED, 1, 0)
        for kind, params in (("factory_reset", {}), ("restart", {}), ("valve_close", {})):
            bench.command(kind, params)
        bench.run(3600)
        bench.do(bench.terminal.cut_power(bench.now))
        bench.do(bench.terminal.press(bench.now))
        bench.run(3600)
        assert bench.command("valve_open")["command_result"] == Result.REFUSED
        assert bench.terminal.valve.position is Position.CLOSED
        assert bench.terminal.register(bench.now) == before

    def test_no_money_opens_it(self) -> None:
        bench = self.closed(WATER, money(100))
        assert (
            bench.command("top_up", {"amount": 100_000})["command_result"] == Result.DONE
        )  # money is taken all the same
        bench.run(3600)
        assert bench.terminal.valve.position is Position.CLOSED

    def test_what_arrears_closed_before_stays_shut_when_they_are_paid(self) -> None:
        bench = Bench.of(WATER, account=money(1), litres_per_h=3600, settings={"emergency_credit": 5000})
        bench.run(7200)
        assert bench.terminal.store.held.closed_by_arrears
        assert bench.command("safety_close", {"reason": 2})["command_result"] == Result.DONE
        bench.do(bench.terminal.press(bench.now))  # nor does the emergency credit
        bench.command("top_up", {"amount": 100_000})
        bench.run(60)
        assert not bench.terminal.store.held.closed_by_arrears
        assert bench.terminal.valve.position is Position.CLOSED

    def test_the_key_opens_it_and_the_meter_says_so(self) -> None:
        bench = self.closed()
        said = bench.do(bench.terminal.turn_key(bench.now)) + bench.run(10)
        assert (said[-1]["command_serial"], said[-1]["valve"], said[-1]["closed_for_safety"]) == (0, 0, 0)
        assert bench.terminal.valve.position is Position.OPEN
        assert bench.command("valve_close")["command_result"] == Result.DONE  # from here on as before
        assert bench.command("valve_open")["open_permitted"] == 1

    def test_the_key_leaves_what_else_has_closed_it(self) -> None:
        bench = Bench.of(GAS)
        bench.command("valve_close")
        bench.command("safety_close", {"reason": 7})
        bench.do(bench.terminal.turn_key(bench.now))
        bench.run(10)
        assert bench.terminal.valve.position is Position.CLOSED
        assert bench.command("valve_open")["open_permitted"] == 1

    def test_its_counter_makes_nobodys_top_up_void(self) -> None:
        bench = Bench.of(WATER, account=money(100))
        top_up = bench.frame("top_up", {"amount": 5000})  # signed before, arrives after
        assert bench.command("safety_close", {"reason": 1})["command_result"] == Result.DONE
        found = bench.deliver(top_up)
        assert (found["command_result"], found["balance"]) == (Result.DONE, 5100)
        frame = bench.frame("safety_close", {"reason": 1}, counter=bench.terminal.store.held.safety_counter)
        assert bench.deliver(frame)["command_result"] == Result.COUNTER_TOO_LOW

    def test_a_motion_under_way_does_not_keep_it_off(self) -> None:
        bench = Bench.of(WATER)
        bench.command("valve_close")
        said = bench.do(bench.terminal.on_command(bench.frame("valve_open"), bench.now))  # the motor runs
        said += bench.do(bench.terminal.on_command(bench.frame("safety_close", {"reason": 1}), bench.now)) + bench.run(
            20
        )
        results = [(m["command_serial"], m["command_result"]) for m in said if m.get("command_serial")]
        assert results == [(2, Result.REFUSED), (3, Result.DONE)]
        assert bench.terminal.valve.position is Position.CLOSED

    def test_a_valve_that_sticks_is_told_and_stays_locked(self) -> None:
        bench = Bench.of(GAS, valve=Valve(stuck=True))
        found = bench.command("safety_close", {"reason": 1})
        assert (found["command_result"], found["valve"], found["closed_for_safety"]) == (Result.REFUSED, 2, 1)
        assert "valve_fault" in bench.terminal.active

    def test_nobody_without_the_key_of_commands_closes_it(self) -> None:
        bench = Bench.of(GAS)
        good = bytearray(bench.frame("safety_close", {"reason": 1}))
        good[16] = 2  # another reason
        good[-2:] = crc_hqx(bytes(good[:-2]), 0).to_bytes(2, "big")
        assert bench.deliver(bytes(good))["command_result"] == Result.BAD_MAC
        assert bench.terminal.valve.position is Position.OPEN


class TestPrepay:
    def test_deducts_warns_and_closes_at_the_step(self) -> None:
        # 60 l/h at 0.3 fen: 18 fen an hour; steps of 10 l; 1000 fen warn, below 0 closes
        bench = Bench.of(account=money(1036), litres_per_h=60)
        bench.run(2 * 3600)
        assert bench.terminal.store.held.account.shown == 1000
        assert "balance_low" not in bench.terminal.active
        bench.run(3600)
        assert "balance_low" in bench.terminal.active
        bench.run(60 * 3600)
        account = bench.terminal.store.held.account
        assert bench.terminal.valve.position is Position.CLOSED
        assert bench.terminal.store.held.closed_by_arrears
        assert -3 * UNITS_A_FEN <= account.balance < 0  # the step that used it up: 10 l cost 3 fen
        assert account.balance == 1036 * UNITS_A_FEN - 30_000 * (account.settled - BASE)
        assert any(m["kind"] == "command_result" and m["closed_by_arrears"] and m["valve"] == 1 for m in bench.heard)

    def test_can_not_be_opened_in_arrears_by_anybody(self) -> None:
        for driver in (WATER, GAS):
            bench = Bench.of(driver, account=money(10))
            bench.run(4 * 3600)
            assert bench.terminal.valve.position is Position.CLOSED
            assert bench.command("valve_open")["command_result"] == Result.REFUSED
            bench.do(bench.terminal.press(bench.now))
            bench.run(10)
            assert bench.terminal.valve.position is Position.CLOSED

    def test_top_up_above_the_warning_clears_and_opens(self) -> None:
        bench = Bench.of(account=money(10))
        bench.run(4 * 3600)
        small = bench.command("top_up", {"amount": 500})
        assert (small["valve"], small["closed_by_arrears"]) == (1, 1)
        bench.command("top_up", {"amount": 5000})
        bench.run(10)
        assert bench.terminal.valve.position is Position.OPEN
        assert not bench.terminal.active & {"balance_low", "arrears"}

    def test_gas_top_up_permits_and_a_press_opens(self) -> None:
        bench = Bench.of(GAS, account=money(10))
        bench.run(4 * 3600)
        assert bench.command("top_up", {"amount": 5000})["open_permitted"] == 1
        assert bench.terminal.valve.position is Position.CLOSED
        bench.do(bench.terminal.press(bench.now))
        bench.run(10)
        assert bench.terminal.valve.position is Position.OPEN

    def test_top_up_does_not_open_what_a_command_has_closed(self) -> None:
        bench = Bench.of(account=money(10_000))
        bench.command("valve_close")
        bench.command("top_up", {"amount": 5000})
        bench.run(100)
        assert bench.terminal.valve.position is Position.CLOSED

    def test_emergency_credit_once_until_the_next_top_up(self) -> None:
        bench = Bench.of(account=money(10), settings={"emergency_credit": 36})
        bench.run(4 * 3600)
        bench.do(bench.terminal.press(bench.now))
        bench.run(10)
        assert bench.terminal.valve.position is Position.OPEN
        bench.run(4 * 3600)
        assert bench.terminal.valve.position is Position.CLOSED
        assert -39 <= bench.terminal.store.held.account.shown <= -36
        bench.do(bench.terminal.press(bench.now))
        bench.run(10)
        assert bench.terminal.valve.position is Position.CLOSED

    def test_volume_meter_counts_litres(self) -> None:
        bench = Bench.of(account=Account(kind=VOLUME, balance=5000))
        bench.run(10 * 3600)
        assert bench.terminal.store.held.account.shown == 4400
        assert bench.command("top_up", {"amount": 100})["command_result"] == Result.REFUSED  # money
        assert bench.command("top_up", {"amount": 100, "balance_kind": 1})["balance"] == 4500

    def test_a_meter_without_account_takes_no_money(self) -> None:
        assert Bench.of().command("top_up", {"amount": 100})["command_result"] == Result.REFUSED


class TestPrices:
    def test_tiers_to_the_litre(self) -> None:
        price = PriceSet(1, 0, T0, 12, False, (0, 1, 3), (10, 20, 30))
        assert price.cost(0, 4000) == 1000 * 10 + 2000 * 20 + 1000 * 30
        assert price.cost(999, 2) == 10 + 20
        assert price.cost(5000, 7) == 7 * 30

    def test_billing_period_in_the_local_calendar(self) -> None:
        begin = int(datetime(2026, 1, 30, 16, tzinfo=UTC).timestamp())  # the 31st, 00:00 at +8
        price = PriceSet(1, 0, begin, 1, False, (0,), (1,))
        starts = [begin]
        for _ in range(13):
            starts.append(price.next_period(starts[-1], 8 * 3600))
        days = [datetime.fromtimestamp(at + 8 * 3600, UTC).strftime("%m-%d") for at in starts]
        assert days[:5] == ["01-31", "02-28", "03-31", "04-30", "05-31"]
        assert days[12:] == ["01-31", "02-28"]

    def test_deferred_price_switches_by_itself_and_is_reported(self) -> None:
        bench = Bench.of(account=money(100_000), litres_per_h=3600)
        new = {
            "version": 2, "effective_at": T0 + 7200, "period_start": T0, "tiers": 1, "tier_from": [0], "prices": [60_000],
        }  # fmt: skip
        found = bench.command("set_price", new)
        assert (found["command_result"], found["price_version"], found["price_deferred"]) == (Result.DONE, 1, 2)
        bench.run(4 * 3600 - (bench.now - T0))
        switched = [m for m in bench.heard if m["kind"] == "command_result" and m["command_serial"] == 0]
        assert [(m["price_version"], m["price_deferred"]) for m in switched] == [(2, 0)]
        used = bench.terminal.store.held.account.settled - BASE
        assert used == 4 * 3600
        assert bench.terminal.store.held.account.balance == 100_000 * UNITS_A_FEN - 7200 * 30_000 - 7200 * 60_000

    def test_tier_counting_starts_anew_at_the_period(self) -> None:
        tiers = PriceSet(1, 0, T0, 1, False, (0, 1), (10_000, 20_000))
        account = Account(kind=MONEY, balance=10**12, price=tiers)
        bench = Bench.of(account=account, litres_per_h=60)
        bench.run(32 * 86_400)
        month, rest = 31 * 86_400 // 60, 86_400 // 60
        cost = 1000 * 10_000 + (month - 1000) * 20_000 + 1000 * 10_000 + (rest - 1000) * 20_000
        assert bench.terminal.store.held.account.balance == 10**12 - cost

    def test_an_older_version_and_broken_tiers_are_refused(self) -> None:
        bench = Bench.of(account=money(1000))
        base: dict[str, object] = {"period_start": T0, "tiers": 2, "tier_from": [0, 5], "prices": [1, 2]}
        assert bench.command("set_price", base | {"version": 1})["command_result"] == Result.REFUSED
        bad = base | {"version": 2, "tier_from": [5, 0]}
        assert bench.command("set_price", bad)["command_result"] == Result.REFUSED
        assert bench.command("set_price", base | {"version": 2})["price_version"] == 2


class TestSettings:
    def test_what_moves_a_valve_or_money_is_not_set_without_a_mac(self) -> None:
        """However it came by: whoever holds the edge can write every unsigned frame."""
        bench = Bench.of(WATER, account=money(245_000))
        driver = bench.terminal._frames.driver
        for name, setting in driver.settings.items():
            value = setting.high
            good = bench.frame(
                "set_signed_parameters" if setting.signed else "set_parameters", {"values": {name: value}}
            )
            if not setting.signed:
                continue
            with pytest.raises(EncodeError, match="only a signed command"):
                bench.frame("set_parameters", {"values": {name: value}})
            forged = bytearray(good[:-18])  # without its MAC, as the unsigned kind
            forged[3] = driver.command_kinds["set_parameters"].code
            forged += crc_hqx(bytes(forged), 0).to_bytes(2, "big")
            before = bench.terminal.store.held
            assert bench.deliver(bytes(forged))["command_result"] == Result.BAD_MAC
            assert bench.terminal.store.held.settings == before.settings
        bench.run(3600)
        assert bench.terminal.valve.position is Position.OPEN

    def test_a_signed_threshold_above_the_balance_shuts_the_valve(self) -> None:
        bench = Bench.of(WATER, account=money(245_000))
        found = bench.command("set_signed_parameters", {"values": {"balance_arrears": 1_000_000_000}})
        assert found["command_result"] == Result.DONE
        bench.run(60)
        assert bench.terminal.valve.position is Position.CLOSED

    def test_report_time_moves_the_report(self) -> None:
        bench = Bench.of()
        bench.run(400)
        bench.command("set_parameters", {"values": {"report_time": 6 * 3600, "spread_interval": 0}})
        said = bench.run(6 * 3600)
        reports = [m for m in said if m["kind"] == "report"]
        assert [m["device_at"] for m in reports] == [T0 + 6 * 3600 + bench.terminal.number % 60]

    def test_freeze_period_changes_the_report(self) -> None:
        bench = Bench.of()
        bench.run(400)
        bench.command("set_parameters", {"values": {"freeze_period": 3600}})
        report = next(m for m in bench.run(2 * 86_400) if m["kind"] == "report")
        assert (report["interval_s"], report["increments"]) == (3600, [60] * 24)

    def test_read_back_of_all(self) -> None:
        bench = Bench.of()
        bench.command("set_signed_parameters", {"values": {"balance_arrears": -500}})
        bench.command("set_platform", {"host": "meters.example.org", "port": 5684})
        bench.command("read_parameters")
        found = [m for m in bench.heard if m["kind"] == "parameters"][-1]
        values = dict(zip(found["parameter_numbers"], found["parameter_values"], strict=True))
        assert values[21] == -500 and values[4] == 1800 and len(values) == 20
        assert bytes(found["platform_host"]).decode() == "meters.example.org"

    def test_factory_reset_keeps_credit_prices_and_counters(self) -> None:
        bench = Bench.of(account=money(5000))
        bench.command("set_parameters", {"values": {"freeze_period": 3600}})
        frame = bench.frame("top_up", {"amount": 100})
        bench.deliver(frame)
        assert bench.command("factory_reset")["balance"] == 5100
        assert bench.terminal.meter.profile.freeze_s == 1800
        assert bench.deliver(frame)["command_result"] == Result.ALREADY_DONE
        assert bench.terminal.store.held.account.shown == 5100

    def test_thresholds_of_flow_raise_events(self) -> None:
        bench = Bench.of(litres_per_h=120, settings={"high_flow_duration": 3600, "high_flow_threshold": 100})
        bench.run(86_400 * 2)
        assert "sustained_high_flow" in bench.terminal.active

    def test_sustained_needs_the_whole_time(self) -> None:
        entries = [(0, 0), (1800, 50), (3600, 100), (5400, 101)]
        assert sustained(entries[:3], 3600, 100)
        assert not sustained(entries, 3600, 100)
        assert not sustained(entries[:2], 3600, 100)


class TestReadsLogRestart:
    def test_read_now_and_intervals(self) -> None:
        bench = Bench.of()
        bench.run(3 * 3600)
        bench.command("read_now")
        assert bench.heard[-2]["register_values"] == [bench.heard[-1]["register"]]
        bench.command("read_intervals", {"since": T0, "until": T0 + 3 * 3600})
        entries = bench.heard[-2]
        assert entries["register_instants"] == [T0 + k * 1800 for k in range(7)]
        assert entries["register_values"] == [BASE + k * 30 for k in range(7)]

    def test_reads_do_not_count_and_can_be_repeated(self) -> None:
        bench = Bench.of()
        frame = bench.frame("read_status")
        for _ in range(3):
            assert bench.deliver(frame)["command_result"] == Result.DONE

    def test_log_of_thirty_days_comes_in_parts(self) -> None:
        bench = Bench.of()
        for hour in range(200):
            bench.run(3600)
            bench.do(bench.terminal.set_event("magnetic", hour % 2 == 0, bench.now))
        bench.command("log_pull", {"since": T0, "until": bench.now})
        parts = [m for m in bench.heard if m["kind"] == "log"]
        assert len(parts) == parts[0]["log_parts"] > 1
        text = b"".join(bytes(m["log_text"]) for m in parts).decode()
        assert text.count("magnetic on\n") == 100

    def test_restart_answers_first_and_comes_back(self) -> None:
        bench = Bench.of()
        frame = bench.frame("restart")
        assert bench.deliver(frame)["command_result"] == Result.DONE
        assert any(m["kind"] == "report" for m in bench.run(60))
        assert bench.deliver(frame)["command_result"] == Result.ALREADY_DONE

    def test_reset_while_the_motor_runs_is_told_and_not_repeated(self) -> None:
        bench = Bench.of()
        bench.do(bench.terminal.on_command(bench.frame("valve_close"), bench.now))
        bench.do(bench.terminal.cut_power(bench.now + 1))
        said = bench.run(300)
        results = [m for m in said if m["kind"] == "command_result" and m["command_serial"]]
        assert [(m["command_serial"], m["command_result"], m["valve"]) for m in results] == [(1, Result.REFUSED, 0)]
        assert bench.terminal.valve.moves == 0
