// SPDX-License-Identifier: Apache-2.0
// Last night's readings: what is missing, what looks wrong, and a value set by hand.
import assert from "node:assert/strict";
import { api, checkAccess, downloaded, until } from "./browser.mjs";

export const readingStories = {
  async report({ page, url, locale, findings }) {
    const day = new Date(Date.now() + 8 * 3_600_000 - 2 * 86_400_000).toISOString().slice(0, 10); // soon after midnight much of yesterday is not due yet
    await page.goto(`${url}/report?day=${day}`);
    await page.locator("tr.total").waitFor();
    await page.locator("tbody th a").first().click(); // area → its meters
    await page.waitForURL(/key=/);
    await page.locator("#missing tbody a").first().waitFor();
    await checkAccess(page, `report ${locale}`, findings);
    const xlsx = await downloaded(page, () => page.locator('a[href*="/collection.xlsx"]').click());
    assert.match(xlsx.suggestedFilename(), /\.xlsx$/);
    await page.locator("#missing tbody a").first().click();
    await page.waitForURL(/\/meters\/\d+/);
    await page.goto(`${url}/gaps`);
    await page.locator("tbody tr").nth(3).waitFor();
    await checkAccess(page, `gaps ${locale}`, findings);
  },

  async judge({ page, url, context, locale, findings }) {
    await page.goto(`${url}/exceptions`);
    await page.locator("tbody tr").first().waitFor();
    await checkAccess(page, `exceptions ${locale}`, findings);
    // A finding of a day that is over (the newest ones may be of a day that still comes in), and half an hour of it with so little
    // use that one person may set another value: most findings are spikes, whole days of which need a second one.
    const { body } = await api(context, url, "GET", "/exceptions?status=open&limit=500");
    let finding = null;
    let slot = -1;
    for (const item of body.items.toSorted((one, other) => one.day.localeCompare(other.day))) {
      const day = await api(context, url, "GET", `/meters/${item.meter_id}/readings?step=slot&from=${item.day}T00:00:00%2B08:00&to=${item.day}T23:59:59%2B08:00`);
      if (day.status !== 200 || day.body.quality.edited_s !== 0 || day.body.quality.missing_s !== 0) continue;
      slot = day.body.points.findIndex((point) => Number(point.volume_m3) < 0.1);
      if (slot >= 0) {
        finding = item;
        break;
      }
    }
    assert.ok(finding, "a finding of an ordinary day");
    await page.goto(`${url}/meters/${finding.meter_id}?tab=exceptions`);
    const row = page.locator(".el-tab-pane:visible tbody tr").filter({ has: page.locator(".choices"), hasText: finding.day }).last();
    await row.locator(".choices button").last().click();
    await page.locator("form.edit select").first().waitFor();
    await checkAccess(page, `edit ${locale}`, findings);
    await page.locator("form.edit select").first().selectOption({ index: slot });
    await page.locator("form.edit select").last().selectOption({ index: 0 });
    await page.locator("form.edit .volume input").fill("x");
    await page.locator('form.edit button[type="submit"]').click();
    await page.locator('form.edit [role="alert"]').waitFor();
    await page.locator("form.edit .volume input").fill("0.048");
    await page.locator("form.edit .reason input").fill("photo of the dial");
    await page.locator('form.edit button[type="submit"]').click();
    await page.locator(".el-message--success").waitFor();
    // The edit travels through the stream; then the day holds it.
    const days = await until(async () => {
      const series = await api(context, url, "GET", `/meters/${finding.meter_id}/readings?step=day&from=2026-01-01T00:00:00Z&to=2036-01-01T00:00:00Z`);
      return series.body?.points.filter((point) => point.edited_s > 0).length ? series.body.points.filter((point) => point.edited_s > 0) : null;
    }, "the edited day").catch(async () => {
      throw new Error("the edited day did not come");
    });
    assert.ok(days.length > 0);
    const { body: trail } = await api(context, url, "GET", "/audit?limit=50"); // others act beside this story
    assert.ok(trail.items.some((entry) => entry.action === "edit_reading"), "the edit is in the trail");

    // Its versions, then the way back as a new version.
    await page.goto(`${url}/meters/${finding.meter_id}?tab=readings&from=${finding.day}&to=${finding.day}&step=day&history=${finding.day}`);
    await page.locator(".versions tbody tr").nth(1).waitFor(); // what the edit took the place of
    await checkAccess(page, `versions ${locale}`, findings);
    await page.goto(`${url}/edits`);
    const mine = page.locator("tbody tr", { hasText: "photo of the dial" }).first();
    await mine.getByRole("button").last().click();
    await checkAccess(page, `edits ${locale}`, findings);
    await mine.locator("form .reason input").fill("wrong meter");
    await mine.locator('form button[type="submit"]').click();
    await page.locator(".el-message--success").waitFor();
    const undone = await api(context, url, "GET", `/edits?meter_id=${finding.meter_id}&limit=1`);
    assert.deepEqual([undone.body.items[0].reason, undone.body.items[0].state], ["wrong meter", "applied"]);
  },
};
