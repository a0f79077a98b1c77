// SPDX-License-Identifier: Apache-2.0
// What went wrong, in words: the platform's own, or the phone's.
import { Problem } from "@/api/problem";
import { i18n } from "@/shared/i18n";
import { answerOf } from "./contact";
import { isFull } from "./store";

export function problemOf(error: unknown): string {
  const { t } = i18n.global;
  if (error instanceof Problem) {
    if (error.isLostConnection) return t("phone.noNetwork");
    const answer = answerOf(error);
    if (answer.kind === "refused") return `${answer.refusal.title}\n${answer.refusal.detail}`;
    return error.body.detail ?? error.body.title ?? t("frame.failed", { status: error.status });
  }
  return isFull(error) ? t("phone.full") : `${t("phone.notKept")} ${String(error)}`;
}
