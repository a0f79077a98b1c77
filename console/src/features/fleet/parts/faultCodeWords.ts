// SPDX-License-Identifier: Apache-2.0
// Words of makers' fault codes. They come with their part.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  faultCode: {
    title: ["厂家故障码", "Fault codes of the maker"], code: ["故障码", "Code"], meaning: ["含义", "Meaning"], act: ["处置", "What to do"],
  },
} satisfies Words;
