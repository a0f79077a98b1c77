// SPDX-License-Identifier: Apache-2.0
// What the frame says of the network; the page brings its own words (parts/networkWords.ts).
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  network: { title: ["通信网络", "Network"] },
} satisfies Words;
