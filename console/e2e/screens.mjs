// SPDX-License-Identifier: Apache-2.0
// Pictures of the main pages for docs/screens (or the folder OPENMAINS_E2E_SCREENS, with a slash at its end): light and dark, desktop and 390 px.
import { mkdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openPage } from "./browser.mjs";
import { bigNetwork } from "./network.mjs";

const folder = process.env.OPENMAINS_E2E_SCREENS ?? fileURLToPath(new URL("../../docs/screens/", import.meta.url));
const LARGEST = 200_000;

/** A picture of a step of a path, small enough to stand in a page of the docs. */
export async function pathPicture(page, name) {
  mkdirSync(folder, { recursive: true });
  await page.waitForTimeout(400);
  await page.screenshot({ path: `${folder}${name}.jpg`, type: "jpeg", quality: 60 });
}

export async function takeScreens(browser, url, signedIn) {
  mkdirSync(folder, { recursive: true });
  const probe = await openPage(browser, signedIn, "zh");
  // A meter with something to see: a day that a person has edited, else any.
  const ask = async (path) => (await (await probe.context.request.get(`${url}/api/v1${path}`)).json()).items[0]?.meter_id;
  const meter = `/meters/${String((await ask("/exceptions?status=edited&limit=1")) ?? (await ask("/meters?limit=1")))}`;
  await probe.context.close();
  const pages = [
    { name: "home", at: "/", wait: "canvas", settleMs: 5000 }, // the live line has begun
    { name: "meters", at: "/meters", wait: "tbody tr" },
    { name: "meter", at: `${meter}?tab=readings`, wait: "canvas" },
    { name: "signal", at: `${meter}?tab=signal`, wait: "canvas" },
    { name: "frames", at: `${meter}?tab=frames`, wait: ".el-tab-pane:visible button.open", click: ".el-tab-pane:visible button.open" },
    { name: "report", at: "/report", wait: "tr.total" },
    { name: "exceptions", at: "/exceptions", wait: "tbody tr", click: ".choices button:last-child" },
    { name: "alarms", at: "/alarms?status=all", wait: "main .card" },
    { name: "system", at: "/system", wait: "tbody th" },
    { name: "network", at: "/network", wait: "canvas.picture[data-drawn]", given: { path: "**/api/v1/network/topology", json: bigNetwork(true) } },
    { name: "driver", at: "/drivers/openmains/water-1", wait: "article" },
  ];
  const sizes = [
    { name: "desktop", viewport: { width: 1280, height: 800 } },
    { name: "phone", viewport: { width: 390, height: 844 } },
  ];
  for (const locale of ["zh", "en"]) {
    for (const theme of locale === "zh" ? ["light", "dark"] : ["light"]) {
      for (const size of sizes) {
        const { context, page } = await openPage(browser, signedIn, locale, { viewport: size.viewport, colorScheme: theme });
        for (const { name, at, wait, click, settleMs, given } of pages) {
          if (given !== undefined) await page.route(given.path, (route) => route.fulfill({ json: given.json }));
          await page.goto(url + at);
          await page.locator(wait).first().waitFor();
          if (click !== undefined) await page.locator(click).first().click();
          await page.waitForTimeout(settleMs ?? 700); // charts are drawn
          const path = `${folder}${name}.${locale}.${theme}.${size.name}.jpg`;
          await page.screenshot({ path, type: "jpeg", quality: 60 });
          if (statSync(path).size > LARGEST) throw new Error(`${path} is over ${LARGEST} bytes`);
        }
        await context.close();
      }
    }
  }
  console.log("pictures taken");
}
