// SPDX-License-Identifier: Apache-2.0
// Three paths of somebody who has never seen the console, from Home, clicks counted; docs/console.md shows them.
import assert from "node:assert/strict";
import { api, downloaded, openPage } from "./browser.mjs";

const MOST_CLICKS = 3;

export async function walkPaths(browser, demo, signedIn, locale, picture = async () => undefined) {
  const { context, page } = await openPage(browser, signedIn, locale);
  let clicks = 0;
  const click = async (what) => {
    clicks += 1;
    await what.click();
  };
  const begin = async () => {
    clicks = 0;
    await page.goto(demo.url);
    await page.locator("main .big").first().waitFor();
  };
  const end = async (name) => {
    assert.ok(clicks <= MOST_CLICKS, `${name}: ${String(clicks)} clicks`);
    console.log(`  ${locale} path ${name}: ${String(clicks)} clicks`);
  };

  const { body } = await api(context, demo.url, "GET", "/meters?limit=1");
  const half = body.items[0].address.slice(0, Math.max(3, Math.ceil(body.items[0].address.length / 2)));
  await begin();
  await page.keyboard.press("/");
  await page.keyboard.type(half);
  await page.locator("#search-hits li strong").first().waitFor();
  await picture(page, `path1-1.${locale}`);
  await click(page.locator("#search-hits li").first());
  await page.getByRole("tab").first().waitFor();
  await picture(page, `path1-2.${locale}`);
  await end("find a meter by half its address");

  await begin();
  await page.locator('main a[href*="key="]').first().waitFor();
  await picture(page, `path2-1.${locale}`);
  await click(page.locator('main a[href*="key="]').first());
  await page.locator("#missing tbody a").first().waitFor();
  await picture(page, `path2-2.${locale}`);
  await click(page.locator("#missing tbody a").first());
  await page.locator("h2 + ul li").first().waitFor(); // why, in words
  await picture(page, `path2-3.${locale}`);
  await end("see why last night's report is missing");

  await begin();
  await click(page.locator('main a[href^="/report"]').first());
  await page.locator('a[href*="/collection.xlsx"]').waitFor();
  await page.locator("tr.total").waitFor();
  await picture(page, `path3-1.${locale}`);
  const file = await downloaded(page, () => click(page.locator('a[href*="/collection.xlsx"]')));
  assert.match(file.suggestedFilename(), /\.xlsx$/);
  await end("export the report");
  await context.close();
}
