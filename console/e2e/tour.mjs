// SPDX-License-Identifier: Apache-2.0
// The pictures of docs/tour.zh.md and docs/tour.en.md, taken on the way that the tour tells: who follows it sees what stands there.
import { api, openPage } from "./browser.mjs";
import { pathPicture } from "./screens.mjs";

export async function takeTour(browser, url, signedIn) {
  for (const locale of ["zh", "en"]) {
    const { context, page } = await openPage(browser, signedIn, locale, { viewport: { width: 1280, height: 800 } });
    const meter = (await api(context, url, "GET", "/exceptions?status=open&limit=1")).body.items[0]?.meter_id ?? (await api(context, url, "GET", "/meters?limit=1")).body.items[0].meter_id;
    const meterOf = async (number) => (await api(context, url, "GET", `/meters?q=${number}&limit=1`)).body.items[0].meter_id;
    const daysAgo = (days) => new Date(Date.now() + 8 * 3_600_000 - days * 86_400_000).toISOString().slice(0, 10);
    const steps = [
      { at: "/", wait: "canvas" },
      { at: "/alarms", wait: "tbody tr", do: async () => { await page.keyboard.press("/"); await page.keyboard.type(locale === "zh" ? "缺数" : "gaps"); await page.locator("#search-hits .act").first().waitFor(); } },
      { at: "/gaps", wait: "main .card", do: () => page.locator(`header button[aria-label="${locale === "zh" ? "本页说明" : "About this page"}"]`).click() },
      { at: `/meters/${meter}`, wait: "dl.facts" },
      { at: `/meters/${meter}?tab=readings`, wait: "canvas" },
      { at: "/exceptions", wait: "tbody tr" },
      { at: "/meters?status=active", wait: "tbody tr", do: async () => { for (const place of [0, 1, 2]) await page.locator("tbody input[type=checkbox]").nth(place).check(); await page.locator(".views summary").click(); } },
      { at: "/report", wait: "tr.total" },
      { at: "/profile", wait: "select" },
      // What happened in the town (src/openmains/run/demo/story.py).
      { at: `/meters/${await meterOf("110026000137")}?tab=readings&step=day&from=${daysAgo(62)}&to=${daysAgo(1)}`, wait: "canvas" },
      { at: `/meters/${await meterOf("310026000218")}`, wait: "dl.facts" },
      { at: `/meters/${await meterOf("110026000305")}?tab=signal&from=${daysAgo(62)}&to=${daysAgo(1)}`, wait: "canvas" },
      { at: `/gaps?day=${daysAgo(8)}`, wait: "main tbody th" },
    ];
    for (const [place, step] of steps.entries()) {
      await page.goto(url + step.at);
      await page.locator(step.wait).first().waitFor();
      await page.waitForFunction(() => document.querySelector("main [aria-busy='true']") === null);
      await page.waitForTimeout(700); // charts are drawn
      await step.do?.();
      await pathPicture(page, `tour-${String(place + 1)}.${locale}`);
    }
    await context.close();
  }
  console.log("tour taken");
}
