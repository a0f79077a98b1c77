// SPDX-License-Identifier: Apache-2.0
import { Calendar, DataAnalysis, EditPen, Files, Finished, Location, Notebook, Warning } from "@element-plus/icons-vue";
import type { NavEntry } from "@/shared/pages";

export const nav: readonly NavEntry[] = [
  { page: "report", icon: DataAnalysis, order: 40 },
  { page: "exceptions", icon: Warning, order: 50 },
  { page: "edits", icon: EditPen, order: 55 },
  { page: "manual", icon: Notebook, order: 57 },
  { page: "gaps", icon: Calendar, order: 60 },
  { page: "tasks", icon: Finished, order: 62 },
  { page: "visits", icon: Location, order: 64 },
  { page: "bulk", icon: Files, order: 65 },
];
