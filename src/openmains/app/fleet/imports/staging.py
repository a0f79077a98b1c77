# SPDX-License-Identifier: Apache-2.0
"""Checked rows as bytes of PostgreSQL's binary COPY (manual, 'COPY', file formats): the reader's process makes them, so
that the process that talks to the store only hands bytes on. With text and lists instead the import took half as long again.
"""

import struct
from collections.abc import Sequence
from datetime import date

from openmains.app.fleet.search import fields_of, grams_of, search_text
from openmains.domain.fleet.meter_row import MeterRow

# Order of a staged row's values; edges/postgres/fleet/imports.py has the table.
STAGED = (
    "line", "number", "bar_code", "imei", "imsi", "iccid", "product", "area", "customer_code", "customer_name", "phone",
    "address", "customer_address", "is_protected", "is_critical", "place", "dn", "qmax_l_h", "installed_on", "expected_from",
    "tags", "search_text", "grams",
)  # fmt: skip
HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
_NULL = struct.pack(">i", -1)
_EPOCH = date(2000, 1, 1).toordinal()
_line = struct.Struct(">hii").pack
_int4 = struct.Struct(">ii").pack
_int8 = struct.Struct(">iq").pack
_length = struct.Struct(">i").pack
_array = struct.Struct(">iiiiii").pack
_INT4_OID = 23
_FLAG = {None: _NULL, True: b"\x00\x00\x00\x01\x01", False: b"\x00\x00\x00\x01\x00"}


def staged_bytes(rows: Sequence[MeterRow]) -> bytes:
    """One COPY of these rows."""
    import numpy as np  # the parent process has no need of it

    texts = [
        search_text(
            fields_of(
                r.number,
                r.bar_code or "",
                r.imei,
                r.customer_name or "",
                r.address or "",
                r.customer_address or "",
                r.imsi or "",
                r.iccid or "",
                r.customer_code or "",
            )
        )
        for r in rows
    ]
    grams, starts = grams_of(texts)
    elements = np.empty((len(grams), 2), dtype=">i4")
    elements[:, 0] = 4
    elements[:, 1] = grams
    array_bytes = elements.tobytes()
    bounds = starts.tolist()
    out = [HEADER]
    add = out.append

    def text(value: str | None) -> None:
        if value is None:
            add(_NULL)
        else:
            data = value.encode()
            add(_length(len(data)))
            add(data)

    for place, row in enumerate(rows):
        add(_line(len(STAGED), 4, row.row))
        text(row.number)
        text(row.bar_code)
        add(_NULL if row.imei is None else _int8(8, row.imei))
        for value in (row.imsi, row.iccid, row.product, row.area, row.customer_code, row.customer_name, row.phone,
                      row.address, row.customer_address):  # fmt: skip
            text(value)
        add(_FLAG[row.is_protected])
        add(_FLAG[row.is_critical])
        text(row.place)
        add(_NULL if row.dn is None else _int4(4, row.dn))
        add(_NULL if row.qmax_l_h is None else _int8(8, row.qmax_l_h))
        add(_int4(4, row.installed_on.toordinal() - _EPOCH))
        add(_NULL if row.expected_from is None else _int4(4, row.expected_from.toordinal() - _EPOCH))
        text(None if row.tags is None else ";".join(row.tags))
        text(texts[place])
        first, end = bounds[place], bounds[place + 1]
        add(_array(20 + 8 * (end - first), 1, 0, _INT4_OID, end - first, 1))
        add(array_bytes[8 * first : 8 * end])
    add(TRAILER)
    return b"".join(out)
