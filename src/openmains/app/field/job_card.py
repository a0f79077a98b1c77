# SPDX-License-Identifier: Apache-2.0
"""The job card of an installation (R8.1, R8.4): what goes with a meter from the warehouse to its acceptance, on one sheet. What is known
stands on it, what is not is left to be written: customer and signatures always, for no personal data goes through the yard on paper.
"""

from collections.abc import Sequence
from typing import Any, Literal

from openmains.app.field.model import SiteVisit
from openmains.app.fleet.lives.model import Installation, LifeRecord, MeterLife
from openmains.domain.field.checklist import CheckItem, items_of
from openmains.domain.period import Zone

WORDS: dict[str, tuple[str, str]] = {
    "title": ("安装卡", "Installation card"),
    "number": ("表号", "Meter"),
    "bar_code": ("条码", "Bar code"),
    "product": ("产品", "Product"),
    "medium": ("介质", "Medium"),
    "verified": ("检定日期", "Verified on"),
    "issued": ("领用", "Issued"),
    "person": ("安装人", "Installer"),
    "contractor": ("施工单位", "Contractor"),
    "account": ("户号", "Account"),
    "address": ("安装地址", "Address"),
    "customer": ("用户姓名", "Customer"),
    "place": ("安装位置", "Where it hangs"),
    "installed": ("安装时间", "Installed"),
    "opening": ("起码(m³)", "Opening register (m³)"),
    "exchanged": ("换下的表", "Exchanged for"),
    "checks": ("安装检查", "Checklist"),
    "limit": ("要求", "Limit"),
    "answer": ("结果", "Answer"),
    "yes": ("是", "yes"),
    "least": ("≥", "≥"),
    "most": ("≤", "≤"),
    "test": ("现场通信与阀门试验", "Test on the spot: message and valve"),
    "passed": ("通过", "passed"),
    "sign_installer": ("安装人签名、日期", "Installer, date"),
    "sign_customer": ("用户签名、日期", "Customer, date"),
    "sign_accepter": ("验收人签名、日期", "Accepted by, date"),
    "accepted": ("验收", "Accepted"),
    "foot": (
        "验收须由另一人进行；未通过检查的表不得投用。",
        "Accepted by another person; a meter that did not pass is not put to use.",
    ),
    "water": ("水", "water"),
    "gas": ("燃气", "gas"),
}
CHECKED, TESTED = "installation", "test"


def job_card(
    life: MeterLife, product: str, visits: Sequence[SiteVisit], utility: str, zone: Zone, language: Literal["zh", "en"]
) -> dict[str, Any]:
    """The document that the template sets. ``visits``: newest first; those of before the meter hung where it hangs now are not this job's."""
    at = 0 if language == "zh" else 1
    here = next((one for one in life.installations if one.ends is None), None)
    issue = next((one for one in life.acts if one.kind == "issue"), None)
    since = issue.made_at if issue is not None else here.begins if here is not None else None
    of_job = [one for one in visits if since is None or one.at >= since]

    def word(name: str) -> str:
        return WORDS[name][at]

    def day(moment: Any) -> str:
        return zone.iso(int(moment.timestamp()))[:16].replace("T", " ")

    answers = next((one.facts for one in of_job if one.kind == CHECKED), {})
    test = next((one for one in of_job if one.kind == TESTED), None)
    return {
        "template": "job_card",
        "lang": language,
        "title": f"{word('title')} {life.number}",
        "heading": word("title"),
        "number": life.number,
        "scan": life.bar_code or life.number,
        "issuer": utility,
        "facts": [
            [word("number"), life.number],
            [word("bar_code"), life.bar_code],
            [word("product"), product],
            [word("medium"), word(life.medium)],
            [word("verified"), "" if life.facts.verified_on is None else life.facts.verified_on.isoformat()],
            *([[word("issued"), day(issue.at)]] if issue is not None else []),
            *[[word(name), told] for name, told in _people(here, issue).items()],
        ],
        "site": [
            [word("account"), "" if here is None else here.account_number],
            [word("address"), "" if here is None else here.address],
            [word("customer"), ""],
            [word("place"), ""],
            [word("installed"), "" if here is None else day(here.begins)],
            [word("opening"), "" if here is None or here.opening_m3 is None else here.opening_m3],
            [word("exchanged"), _taken_off(life, here)],
        ],
        "checks": {
            "heads": [word("checks"), word("limit"), word("answer")],
            "rows": [
                [item.zh if at == 0 else item.en, _limit(item, at), _answer(item, answers, at)]
                for item in items_of(life.medium)
            ]
            + [[word("test"), word("passed"), "" if test is None else f"{word('passed')} {day(test.at)}"]],
        },
        "accepted": ""
        if here is None or here.accepted_at is None
        else f"{word('accepted')}: {here.accepter or ''} {day(here.accepted_at)}",
        "signatures": [word("sign_installer"), word("sign_customer"), word("sign_accepter")],
        "foot": word("foot"),
    }


def _people(here: Installation | None, issue: LifeRecord | None) -> dict[str, str]:
    """Who installed it; of one that hangs nowhere yet, who was given it."""
    told = here if here is not None else issue
    return {"person": told.person if told else "", "contractor": told.contractor if told else ""}


def _taken_off(life: MeterLife, here: Installation | None) -> str:
    """The meter that hung there before, where this one took its place in one act."""
    if here is None:
        return ""
    return next((one.other_number or "" for one in life.acts if one.kind == "install" and one.at == here.begins), "")


def _limit(item: CheckItem, at: int) -> str:
    return WORDS["yes"][at] if item.rule == "yes" else f"{WORDS[item.rule][at]} {item.limit} {item.unit}"


def _answer(item: CheckItem, answers: Any, at: int) -> str:
    found = answers.get(item.name)
    if found is None:
        return ""
    return WORDS["yes"][at] if found is True else f"{found} {item.unit}"
