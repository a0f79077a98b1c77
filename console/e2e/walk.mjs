// SPDX-License-Identifier: Apache-2.0
// The main story: find a meter by a part of its address, look at it, export the report. Asserts what a person would see.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const WORDS = {
  zh: { home: "首页", signal: "信号与电池", report: "采集日报", xlsx: "下载 XLSX", empty: "没有数据" },
  en: { home: "Home", signal: "Signal and battery", report: "Collection report", xlsx: "Download XLSX", empty: "No data" },
};
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Adds the serious findings of WCAG 2 A and AA to `findings`; all pages are seen before the walk fails. */
export async function checkAccess(page, where, findings) {
  await page.evaluate(axeSource); // through the debugger: the page's own policy allows no foreign script
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
  const grave = found.violations.filter((rule) => rule.impact === "serious" || rule.impact === "critical");
  for (const rule of grave) findings.push(`${where}: ${rule.id}: ${rule.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`);
}

/** A context in a language; every error of a page's script ends the walk. */
export async function openPage(browser, signedIn, locale, options = {}) {
  const context = await browser.newContext({ storageState: signedIn, viewport: { width: 1280, height: 800 }, acceptDownloads: true, ...options });
  await context.addInitScript((value) => localStorage.setItem("openmains.locale", value), locale);
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  return { context, page, faults };
}

export async function walk(browser, url, signedIn, locale) {
  const words = WORDS[locale];
  const findings = [];
  const { context, page, faults } = await openPage(browser, signedIn, locale);
  await page.goto(url);
  await page.getByRole("heading", { level: 1, name: words.home, exact: true }).waitFor();
  await checkAccess(page, `home ${locale}`, findings);

  // A meter by half its address, taken from the list so that the demo's town may change.
  const list = await (await context.request.get(`${url}/api/v1/meters?limit=1`)).json();
  const half = list.items[0].address.slice(0, Math.max(3, Math.ceil(list.items[0].address.length / 2)));
  await page.keyboard.press("/");
  await page.keyboard.type(half);
  await page.locator("#search-hits li strong").first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/meters\/\d+/);
  await page.getByRole("tab", { name: words.signal }).waitFor();
  await checkAccess(page, `meter ${locale}`, findings);
  await page.getByRole("tab", { name: words.signal }).click();
  await page.locator("canvas").first().waitFor();
  await checkAccess(page, `signal ${locale}`, findings);

  await page.getByRole("navigation").getByRole("link", { name: words.report, exact: true }).click();
  await page.locator("tr.total").waitFor();
  await checkAccess(page, `report ${locale}`, findings);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: words.xlsx }).click();
  assert.match((await download).suggestedFilename(), /\.xlsx$/);

  await page.goto(`${url}/gallery`);
  await page.locator('[data-state="empty"]').getByText(words.empty).waitFor();
  await page.locator('[data-state="loading"] [aria-busy="true"]').waitFor();
  await page.locator('[data-state="error"] [role="alert"]').waitFor();
  const drawn = await page.locator('[data-state="rows"] tr.line').count();
  assert.ok(drawn > 10 && drawn < 100, `${drawn} of 100,000 rows drawn`);
  await page.locator('[data-state="rows"] [role="region"]').evaluate((box) => (box.scrollTop = box.scrollHeight));
  await page.getByText("202600099999").waitFor();
  await checkAccess(page, `gallery ${locale}`, findings);

  assert.deepEqual(faults, []);
  assert.deepEqual(findings, []);
  await context.close();
  console.log(`walked in ${locale}`);
}
