// SPDX-License-Identifier: Apache-2.0
// How long pages take to open, for `openmains bench pages`: node e2e/pages.mjs <opens>. Needs OPENMAINS_E2E_URL and
// OPENMAINS_E2E_PASSWORD. Each page is opened with an empty cache until its content stands; the last line is JSON.
import { api, launch, openPage } from "./browser.mjs";
import { costOf } from "./budget.mjs";

const ORDINARY_MS = 1000;
const HISTORY_MS = 2000;
const WARM_UP = 2;
const opens = Number(process.argv[2] ?? 20);
const url = process.env.OPENMAINS_E2E_URL;
const browser = await launch();
try {
  const { context, page } = await openPage(browser, undefined, "zh");
  await page.goto(`${url}/sign-in`);
  await page.fill('input[name="username"]', "admin");
  await page.fill('input[name="password"]', process.env.OPENMAINS_E2E_PASSWORD);
  await page.click('button[type="submit"]');
  await page.getByRole("navigation").waitFor();
  const signedIn = await context.storageState();
  const meters = (await api(context, url, "GET", "/meters?limit=200")).body.items;
  await context.close();
  // Other meters each time, so that no cache of an earlier one helps; days that the data set holds.
  const meterOf = (turn) => meters[(turn * 7) % meters.length].meter_id;
  const day = "2026-06-30";
  const pages = [
    { name: "home", at: () => "/", ready: "main .big", limit: ORDINARY_MS },
    { name: "meters", at: () => "/meters", ready: "tbody tr", limit: ORDINARY_MS },
    { name: "meters of an area", at: () => `/meters?area=${meters[0].area_id}`, ready: "tbody tr", limit: ORDINARY_MS },
    { name: "meters found", at: (turn) => `/meters?q=${encodeURIComponent(meters[(turn * 7) % meters.length].address.slice(3, 9))}`, ready: "tbody tr", limit: ORDINARY_MS },
    { name: "meter", at: (turn) => `/meters/${meterOf(turn)}`, ready: "dl.facts", limit: ORDINARY_MS },
    { name: "alarms", at: () => "/alarms", ready: "main .card p, tbody tr", limit: ORDINARY_MS },
    { name: "edits", at: () => "/edits", ready: "main .card p, tbody tr", limit: ORDINARY_MS },
    { name: "exceptions", at: () => "/exceptions", ready: "main .card p, tbody tr", limit: ORDINARY_MS },
    { name: "products", at: () => "/products", ready: "tbody tr", limit: ORDINARY_MS },
    { name: "system", at: () => "/system", ready: "tbody th", limit: ORDINARY_MS },
    { name: "readings of a month", at: (turn) => `/meters/${meterOf(turn)}?tab=readings&from=2026-05-31&to=${day}`, ready: "canvas", limit: HISTORY_MS },
    { name: "half hours of a week", at: (turn) => `/meters/${meterOf(turn)}?tab=readings&from=2026-06-24&to=${day}&step=slot`, ready: "canvas", limit: HISTORY_MS },
    { name: "gaps", at: () => "/gaps", ready: "tbody tr", limit: HISTORY_MS },
    { name: "network of 10,000 nodes", at: () => "/network", ready: "canvas.picture[data-drawn]", limit: HISTORY_MS },
    { name: "collection report", at: () => `/report?day=${day}`, ready: "tr.total", limit: HISTORY_MS },
  ];
  const figures = {};
  for (const { name, at, ready, limit } of pages) {
    const times = [];
    let calls = 0;
    for (let turn = 0; turn < opens + WARM_UP; turn += 1) {
      const cost = await costOf(browser, signedIn, url + at(turn), ready);
      if (turn >= WARM_UP) times.push(cost.shownMs);
      calls = Math.max(calls, cost.calls);
    }
    times.sort((a, b) => a - b);
    const at100 = (part) => Math.round(times[Math.min(times.length - 1, Math.floor((times.length * part) / 100))]);
    figures[name] = { p50_ms: at100(50), p95_ms: at100(95), limit_ms: limit, calls };
    console.error(`${name}: p50 ${String(at100(50))} ms, p95 ${String(at100(95))} ms, limit ${String(limit)} ms, ${String(calls)} calls`);
  }
  console.log(JSON.stringify(figures));
} finally {
  await browser.close();
}
