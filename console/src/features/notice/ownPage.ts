// SPDX-License-Identifier: Apache-2.0
import type { OwnPart } from "@/shared/ownPage";

export const ownParts: readonly OwnPart[] = [
  { name: "contacts", order: 10, load: () => import("./parts/OwnContacts.vue") },
  { name: "browsers", order: 20, load: () => import("./parts/OwnBrowsers.vue") },
];
