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

/** What was asked did not happen although the server answered: stays until somebody closes it. */
export function toastFailed(text: string): void {
  ElMessage({ type: "error", message: text, grouping: true, showClose: true, duration: 0 });
}

/** How an act came out. `partly`: some of it did not happen, or not yet; never shown as success. */
export interface Outcome {
  came: "done" | "partly" | "failed";
  text: string;
}

export function toastOutcome({ came, text }: Outcome): void {
  if (came === "done") toastDone(text);
  else if (came === "failed") toastFailed(text);
  else ElMessage({ type: "warning", message: text, grouping: true, showClose: true, duration: 8000 });
}

export function toastDone(text: string): void {
  ElMessage({ type: "success", message: text, grouping: true });
}
