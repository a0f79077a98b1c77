// SPDX-License-Identifier: Apache-2.0
// Words of what follows from arrears. The reasons are the rows of the server's table (domain/arrears/decide.py).
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  arrears: {
    title: ["欠费处置", "Arrears"],
    simulation: ["今天会关谁", "Who would be closed"],
    rules: ["处置规则", "Rules"],
    daysOff: ["节假日", "Days off"],
  },
} satisfies Words;
