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
    "wechat-off": Text(
        409,
        "未开通微信登录",
        "贵单位没有启用填有公众号 AppSecret 的微信支付渠道，请用手机验证码登录；工作人员可在支付渠道页填写。",
        "No sign-in by WeChat",
        "The utility has no WeChat channel that is on and has the application's secret. Sign in by a code; its staff enter the"
        " secret at the payment channels.",
    ),
    "wechat-code-refused": Text(
        403,
        "微信授权已失效",
        "微信的授权码无效、已使用或已超过五分钟。请从微信重新打开本页。",
        "WeChat's code is over",
        "WeChat's code is not valid, was used, or is older than five minutes. Open this page in WeChat again.",
    ),
    "wechat-not-bound": Text(
        409,
        "该微信尚未绑定",
        "请先用手机验证码登录，再在“我的户号”页绑定微信；绑定后可免验证码登录，并在微信内支付。",
        "This WeChat is not bound",
        "Sign in by a code to your phone, then bind WeChat at your accounts: it signs in by itself afterwards, and pays within WeChat.",
    ),
    "wechat-unclear": Text(
        503,
        "微信没有答复",
        "向微信核对身份没有成功（{why}）。请稍后再试，或用手机验证码登录；多次出现时请工作人员核对渠道的公众号与 AppSecret。",
        "WeChat did not answer",
        "Asking WeChat who you are did not work ({why}). Try again later or sign in by a code; if it stays so, the staff check the channel's"
        " application and its secret.",
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
