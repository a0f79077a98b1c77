# SPDX-License-Identifier: Apache-2.0
"""Texts of customers' own pages: for people who are no staff."""

from openmains.edges.http.problem_texts.text import Text

TEXTS = {
    "customer-sign-in-needed": Text(
        401,
        "请先登录",
        "登录已过期，或该手机号已不在您的用户档案上。请用手机验证码重新登录。",
        "Sign in first",
        "You are not signed in any more, or the phone is no longer in your record. Sign in again by a code to your phone.",
    ),
    "codes-not-sent": Text(
        503,
        "暂不能发送验证码",
        "贵单位尚未启用可发送验证码的短信渠道。请致电客服；工作人员可在通知渠道中启用字段含 code 的短信渠道。",
        "No codes can be sent",
        "The utility has no channel of text messages that carries codes. Call its service; its staff switch one on whose fields have code.",
    ),
    "code-over": Text(
        409,
        "验证码已失效",
        "该验证码已使用、已过期或输错过多。请重新获取。",
        "The code is over",
        "It was used, is older than five minutes, or was guessed at too often. Ask for another one.",
    ),
    "wrong-code": Text(
        403,
        "验证码不对",
        "请核对短信中的六位数字，还可再试 {left} 次。没有收到短信的，请核对手机号是否为您在档案中登记的号码。",
        "Not the code",
        "Look at the six digits in the message; {left} tries are left. If none came, check that it is the phone in your record.",
    ),
    "requests-full": Text(
        409,
        "今天提交的已够多",
        "24 小时内最多提交 {most} 项。急事请致电客服；燃气泄漏请到室外拨打抢修电话。",
        "Enough for today",
        "At most {most} requests are taken within 24 hours. Call the service if it is urgent; where gas leaks, go outside and call.",
    ),
    "kind-off": Text(
        409,
        "暂不受理此类请求",
        "贵单位暂不在线受理 {kind}。请致电客服。",
        "Not taken here",
        "The utility takes no {kind} by these pages at present. Call its service.",
    ),
}
