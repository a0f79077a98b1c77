// SPDX-License-Identifier: Apache-2.0
// The browser of the walk: Debian's Chromium, quiet and without a screen, and what every page of it is held to.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const PATIENCE_MS = 120_000; // ends what hangs: how fast this machine is today is not what is walked
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** `more`: switches of Chromium, such as a film in place of the camera. */
export function launch(more = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...more,
      // The sandbox of Chromium refuses to run as root, as in a container.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    ],
  });
}

/** A context in a language. What a page's script throws is kept in `faults`. */
export async function openPage(browser, signedIn, locale, options = {}) {
  // Without motion: what moves is drawn by the processor here, and two machines' pictures of it are never alike.
  const context = await browser.newContext({ storageState: signedIn, viewport: { width: 1280, height: 800 }, acceptDownloads: true, reducedMotion: "reduce", ...options });
  await context.addInitScript((value) => localStorage.setItem("openmains.locale", value), locale);
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  return { context, page, faults };
}

/** A Chinese sign. */
export const CJK = /[\u4e00-\u9fff]/;

/** The newest message that comes and goes. */
export const toast = (page) => page.locator(".el-message").last();

/** What is downloaded by an act. Where the act fails, only that is said: a promise that nobody waits for would end the walk. */
export async function downloaded(page, doing) {
  const [file] = await Promise.all([page.waitForEvent("download"), doing()]);
  return file;
}

/** Gives the reason that a risky act asks for, and does it. */
export async function act(page, reason) {
  const dialog = page.locator("dialog[open]");
  await dialog.locator("textarea").fill(reason);
  await dialog.locator('button[type="submit"]').click();
  await dialog.waitFor({ state: "detached" });
}

/** Adds the serious findings of WCAG 2 A and AA to `findings`; all pages are seen before the walk fails. `within`: looks at this part of the page alone. */
export async function checkAccess(page, where, findings, within = "html") {
  // A toast that comes or goes is half transparent, and so without contrast, for a moment.
  await page.waitForFunction(() => document.querySelector(".el-message-fade-enter-active, .el-message-fade-leave-active") === null);
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axeSource); // through the debugger: the page's own policy allows no foreign script
  const found = await page.evaluate((part) => globalThis.axe.run(part === "html" ? document : part, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], resultTypes: ["violations"] }), within);
  const grave = found.violations.filter((rule) => rule.impact === "serious" || rule.impact === "critical");
  for (const rule of grave) findings.push(`${where}: ${rule.id}: ${rule.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`);
}

/** Calls the API as the page would. */
export async function api(context, url, method, path, body) {
  const answer = await context.request.fetch(`${url}/api/v1${path}`, { method, timeout: PATIENCE_MS, headers: { "x-openmains-request": "e2e" }, ...(body === undefined ? {} : { data: body }) });
  return { status: answer.status(), body: answer.ok() ? await answer.json().catch(() => undefined) : undefined };
}

/** Waits until `ask` answers with something true. `what`: the words for it, or what makes them once it failed. */
export async function until(ask, what, ms = PATIENCE_MS) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${typeof what === "function" ? what() : what} did not come within ${String(ms / 1000)} s`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
