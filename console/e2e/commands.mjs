// SPDX-License-Identifier: Apache-2.0
// The story of a command: look at what closing a valve would do, and leave it; read the meter and see it done.
import assert from "node:assert/strict";
import { api, checkAccess } from "./browser.mjs";

const WORDS = {
  zh: { done: "已执行", close: /将停止.+(供气|供水)/ },
  en: { done: "Done", close: /Shuts off the (gas|water)/ },
};
const PAGES = ["/commands?all=1", "/batches", "/batches/new", "/approvals", "/command-policy", "/command-stop", "/report-plan"];

export async function commandStory({ page, url, context, locale, findings }) {
  const words = WORDS[locale];
  const { body } = await api(context, url, "GET", "/meters?limit=1");
  const [meter] = body.items;
  await page.goto(`${url}/meters/${meter.meter_id}?tab=commands`);
  const kind = page.locator('select[name="command-kind"]');

  await kind.selectOption("valve_close");
  await page.locator('form button[type="submit"]').first().click();
  const sentence = await page.getByText(words.close).innerText();
  assert.ok(sentence.includes(meter.number), sentence);
  assert.ok(await page.locator(".confirm button[type=submit]").isDisabled(), "a valve closes without a sign-in at the signer");
  await checkAccess(page, `composer ${locale}`, findings);

  await kind.selectOption("read_now");
  const given = page.waitForResponse((answer) => answer.request().method() === "POST" && answer.url().endsWith("/commands"));
  await page.locator('form button[type="submit"]').first().click();
  const { command } = await (await given).json();
  await page.goto(`${url}/commands/${command.command_id}`);
  await page.locator(".timeline").waitFor();
  await checkAccess(page, `command ${locale}`, findings);
  await page.locator('li[aria-current="step"]').getByText(words.done).waitFor(); // a demo meter reports about once a minute, and is told only then

  for (const path of PAGES) {
    await page.goto(url + path);
    await page.locator("h1").waitFor();
    await checkAccess(page, `${path} ${locale}`, findings);
  }
}
