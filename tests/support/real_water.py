# SPDX-License-Identifier: Apache-2.0
"""Reader of the real year of 62 household water meters (DAIAD swm_trialA; licence notice in vectors/real-water/).

The file has CRLF line ends, local times of Europe/Madrid without offset, and registers in litres, five of them written
like ``4e+05``, which is exactly 400000.

Fold rule: a local time in the hour that the end of summer time repeats (2016-10-30 02:00–03:00) is the first pass,
unless the file's time ran back against the meter's reading before it: then it is the second. A time *equal* to the one
before it is the same instant under this rule (``later=False``). ``later=True`` takes it as one hour later, which is what
really happened: the meters read every 3,600 s, so the same text came twice.
"""

import csv
import gzip
import io
import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

MADRID = ZoneInfo("Europe/Madrid")
ROOT = Path(__file__).resolve().parents[2]
EXCERPT = ROOT / "vectors" / "real-water" / "excerpt.csv"

Reading = tuple[int, int]  # (instant, s UTC; register, litres)


def source() -> tuple[Path, bool]:
    """(path, is it the full file): the full file where it lies, else the excerpt."""
    named = os.environ.get("OPENMAINS_REAL_WATER")
    for path in ([Path(named)] if named else []) + [ROOT.parent / "shared" / "data" / "real-water" / "readings.csv.gz"]:
        file = path / "readings.csv.gz" if path.is_dir() else path
        if file.is_file():
            return file, True
    return EXCERPT, False


def text_rows(path: Path) -> list[tuple[str, str, str]]:
    """(meter, local time, register) as written."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("ascii")
    reader = csv.reader(io.StringIO(text, newline=""))
    if next(reader) != ["meter", "local_time", "register_l"]:
        raise ValueError(f"{path.name}: unexpected header")
    return [(meter, time, register) for meter, time, register in reader]


def readings(path: Path, *, later: bool = False) -> dict[str, list[Reading]]:
    """Readings by meter, in the file's order."""
    out: dict[str, list[Reading]] = {}
    for meter, time, register in text_rows(path):
        of_meter = out.setdefault(meter, [])
        wall = datetime.fromisoformat(time).replace(tzinfo=MADRID)
        instant = int(wall.timestamp())
        if of_meter and (instant < of_meter[-1][0] or (later and instant == of_meter[-1][0])):
            second = int(wall.replace(fold=1).timestamp())
            instant = second if second > of_meter[-1][0] else instant
        of_meter.append((instant, int(Decimal(register))))
    return out
