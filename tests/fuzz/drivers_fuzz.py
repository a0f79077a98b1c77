# SPDX-License-Identifier: Apache-2.0
"""Coverage-guided fuzzing of all drivers: ``python tests/fuzz/drivers_fuzz.py -max_total_time=600``.

Invariants: no bytes make a driver raise; ``check`` and ``decode`` agree; ``explain`` covers each byte once; a decoded
frame encodes to the same meaning; the answer is below 50 bytes. Checks are made right in half of the inputs.
"""

import sys
import tempfile
from binascii import crc_hqx
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "src"))

with atheris.instrument_imports(include=["openmains.drivers", "openmains.wire"]):
    from openmains.drivers import catalog
    from openmains.drivers.model import Driver, EncodeError
    from openmains.drivers.points import vocabulary

DRIVERS = list(catalog.load())


def mended(driver: Driver, raw: bytes) -> bytes:
    """The frame with its check made right."""
    if driver.name.startswith("cjt188/"):
        return raw[:-2] + bytes([sum(raw[:-2]) & 0xFF, 0x16])
    return raw[:-2] + crc_hqx(raw[:-2], 0).to_bytes(2, "big")


def one_input(raw: bytes) -> None:
    if not raw:
        return
    driver = DRIVERS[raw[0] % len(DRIVERS)]
    frame = raw[1:] if raw[0] & 0x80 or len(raw) < 4 else mended(driver, raw[1:])
    found, rejected = driver.decode([frame], [1_700_000_000])
    assert len(found) + len(rejected) == 1
    assert driver.check(frame) == (rejected[0].reason if rejected else None)
    assert not rejected or (rejected[0].reason != "driver" and 0 <= rejected[0].offset <= len(frame))
    at = 0
    for trace in driver.explain(frame):
        assert trace.offset == at
        at += trace.length
    assert at == len(frame)
    assert len(driver.answer(frame, 1_700_000_000, 480)) < 50
    if found and driver.encodes:
        columns = found[0]
        values: dict[str, object] = {name: int(column[0]) for name, column in columns.points.items()}
        values |= {name: [int(v) for v in column[0]] for name, column in columns.series.items()}
        if columns.event_mask is not None:
            values["events"] = vocabulary().event_names(int(columns.event_mask[0]))
        try:
            again = driver.encode(columns.kind, values)
        except EncodeError:
            assert columns.damages or (values.get("history_at") and min(values["history_at"]) < 0)  # type: ignore[type-var, call-overload]
            return
        twice, _ = driver.decode([again], [1_700_000_000])
        assert {k: int(v[0]) for k, v in twice[0].points.items()} == {k: int(v[0]) for k, v in columns.points.items()}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as corpus:
        for index, driver in enumerate(DRIVERS):
            for number, vector in enumerate(driver.vectors):
                Path(corpus, f"{index}-{number}").write_bytes(bytes([index]) + vector.frame)
        atheris.Setup([sys.argv[0], corpus, "-max_len=400", *sys.argv[1:]], one_input)
        atheris.Fuzz()
