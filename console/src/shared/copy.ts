// SPDX-License-Identifier: Apache-2.0
// Copies text and says so. The clipboard API exists on HTTPS and this machine only; utilities also run on plain HTTP inside
// their own network, where the old way still works.
import { i18n } from "@/shared/i18n";
import { toastDone, toastText } from "./toast";

export async function copyText(text: string): Promise<void> {
  const done = (await viaClipboard(text)) || viaSelection(text);
  if (done) toastDone(i18n.global.t("copy.done"));
  else toastText(i18n.global.t("copy.refused"));
}

async function viaClipboard(text: string): Promise<boolean> {
  if (!window.isSecureContext) return false;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // refused by the person or the browser's policy
  }
}

function viaSelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
