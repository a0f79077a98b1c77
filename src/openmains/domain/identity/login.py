# SPDX-License-Identifier: Apache-2.0
"""How a person's login is written, wherever one is made."""

WRITTEN = "[A-Za-z0-9][A-Za-z0-9._@-]{1,63}"  # as a regular expression
REFUSED = (
    "登录名只能含字母、数字和 . _ @ -,以字母或数字开头,2 至 64 个字符。",
    "a login has letters, digits and . _ @ - only, begins with a letter or digit, and has 2 to 64 of them.",
)
