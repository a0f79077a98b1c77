# SPDX-License-Identifier: Apache-2.0
"""Customers and accounts."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "account-number-taken": Text(
        409,
        "户号已被使用",
        "户号 {taken} 已存在（销户后也不再使用）。请换一个户号，或在原户上办理。",
        "Account number taken",
        "Account {taken} exists, and a number is never used again. Choose another number, or act on that account.",
    ),
    "act-key-used": Text(
        409,
        "唯一键已用于别的业务",
        "键 {taken} 已用于另一笔业务。请核对是否重复办理；确是另一笔，请换一个键。",
        "Key used for another act",
        "Key {taken} is that of another act. Check whether this was done before; if it is another one, give another key.",
    ),
    "account-closed": Text(
        409,
        "户号已销户",
        "户号 {number} 已于 {since} 销户，不能再办理业务。需要时请另开新户。",
        "The account is closed",
        "Account {number} was closed at {since}, for ever. Open another account where one is needed.",
    ),
    "account-held": Text(
        409,
        "户号有户主",
        "户号 {number} 现由用户 {holder} 持有。换户主请办理过户；否则请先办理迁出。",
        "The account is held",
        "Customer {holder} holds account {number}. Transfer it to another holder, or let this one move out first.",
    ),
    "account-empty": Text(
        409,
        "户号没有户主",
        "户号 {number} 现无户主，请办理迁入。",
        "Nobody holds the account",
        "Nobody holds account {number}: let a customer move in.",
    ),
    "act-too-early": Text(
        409,
        "早于该户的上一笔业务",
        "户号 {number} 的上一笔业务自 {since} 起生效，之前的不能再改。请取更晚的时刻。",
        "Before the account's newest act",
        "The newest act of account {number} took effect at {since}, and nothing before it is rewritten. Choose a later instant.",
    ),
    "same-holder": Text(
        409,
        "该用户已是户主",
        "户号 {number} 已由该用户持有，请核对用户。",
        "Already the holder",
        "This customer holds account {number} already. Check whom you mean.",
    ),
    "same-account": Text(
        409,
        "不能与自己合并",
        "请选择另一个要并入的户号。",
        "The same account",
        "An account is not merged with itself. Choose the account that ends.",
    ),
    "account-other-medium": Text(
        409,
        "介质不同",
        "户号 {number} 是另一种介质（水、燃气不能合并）。请选择同一介质的户号。",
        "Another medium",
        "Account {number} is of the other medium: water and gas are not merged. Choose one of the same medium.",
    ),
}
