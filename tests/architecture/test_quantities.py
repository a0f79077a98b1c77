# SPDX-License-Identifier: Apache-2.0
"""No point is decoded and dropped: each is a quantity, part of volume, state of the meter, or says how to read the message."""

from openmains.app.ingest.pipeline.rows import SIGNAL_POINTS
from openmains.domain.readings.quality import Slot
from openmains.drivers.points import vocabulary

VOLUME = {  # of the meter-day and the registers (domain/readings)
    "register", "base", "increments", "history", "history_at", "register_values", "register_instants", "register_base",
}  # fmt: skip
OF_THE_MESSAGE = {  # whose it is, when it was made, how its fields are read
    "device_at", "frame_seq", "meter_number", "maker", "device_type", "frame_exponent", "register_at", "start_at", "interval_s",
    "pressure_interval_s", "raised_at", "attempt",
}  # fmt: skip
OF_COMMANDS = {  # app/command/results.py
    "command_serial", "command_code", "command_result", "command_counter", "open_permitted", "closed_by_arrears",
    "closed_for_safety", "price_version", "price_deferred", "parameter_numbers", "parameter_values", "platform_port",
    "platform_host", "log_part", "log_parts", "log_text",
}  # fmt: skip


def test_every_point_has_its_place() -> None:
    words = vocabulary()
    kept = set(words.quantities) | set(words.latest) | set(SIGNAL_POINTS)
    assert set(words.points) - kept == VOLUME | OF_THE_MESSAGE | OF_COMMANDS
    assert not set(words.quantities) & (VOLUME | OF_THE_MESSAGE | OF_COMMANDS)


def test_logged_quantities_are_columns_of_the_signal_table() -> None:
    logged = {name for name, kept in vocabulary().quantities.items() if kept.logged}
    assert logged <= set(SIGNAL_POINTS) | {"balance_volume", "balance_unknown"}, (
        "balance_volume is the column balance where its kind is volume"
    )


def test_flags_fit_the_column_of_qualities() -> None:
    assert max(Slot) < 256
