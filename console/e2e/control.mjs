// SPDX-License-Identifier: Apache-2.0
// The control room: Home, and the platform itself.
import assert from "node:assert/strict";
import { api, checkAccess, CJK, until } from "./browser.mjs";
import { alarmOf, ownMeter, say } from "./meter.mjs";

export const controlStories = {
  async home({ page, url, locale, findings }) {
    await page.goto(url);
    await page.getByRole("heading", { level: 1 }).waitFor();
    assert.equal(CJK.test(await page.getByRole("navigation").innerText()), locale === "zh");
    for (const place of [0, 1]) await page.locator(".big").nth(place).getByText(/^\d+\.\d\d%/).waitFor();
    await page.locator("canvas").first().waitFor();
    // Volumes of gas and of water stand apart, meters are counted by how they stand, and work leads to where it is done.
    await until(async () => (await page.locator(".big small").filter({ hasText: "m³" }).count()) === 2, "volumes of both media");
    const active = await page.locator('a[href="/meters?status=active"]').locator("xpath=ancestor::tr").locator("td").allInnerTexts();
    assert.ok(active.length === 2 && active.every((text) => Number(text.replace(/\D/g, "")) > 0), active.join());
    await page.locator('main a[href="/exceptions"]').first().waitFor();
    assert.match(await page.locator('nav a[href="/exceptions"] .badge').innerText(), /\d/);
    await checkAccess(page, `home ${locale}`, findings);
    for (const width of [1024, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await until(async () => (await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `home within ${String(width)} px`); // charts follow a moment later
      await checkAccess(page, `home ${String(width)} ${locale}`, findings);
    }
    // The engines are the platform's: their page names them in an operator's words, and tells what comes in live.
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${url}/system`);
    await until(() => page.locator(".big").first().innerText().then((text) => Number.parseFloat(text) > 0), "a live message");
    assert.doesNotMatch(await page.locator("main").innerText(), /postgresql|clickhouse|jetstream/i);
  },

  async system({ page, url, context, locale, coapPort, tag, findings }) {
    const mine = await ownMeter(context, url, `92${tag}${locale === "zh" ? "1" : "2"}`);
    const newest = async () => (await api(context, url, "GET", `/dead-letters?status=open&meter_id=${mine.meter_id}`)).body.items[0]?.dead_letter_id ?? 0;
    const before = await newest();
    const broken = alarmOf(mine.number, "magnetic");
    broken[broken.length - 1] ^= 1; // the check sum is wrong
    await say(coapPort, mine.imei, broken, "4.00");
    const letter = await until(async () => ((await newest()) > before ? newest() : 0), "the dead letter");
    await page.goto(`${url}/system`);
    await page.locator('th[data-process="core"]').waitFor();
    const row = page.locator("tbody tr").filter({ has: page.locator(`a[href="/meters/${mine.meter_id}"]`) }).first();
    await row.locator("mark").waitFor(); // the byte that is wrong
    await checkAccess(page, `system ${locale}`, findings);
    await row.getByRole("button").first().click();
    await page.locator(".el-message--success").waitFor();
    await until(async () => (await newest()) > letter, "the replayed letter, dead again");
  },
};
