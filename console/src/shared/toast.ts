// SPDX-License-Identifier: Apache-2.0
// Tells a person what went wrong, in the problem's own words (the server writes them in the person's language).
import { ElMessage } from "element-plus";
import { Problem } from "@/api/problem";
import { i18n } from "@/shared/i18n";

export function problemText(error: unknown): string {
  const { t } = i18n.global;
  if (error instanceof Problem) {
    if (error.isLostConnection) return t("frame.offline");
    const { title, detail } = error.body;
    if (detail !== undefined && title !== undefined && detail !== title) return `${title}: ${detail}`;
    return detail ?? title ?? t("frame.failed", { status: error.status });
  }
  return t("frame.unexpected");
}

export function toastProblem(error: unknown): void {
  if (error instanceof Problem && error.isSessionOver) return; // the frame leads to sign-in
  ElMessage({ type: "error", message: problemText(error), grouping: true, showClose: true, duration: 6000 });
}

export function toastText(text: string): void {
  ElMessage({ type: "warning", message: text, grouping: true });
}

export function toastDone(text: string): void {
  ElMessage({ type: "success", message: text, grouping: true });
}
