# SPDX-License-Identifier: Apache-2.0
"""What a customer is handed of a hazard: what was found, until when it is to be removed, what must not be used meanwhile (隐患整改通知书)."""

from collections.abc import Mapping

from openmains.app.work_order.hazard_model import Hazard
from openmains.domain.work_order.inspection import HazardGrade

GRADES: Mapping[HazardGrade, tuple[str, str]] = {
    HazardGrade.GENERAL: ("一般隐患", "general hazard"),
    HazardGrade.SERIOUS: ("较大隐患", "serious hazard"),
    HazardGrade.CRITICAL: ("重大隐患", "critical hazard"),
}


def notice_text(hazard: Hazard, utility: str, item: tuple[str, str] | None, language: str) -> str:
    """Plain text for a printer or a message, in one language. ``item``: the line of the checklist it belongs to."""
    zh, en = GRADES[hazard.grade]
    if language == "zh":
        lines = [
            f"{utility}  隐患整改通知书  编号 {hazard.hazard_id}",
            f"地址:{hazard.address or '–'}",
            f"等级:{zh}" + (f"  项目:{item[0]}" if item is not None else ""),
            f"情况:{hazard.what}",
            f"请于 {hazard.until.isoformat()} 前完成整改,届时将上门复查。",
        ]
        lines += ["已在现场切断气源,整改并复查合格前不得自行恢复使用。"] if hazard.is_shut else []
        return "\n".join([*lines, "", "用户签收:____________   日期:____________", "检查人:____________"])
    lines = [
        f"{utility}  Notice of a hazard  No. {hazard.hazard_id}",
        f"Address: {hazard.address or '–'}",
        f"Grade: {en}" + (f"  Item: {item[1]}" if item is not None else ""),
        f"Found: {hazard.what}",
        f"Have it removed by {hazard.until.isoformat()}; we come to look again.",
    ]
    lines += (
        ["The supply was shut at the place. Do not open it before we have found the hazard removed."]
        if hazard.is_shut
        else []
    )
    return "\n".join([*lines, "", "Received by: ____________   Date: ____________", "Inspector: ____________"])
