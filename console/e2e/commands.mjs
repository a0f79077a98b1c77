// SPDX-License-Identifier: Apache-2.0
// The story of a command: read a meter from its page and see it done; close a valve, read what it would do, and leave it.
import assert from "node:assert/strict";
import { checkAccess, openPage } from "./walk.mjs";

const WORDS = {
  zh: { done: "已执行", close: /将停止.+(供气|供水)/ },
  en: { done: "Done", close: /Shuts off the (gas|water)/ },
};
const DONE_MS = 120_000; // a demo meter reports about once a minute, and is told only then

export async function commandStory(browser, url, signedIn, locale) {
  const words = WORDS[locale];
  const findings = [];
  const { context, page, faults } = await openPage(browser, signedIn, locale);
  const meter = (await (await context.request.get(`${url}/api/v1/meters?limit=1`)).json()).items[0];
  await page.goto(`${url}/meters/${meter.meter_id}?tab=commands`);
  const kind = page.locator('select[name="command-kind"]');

  await kind.selectOption("valve_close");
  await page.locator('form button[type="submit"]').first().click();
  await page.getByText(words.close).waitFor();
  assert.match(await page.getByText(words.close).textContent(), new RegExp(meter.number));
  assert.ok(await page.locator(".confirm button[type=submit]").isDisabled(), "a valve closes without a sign-in at the signer");
  await checkAccess(page, `composer ${locale}`, findings);

  await kind.selectOption("read_now");
  const given = page.waitForResponse((answer) => answer.request().method() === "POST" && answer.url().endsWith("/commands"));
  await page.locator('form button[type="submit"]').first().click();
  const { command } = await (await given).json();
  await page.goto(`${url}/commands/${command.command_id}`);
  await page.locator(".timeline").waitFor();
  await checkAccess(page, `command ${locale}`, findings);
  await page.locator('li[aria-current="step"]').getByText(words.done).waitFor({ timeout: DONE_MS });

  for (const path of ["/commands?all=1", "/batches", "/batches/new", "/approvals", "/command-stop", "/report-plan"]) {
    await page.goto(url + path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await checkAccess(page, `${path} ${locale}`, findings);
  }
  assert.deepEqual(faults, []);
  assert.deepEqual(findings, []);
  await context.close();
  console.log(`commands in ${locale}`);
}
