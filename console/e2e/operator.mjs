// SPDX-License-Identifier: Apache-2.0
// What an operator does with lists, files and the page of a meter, at three widths.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { api, checkAccess, downloaded, openPage, until } from "./browser.mjs";
import { alarmOf, ownMeter, say } from "./meter.mjs";

export const operatorStories = {
  async preview({ page, url, context, locale, tag, findings }) {
    await page.goto(`${url}/meters/import`);
    const template = await downloaded(page, () => page.locator('a[href*="format=csv"]').click());
    const [heads, example] = readFileSync(await template.path(), "utf8").replace(/^\ufeff/, "").trim().split(/\r?\n/);
    assert.ok(heads.split(",").length > 15);
    await page.locator("details summary").first().click();
    await page.locator("details tbody tr").nth(10).waitFor();
    await checkAccess(page, `import help ${locale}`, findings);
    // The template's own example, and a row with a fault: told row by row, and nothing is written.
    const number = `PRE${tag}${locale}`;
    const good = example.replace("202600000001", number).replace("860000000000009", "").replace("CQ00000001", "").replace("460000000000001", "").replace("89860000000000000001", "");
    await page.setInputFiles('input[type="file"]', { name: `${tag}-${locale}-预览.csv`, mimeType: "text/csv", buffer: Buffer.from([heads, good, good.replace(number, `${number}b`).replace("2026-01-31", "2099-01-31")].join("\n")) });
    await page.locator("form button:not([type=submit])").filter({ visible: true }).last().click();
    const job = page.locator("article").filter({ hasText: `${tag}-${locale}-预览.csv` }).first();
    await job.locator("tbody tr").nth(1).waitFor();
    assert.equal(await job.locator("td.critical").count() > 0, true);
    assert.equal((await api(context, url, "GET", `/meters?q=${number}`)).body.items.length, 0, "a preview writes nothing");
    await checkAccess(page, `preview ${locale}`, findings);
    await page.locator('form button[type="submit"]').click(); // all or nothing: refused, and said so
    await page.locator("article .critical").first().waitFor();
  },

  async lists({ browser, signedIn, page, url, context, locale, coapPort, tag, findings }) {
    const mine = await ownMeter(context, url, `93${tag}${locale === "zh" ? "1" : "2"}`);
    await say(coapPort, mine.imei, alarmOf(mine.number, "magnetic"));
    await until(async () => (await api(context, url, "GET", `/alarms?status=open&event=magnetic&meter_id=${mine.meter_id}`)).body.items.length, "the alarm");
    await page.goto(`${url}/alarms?event=magnetic&meter=${mine.meter_id}`); // the town has a rule about it, whose alarm is dispatched at once
    await page.locator("tbody input[type=checkbox]").first().check();
    await checkAccess(page, `selected ${locale}`, findings);
    await page.locator(".bulk button").first().click();
    await page.locator(".el-message--success").waitFor();
    assert.notEqual((await api(context, url, "GET", `/alarms?status=open&event=magnetic&meter_id=${mine.meter_id}`)).body.items[0].acknowledged_at, null);
    // Page size is the person's, and the page before is a button away.
    await api(context, url, "PATCH", "/session/preferences", { page_rows: 50, numbers: "space" });
    await page.goto(`${url}/meters`);
    await page.locator("tbody tr").nth(20).waitFor();
    await page.locator(".pager select").selectOption("20");
    await until(async () => (await page.locator("tbody tr").count()) === 20, "twenty rows");
    const first = await page.locator("tbody td a").first().innerText();
    await page.locator(".pager button").last().click();
    await until(async () => (await page.locator("tbody td a").first().innerText()) !== first, "the next page");
    await page.locator(".pager button").nth(1).click();
    await until(async () => (await page.locator("tbody td a").first().innerText()) === first, "the page before");
    assert.match(await page.locator(".pager .place").innerText(), locale === "zh" ? /第 1–20 行 · 共 [\d\u202f]+ 行/ : /Rows 1–20 · [\d\u202f]+ in all/);
    await until(async () => (await api(context, url, "GET", "/session")).body.preferences.page_rows === 20, "the page size is kept with the person");
    await api(context, url, "PATCH", "/session/preferences", { page_rows: 50 });
    await page.evaluate(() => localStorage.removeItem("openmains.page.size"));
    // On a phone rows are cards whose values bear their column's name; at 1024 the actions can be reached.
    for (const [width, at] of [[390, "/meters"], [390, "/alarms?status=all"], [390, "/commands?all=1"], [1024, "/exceptions"], [1024, "/meters"]]) {
      const small = await openPage(browser, signedIn, locale, { viewport: { width, height: 844 } });
      await small.page.goto(url + at);
      await small.page.locator("tbody tr").first().waitFor();
      const box = await small.page.locator("tbody tr").first().locator("td:visible, th:visible").last().boundingBox();
      if (box === null || box.x + box.width > width) findings.push(`lists ${at} ${locale}: the last column ends at ${String(box && box.x + box.width)} of ${String(width)} px`);
      if (width === 390) assert.ok(await small.page.locator("tbody td[data-label]").count(), "values bear their column's name");
      await checkAccess(small.page, `cards ${at} ${locale}`, findings);
      await small.context.close();
    }
  },

  async tags({ page, url, context, locale, tag, findings }) {
    const name = `${locale === "zh" ? "积水" : "flooded"} ${tag}`;
    await page.goto(`${url}/meters`);
    await page.locator("tbody tr").nth(3).waitFor();
    await page.locator("details.tags summary").click();
    const form = page.locator("details.tags form");
    await form.locator("input").fill(name);
    await form.locator("select").selectOption("blue");
    await form.locator("button").click();
    const made = await until(async () => (await api(context, url, "GET", "/tags")).body.items.find((one) => one.name === name), "the tag");
    for (const place of [0, 1]) await page.locator("tbody input[type=checkbox]").nth(place).check();
    await page.locator(".bulk select").last().selectOption(String(made.tag_id));
    await page.locator(".bulk button").filter({ hasText: locale === "zh" ? "加标签" : "Put on" }).click();
    await page.locator("dialog[open]").filter({ hasText: "2" }).waitFor(); // counted before
    await checkAccess(page, `tags ${locale}`, findings);
    await page.locator('dialog[open] button[type="submit"]').click();
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    await page.goto(`${url}/meters?tag=${made.tag_id}&columns=tags,address`);
    await until(async () => (await page.locator("tbody tr").count()) === 2, "two tagged meters");
    await page.locator("tbody .tag").filter({ hasText: name }).first().waitFor();
    const gone = await api(context, url, "DELETE", `/tags/${made.tag_id}?reason=walked`);
    assert.equal(gone.status, 204);
  },

  async meterpage({ page, url, context, locale, findings }) {
    const { body } = await api(context, url, "GET", "/exceptions?status=open&limit=200");
    const id = body.items.find((one) => !one.number.startsWith("9")).meter_id; // of the town: meters of other stories, made today, begin so
    for (const width of [1440, 1024, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto(`${url}/meters/${id}`);
      await page.locator(".card strong").filter({ hasText: "m³" }).first().waitFor(); // this month's use
      await checkAccess(page, `meter overview ${String(width)} ${locale}`, findings);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${url}/meters/${id}?tab=timeline`);
    await page.locator(".el-tab-pane:visible tbody tr").first().waitFor();
    assert.doesNotMatch(await page.locator(".el-tab-pane:visible tbody").innerText(), /[a-z]+_[a-z]+/, "no raw code");
    await checkAccess(page, `timeline ${locale}`, findings);
    await page.goto(`${url}/meters/${id}?tab=readings`);
    await page.locator("canvas").waitFor();
    const days = await page.locator(".el-tab-pane:visible tbody tr").allInnerTexts(); // registers beside use, where the day has any
    assert.ok(days.some((day) => /\d\.\d{3}\s.*\d\.\d{3}/s.test(day)), days.join("; "));
    const chart = await page.locator("canvas").boundingBox();
    await until(async () => { // a bar near the middle: a click shows its half hours
      await page.mouse.click(chart.x + chart.width / 2, chart.y + chart.height * 0.68);
      return /step=slot/.test(page.url());
    }, "a click on a bar");
    await checkAccess(page, `half hours ${locale}`, findings);
  },
};
