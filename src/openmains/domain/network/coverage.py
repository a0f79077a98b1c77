# SPDX-License-Identifier: Apache-2.0
"""Coverage levels of NB-IoT as R12.1 sets them: by signal strength and by signal to noise, the worse of the two counts."""

from typing import Final, Literal

Coverage = Literal["CE0", "CE1", "CE2", "none"]

# Level, least RSRP in 0.1 dBm, least SINR in 0.1 dB; the first line that both reach.
LEVELS: Final[tuple[tuple[Coverage, int, int], ...]] = (
    ("CE0", -1050, 70),
    ("CE1", -1150, -30),
    ("CE2", -1250, -80),
)


def coverage(rsrp_ddbm: int | None, sinr_ddb: int | None) -> Coverage | None:
    """The level of a report; None where it does not say both."""
    if rsrp_ddbm is None or sinr_ddb is None:
        return None
    reached = (level for level, rsrp, sinr in LEVELS if rsrp_ddbm >= rsrp and sinr_ddb >= sinr)
    return next(reached, "none")
