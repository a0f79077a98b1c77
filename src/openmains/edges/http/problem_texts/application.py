# SPDX-License-Identifier: Apache-2.0
"""Client applications and their tokens."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "client-refused": Text(
        401,
        "应用凭据无效",
        "client_id 或 client_secret 不正确，或该应用已停用、已过期、无人负责。请核对凭据，或请本单位的管理员在“应用”页查看其状态。",
        "Client refused",
        "client_id or client_secret is not right, or the application is revoked, over, or without somebody responsible. Check the "
        "credentials, or ask an administrator of the utility to look at it under Applications.",
    ),
    "grant-not-offered": Text(
        400,
        "不支持的授权方式",
        "此处只支持 grant_type=client_credentials（RFC 6749 第 4.4 节）。请改用它。",
        "Grant type not offered",
        "Only grant_type=client_credentials is offered here (RFC 6749 section 4.4). Ask with that.",
    ),
    "token-request-incomplete": Text(
        400,
        "取令牌的请求不完整",
        "请以 application/x-www-form-urlencoded 发送 grant_type，并用 HTTP Basic 或 client_id、client_secret 两个字段（二者取一）给出凭据。",
        "Token request not complete",
        "Send grant_type as application/x-www-form-urlencoded, and the credentials by HTTP Basic or as client_id and client_secret: one of "
        "both ways.",
    ),
    "scope-not-held": Text(
        400,
        "超出应用的授权",
        "所要的 scope 不在该应用的授权之内：{scopes}。请去掉多余的项，或请管理员修改应用。",
        "Scope not held",
        "A scope was asked for that the application does not have. It has: {scopes}. Leave out the others, or ask an administrator to change "
        "the application.",
    ),
    "address-refused": Text(
        403,
        "不允许的来源地址",
        "该应用不可从 {address} 访问。请从登记的网络访问，或请管理员修改应用的来源地址。",
        "Address not allowed",
        "The application may not ask from {address}. Ask from one of its networks, or have an administrator change them.",
    ),
    "scope-of-persons": Text(
        400,
        "只能由人行使的权限",
        "下列权限只能授予人员，不能授予应用：{scopes}。请去掉它们。",
        "For persons only",
        "These permissions are for persons and not for applications: {scopes}. Leave them out.",
    ),
    "scope-of-whole": Text(
        400,
        "只在整个单位有效的权限",
        "下列权限针对整个单位，限于区域、介质、产品或表具的应用不能使用：{scopes}。请去掉它们，或取消范围限制。",
        "Of the whole utility",
        "These permissions concern the utility as a whole; an application that is limited to places, media, products or meters cannot use "
        "them: {scopes}. Leave them out, or limit it to nothing.",
    ),
    "persons-only": Text(
        403,
        "须由本人操作",
        "应用不能进行此操作：不能签署命令，也不能管理应用。请由有权限的人员登录后操作。",
        "For persons only",
        "An application may not do this: it signs no command and manages no applications. Let a person who may sign in and do it.",
    ),
    "application-changed": Text(
        409,
        "应用已被他人修改",
        "保存之前，有人修改了该应用。没有保存。请重新载入后再改。",
        "Application changed meanwhile",
        "Somebody changed the application meanwhile. Nothing was kept. Load it again and change it.",
    ),
    "bound-to-devices": Text(
        403,
        "仅限绑定的设备",
        "该应用只绑定了若干表具：可以列出、搜索并汇总这些表具的用量，但没有抄收统计。请用 GET /meters 列出这些表具，逐只查询其数据。",
        "Bound to devices",
        "This application is bound to single meters: it lists and searches these and has their volumes, but no collection reports. List "
        "its meters by GET /meters and ask for their data one by one.",
    ),
}
