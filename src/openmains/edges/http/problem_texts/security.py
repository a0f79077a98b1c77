# SPDX-License-Identifier: Apache-2.0
"""Keys of terminals."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "key-file-gone": Text(
        410,
        "密钥文件已不存在",
        "密钥文件只能下载一次，且只保留一天。如未妥善保存，请重新生成密钥。",
        "Key file gone",
        "A key file can be taken once and is kept for a day. If nobody has it, make new keys.",
    ),
}
