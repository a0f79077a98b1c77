// SPDX-License-Identifier: Apache-2.0
// What a page may cost the person who opens it: as Lighthouse judges, on a cold cache, with numbers of our own. Times are told and not judged
// here, for other tests run beside it: `openmains bench pages` holds them to their limits.
import { openPage, PATIENCE_MS } from "./browser.mjs";

const HOME_CALLS = 6;
const BUDGET = { shift: 0.1, transferred: 330_000, requests: 75, nodes: 4000 };
const CHARTS = 180_000; // more where charts are drawn, which come after the content
const PAGES = [
  { at: "/", ready: "main .big", charts: true },
  { at: "/meters", ready: "tbody tr" },
  { at: "/alarms", ready: "main .card" },
  { at: "/report", ready: "tr.total" },
];

/**
 * Opens an address in a fresh context, so with an empty cache, and says what it cost. When the content stood is noted by the page
 * itself, frame by frame: a waiting test looks again after half a second only.
 */
export async function costOf(browser, signedIn, address, ready, locale = "zh") {
  const { context, page } = await openPage(browser, signedIn, locale);
  await context.addInitScript((wanted) => {
    globalThis.costs = { shift: 0, paint: 0, shown: 0 };
    const look = () => {
      const found = document.querySelector(wanted);
      if (found !== null && found.getClientRects().length > 0) globalThis.costs.shown = performance.now();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.costs.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.costs.paint = entry.startTime;
    }).observe({ type: "largest-contentful-paint", buffered: true });
  }, ready);
  await page.goto(address, { waitUntil: "commit" });
  await page.waitForFunction(() => globalThis.costs.shown > 0, undefined, { timeout: PATIENCE_MS });
  await page.waitForLoadState("networkidle"); // all that is fetched counts, also what comes after the content
  const cost = await page.evaluate(() => {
    const fetched = performance.getEntriesByType("resource");
    const files = fetched.filter((entry) => !entry.name.includes("/api/"));
    return {
      shownMs: globalThis.costs.shown,
      largestPaintMs: globalThis.costs.paint,
      shift: globalThis.costs.shift,
      transferred: files.reduce((sum, entry) => sum + entry.encodedBodySize, 0),
      requests: fetched.length,
      nodes: document.querySelectorAll("*").length,
      asked: fetched.filter((entry) => entry.name.includes("/api/")).map((entry) => entry.name.slice(entry.name.indexOf("/api/"))),
    };
  });
  await context.close();
  const { asked, ...rest } = cost;
  const alarms = asked.filter((path) => path.endsWith("/alarms/shown")).length;
  const calls = new Set(asked).size;
  return { ...rest, calls, again: asked.length - calls, alarms, asked };
}

export async function checkBudget(browser, demo, signedIn) {
  const over = [];
  for (const { at, ready, charts = false } of PAGES) {
    // An alarm that happens just then is told by the bell, and what shows alarms is asked again; so is, where the machine is slow, what a page
    // asks by the clock before all of it has come: that is not what the page costs.
    let cost = await costOf(browser, signedIn, demo.url + at, ready);
    for (let again = 0; cost.alarms + cost.again > 0 && again < 3; again += 1) cost = await costOf(browser, signedIn, demo.url + at, ready);
    const { asked, ...figures } = cost;
    console.log(`  budget ${at} ${Object.entries(figures).map(([name, value]) => `${name} ${String(Number(value.toFixed(3)))}`).join(", ")}`);
    if (at === "/" && cost.calls > HOME_CALLS) over.push(`${at}: ${String(cost.calls)} calls > ${String(HOME_CALLS)}: ${asked.join(" ")}`);
    for (const [name, most] of Object.entries(BUDGET)) {
      const limit = name === "transferred" && charts ? most + CHARTS : most;
      if (cost[name] > limit) over.push(`${at}: ${name} ${String(cost[name])} > ${String(limit)}`);
    }
  }
  if (over.length > 0) throw new Error(over.join("\n"));
}
