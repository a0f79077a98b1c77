// SPDX-License-Identifier: Apache-2.0
// An alarm in the list and its whole way in front of a person: shown, sent for, called back, cleared, reopened; and a mute with its end.
import assert from "node:assert/strict";
import { act, api, checkAccess, CJK, toast, until } from "./browser.mjs";
import { alarmOf, ownMeter, say } from "./meter.mjs";

export const alarmStories = {
  alarms: alarmStory,
  alarmLife: alarmLifeStory,
};

// The town has a rule about magnets, whose own alarm of the same meter is dispatched at once: these stories are about the meter's.
async function alarmStory({ page, url, context, locale, coapPort, tag, findings }) {
  await page.goto(`${url}/alarms?event=magnetic`);
  await page.locator("h1").waitFor();
  const mine = await ownMeter(context, url, `91${tag}${locale === "zh" ? "1" : "2"}`);
  const sent = alarmOf(mine.number, "magnetic");
  await say(coapPort, mine.imei, sent);
  const row = page.locator("tbody tr").filter({ hasText: mine.number }).first();
  await row.waitFor(); // R7.1, without touching the page
  await checkAccess(page, `alarms ${locale}`, findings);
  // Somebody else is quicker: the problem's own words come as a toast.
  const raised = (await api(context, url, "GET", `/alarms?status=open&event=magnetic&meter_id=${mine.meter_id}`)).body.items[0];
  const quicker = (await api(context, url, "POST", `/alarms/${raised.alarm_id}/acknowledge`)).status;
  assert.ok([200, 409].includes(quicker), "a story beside this one may have taken all that are open");
  await row.getByRole("button").first().click();
  const said = await toast(page).innerText();
  assert.equal(CJK.test(said), locale === "zh", said);
  // Acknowledged is not over: it stays in the list of those not cleared, and in the figures.
  await page.goto(`${url}/alarms?event=magnetic&meter=${mine.meter_id}`);
  const again = page.locator("tbody tr").filter({ hasText: mine.number }).first();
  await again.waitFor();
  assert.match(await page.locator('main [role="status"]').first().innerText(), /^\D*1\D+0\D*$/);
  await again.getByRole("button").last().click();
  await checkAccess(page, `clear ${locale}`, findings);
  await act(page, "looked at the site");
  await again.waitFor({ state: "detached" });
  const { body: trail } = await api(context, url, "GET", "/audit?object_type=alarm&limit=50"); // others act beside this story
  const told = trail.items.find((entry) => entry.object_name === mine.number);
  assert.deepEqual([told.action, told.reason], ["clear_alarm", "looked at the site"]);
}

async function alarmLifeStory({ page, url, context, locale, coapPort, tag, findings }) {
  const mine = await ownMeter(context, url, `94${tag}${locale === "zh" ? "1" : "2"}`);
  await page.goto(`${url}/alarms`);
  await say(coapPort, mine.imei, alarmOf(mine.number, "magnetic"));
  // The bell says it on every page, and the server hears that somebody has it before their eyes.
  await page.locator("button.bell .count").waitFor();
  const found = async () => (await api(context, url, "GET", `/alarms?event=magnetic&meter_id=${mine.meter_id}`)).body.items[0];
  await until(async () => (await found()) !== undefined, "the alarm is stored");
  const raised = await found();
  const told = async () => (await api(context, url, "GET", `/alarms/${raised.alarm_id}`)).body;
  await until(async () => (await told()).state === "shown", "the alarm counts as shown to a person");
  assert.equal((await told()).missed, false);
  await page.goto(`${url}/alarms/${raised.alarm_id}`);
  await page.getByRole("heading", { level: 1, name: locale === "zh" ? "磁干扰" : "Magnetic interference" }).waitFor();
  await checkAccess(page, `alarm ${locale}`, findings);
  const step = async (state) => { await until(async () => (await told()).state === state, `the alarm is ${state}`); };
  await page.locator(".acts input").fill("crew 3");
  await page.locator('.acts form button[type="submit"]').click();
  await step("dispatched");
  await page.locator(".acts > button").first().click();
  await act(page, "needed elsewhere");
  await step("acknowledged");
  await page.locator(".acts > button").last().click();
  await act(page, "magnet taken off");
  await step("cleared");
  await page.locator(".acts > button").last().click();
  await act(page, "it is back on");
  await step("reopened");
  await page.locator("tbody tr").nth(5).waitFor();
  const history = (await api(context, url, "GET", `/alarms/${raised.alarm_id}/history`)).body;
  assert.deepEqual(history.map((entry) => entry.news), ["raised", "shown", "dispatched", "recalled", "cleared", "reopened"]);
  // A mute has a reason and an end.
  await page.goto(`${url}/alarm-mutes`);
  await page.locator("main h1").first().waitFor();
  await checkAccess(page, `mutes ${locale}`, findings);
  const made = await api(context, url, "POST", "/alarm-mutes", { meter_id: mine.meter_id, seconds: 3600, reason: "works in the street" });
  assert.equal(made.status, 201);
  await page.reload();
  await page.locator("tbody tr").first().getByRole("button").click();
  await act(page, "works are done");
  await until(async () => (await api(context, url, "GET", "/alarm-mutes?standing=true")).body.items.every((mute) => mute.mute_id !== made.body.mute_id), "the mute is over");
}
