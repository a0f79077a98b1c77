# SPDX-License-Identifier: Apache-2.0
"""Signing in, roles, people, tokens."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "weak-password": Text(
        400,
        "密码不够安全",
        "密码至少 10 个字符、最多 256 个字符，不能是常见密码，也不能与登录名相近。请换一个密码。",
        "Password too weak",
        "A password has 10 to 256 characters, is not a common one and does not resemble the login. Choose another.",
    ),
    "sign-in-needed": Text(
        401,
        "请先登录",
        "本操作需要登录，或登录已过期。请登录，或在 Authorization 头中带上有效的 API 令牌。",
        "Sign in first",
        "This operation needs a sign-in, or the session has ended. Sign in or send an API token in Authorization.",
    ),
    "sign-in-refused": Text(
        401,
        "登录失败",
        "登录名或密码不正确。请检查后重试；忘记密码请联系本单位的管理员。",
        "Sign-in refused",
        "Login or password is not right. Check and try again; if you forgot the password, ask your administrator.",
    ),
    "tenant-needed": Text(
        400,
        "请填写单位代码",
        "本系统上不止一个单位（或尚未建立单位）。请填写本单位的代码，例如 mytown；"
        "它由管理员在建立单位时设定，不知道时请询问本单位的管理员。",
        "Which utility?",
        "There is not just one utility here. Enter your utility's code, such as mytown: "
        "it was chosen when the utility was set up; ask your administrator for it.",
    ),
    "wrong-password": Text(
        403,
        "当前密码不正确",
        "没有修改密码。请输入正确的当前密码。",
        "Current password not right",
        "The password was not changed. Enter the right current password.",
    ),
    "sign-in-locked": Text(
        429,
        "尝试次数过多",
        "从您所在的地址登录该账号失败次数过多，该地址暂时不能登录它。请在 {retry_after_s} 秒后重试，或从曾登录过的浏览器、其他网络登录，"
        "或请管理员解锁。",
        "Too many attempts",
        "Too many failures for this login from your address, which is refused for now. Try again in {retry_after_s} s, sign in from a "
        "browser that did so before or from another network, or ask an administrator to unlock it.",
    ),
    "password-locked": Text(
        429,
        "尝试次数过多",
        "当前密码多次输入错误，此会话暂时不能修改密码。请在 {retry_after_s} 秒后重试，或退出后重新登录再修改；忘记密码请联系管理员。",
        "Too many attempts",
        "The current password was wrong too often; this session cannot change it for now. Try again in {retry_after_s} s, or sign out "
        "and in again first; if you forgot the password, ask an administrator.",
    ),
    "not-allowed": Text(
        403,
        "没有权限",
        "本操作需要“{needed}”权限。请联系管理员授权。",
        "Not allowed",
        "This operation needs the permission '{needed}'. Ask an administrator for it.",
    ),
    "out-of-reach": Text(
        403,
        "超出您的权限范围",
        "您的权限限于部分区域、介质或产品，此操作会涉及范围以外的内容，未作任何更改。请改选范围内的区域或表具，或联系管理员。",
        "Outside the reach of your rights",
        "Your rights are limited to some places, media or products, and this would touch what lies outside them. Nothing was changed. "
        "Choose a place or a meter within them, or ask an administrator.",
    ),
    "whole-utility-only": Text(
        403,
        "此操作涉及整个单位",
        "您的权限限于部分区域、介质或产品，而此操作针对整个单位，不能只做一部分。请由权限不受限的人员操作。",
        "This concerns the whole utility",
        "Your rights are limited to some places, media or products; this operation concerns the utility as a whole "
        "and cannot be done for a part. Ask somebody whose rights are not limited.",
    ),
    "role-too-high": Text(
        403,
        "超出您自己的权限",
        "您没有这些权限：{lacking}。因此不能授予含有这些权限的角色，也不能处理拥有这些权限的人员。请选择其他角色，或联系管理员。",
        "Above your own rights",
        "You do not have these permissions yourself: {lacking}. So you cannot give a role that has them, or decide about people who do. "
        "Choose another role, or ask an administrator.",
    ),
    "role-empty": Text(
        422,
        "角色没有权限",
        "一个角色至少要有一项权限。请勾选此角色可做的事；不再需要的角色请删除。",
        "A role without permissions",
        "A role has at least one permission. Choose what it may do, or remove a role that is not needed.",
    ),
    "role-name-taken": Text(
        409,
        "角色名称已被使用",
        "已有角色使用此名称。请换一个。",
        "Name taken",
        "Another role has this name. Choose another.",
    ),
    "role-changed": Text(
        409,
        "角色已被他人修改",
        "您打开此页之后，有人修改或删除了这个角色。请刷新后再改。",
        "Changed meanwhile",
        "Somebody changed or removed this role since you opened it. Load it again and repeat the change.",
    ),
    "role-in-use": Text(
        409,
        "角色正在使用",
        "还有人员或有效的令牌使用此角色。请先为人员改用其他角色，并吊销这些令牌。",
        "Role in use",
        "People or valid tokens have this role. Give the people another role first, and revoke the tokens.",
    ),
    "change-password-first": Text(
        403,
        "请先修改密码",
        "首次登录或密码被重设后必须先修改密码。请用 POST /api/v1/session/password 设置新密码。",
        "Change the password first",
        "After a first sign-in or a reset the password must be changed: POST /api/v1/session/password.",
    ),
    "session-only": Text(
        403,
        "仅限登录会话",
        "本操作不能用 API 令牌进行。请用密码登录后再试。",
        "Session only",
        "This operation is not open to API tokens. Sign in with the password and try again.",
    ),
    "foreign-origin": Text(
        403,
        "来源不受信任",
        "用 Cookie 登录的修改请求必须来自本站，或带有 X-OpenMains-Request 头。请从控制台操作，或改用 API 令牌。",
        "Origin not trusted",
        "Changes with the session cookie must come from this site or carry the header X-OpenMains-Request. "
        "Use the console or an API token.",
    ),
    "login-taken": Text(
        409,
        "登录名已被使用",
        "已有用户使用该登录名。请换一个。",
        "Login taken",
        "Another user has this login. Choose another.",
    ),
    "last-administrator": Text(
        409,
        "不能去掉最后一名管理员",
        "本单位至少要有一名可用的管理员。请先指定另一名管理员。",
        "Last administrator",
        "A tenant keeps at least one enabled administrator. Appoint another first.",
    ),
}
