// SPDX-License-Identifier: Apache-2.0
// What people do here, each told once and walked in both languages by several persons at once. A story asserts what a person would see, and
// of what others see too only its own part: other stories run beside it.
import assert from "node:assert/strict";
import { alarmStories } from "./alarms.mjs";
import { applicationStories } from "./applications.mjs";
import { api, openPage } from "./browser.mjs";
import { chargingStory } from "./charging.mjs";
import { commandStory } from "./commands.mjs";
import { customerStory } from "./customer.mjs";
import { controlStories } from "./control.mjs";
import { installerStory, readerStory } from "./field.mjs";
import { frameStories } from "./frame.mjs";
import { keyStories } from "./keys.mjs";
import { networkStories } from "./network.mjs";
import { noticeStories } from "./notices.mjs";
import { operatorStories } from "./operator.mjs";
import { ownStories } from "./own.mjs";
import { walkPaths } from "./paths.mjs";
import { readingStories } from "./readings.mjs";
import { registryStories } from "./registry.mjs";
import { ruleStories } from "./rules.mjs";
import { widthStories } from "./widths.mjs";

/** `walk`: url, browser, signedIn, password, locale, page, context, findings, coapPort, tag (a word of its own for this story), brief (of what is alike on very many pages a part is enough). What waits longest is begun first. */
const STORIES = {
  commands: commandStory,
  reader: readerStory,
  installer: installerStory,
  charging: chargingStory,
  customer: customerStory,
  ...ruleStories,
  ...noticeStories,
  ...widthStories,
  ...operatorStories,
  ...ownStories,
  ...controlStories,
  ...registryStories,
  ...networkStories,
  ...readingStories,
  ...alarmStories,
  ...frameStories,
  ...keyStories,
  ...applicationStories,
};

/** Which stories are walked in which language. `once`: each in one of them, in turn. `picture`: of the steps of the paths. */
export function chosen(only, once, picture) {
  const stories = Object.entries({ ...STORIES, paths: (walk) => walkPaths(walk.browser, walk, walk.signedIn, walk.locale, picture) });
  const languages = (place) => (once ? [["zh", "en"][place % 2]] : ["zh", "en"]);
  return stories
    .flatMap(([name, story], place) => languages(place).map((locale) => ({ name, story, locale })))
    .filter(({ name }) => only.length === 0 || only.includes(name))
    .toSorted((one, other) => other.locale.localeCompare(one.locale)); // so that both languages of a story do not come together
}

/** Walks the stories, as many at a time as there are `persons` (signedIn, password), each with preferences of their own; throws with everything that was found. */
export async function walk(browser, demo, persons, jobs, brief = false) {
  const findings = [];
  const left = [...jobs];
  const base = Date.now();
  const underWay = new Set();
  const next = () => left.findIndex(({ name }) => !underWay.has(name));
  const turns = async (person) => {
    for (let place = next(); place >= 0; place = next()) {
      const [{ name, story, locale }] = left.splice(place, 1);
      const tag = String(base + left.length).slice(-8);
      underWay.add(name);
      await told({ browser, url: demo.url, coapPort: demo.coapPort, said: demo.said, ...person, locale, findings, tag, brief }, name, story);
      underWay.delete(name);
    }
  };
  await Promise.all(persons.map(turns));
  assert.deepEqual(left, []);
  assert.deepEqual(findings, []);
}

async function told(walk, name, story) {
  const { browser, url, signedIn, locale, findings } = walk;
  const { context, page, faults } = await openPage(browser, signedIn, locale);
  const began = Date.now();
  try {
    await api(context, url, "PATCH", "/session/preferences", { locale }); // a story before it may have left another
    await story({ ...walk, context, page });
    console.log(`  ${locale} ${name} ${String(((Date.now() - began) / 1000).toFixed(1))} s`);
  } catch (error) {
    findings.push(`${name} ${locale}: ${error instanceof Error ? error.message : String(error)}\n${await seen(browser)}`);
    if (process.env.OPENMAINS_E2E_FAILURES) await page.screenshot({ path: `${process.env.OPENMAINS_E2E_FAILURES}${name}.${locale}.png` });
  }
  for (const fault of faults) findings.push(`${name} ${locale}: ${fault}`);
  await context.close();
}

/** Where every open page stands and what it warns of: a story has more than one page, and where it is walked the pictures may not be kept. */
async function seen(browser) {
  const pages = browser.contexts().flatMap((context) => context.pages());
  const lines = pages.map(async (page) => {
    const said = await page.locator('[role="alert"], .el-message').allInnerTexts().catch((error) => [String(error)]);
    return `  ${page.url()} ${said.join(" | ")}`;
  });
  return (await Promise.all(lines)).join("\n");
}
