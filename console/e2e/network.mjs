// SPDX-License-Identifier: Apache-2.0
// The network page: what the town has, and a network of 10,000 nodes, which is given to the page in place of the town's: it is drawn, panned and
// zoomed, and a relay that fails is seen with the meters behind it.
import assert from "node:assert/strict";
import { checkAccess, until } from "./browser.mjs";

const KINDS = ["platform", "gateway", "concentrator", "dtu", "terminal", "relay", "meter"];
const STATES = ["well", "unknown", "failed", "cut_off", "warned"];
const GATEWAYS = 100, RELAYS = 4, METERS = 95; // 10,000 nodes

/** Gateways on a grid of 600 m with relays and meters around them. `lost`: the first relay of the first gateway. */
export function bigNetwork(lost) {
  const told = { at: new Date().toISOString(), kinds: KINDS, states: STATES, kind: [], parent: [], key: [], number: [], name: [], state: [], lat_e7: [], lon_e7: [], left_out: 0 };
  const add = (kind, parent, key, number, name, state, x, y) => {
    told.kind.push(KINDS.indexOf(kind));
    told.parent.push(parent);
    told.key.push(key);
    told.number.push(number);
    told.name.push(name);
    told.state.push(STATES.indexOf(state));
    told.lat_e7.push(Math.round(311_000_000 - y * 90));
    told.lon_e7.push(Math.round(1_214_000_000 + x * 105));
    return told.kind.length - 1;
  };
  for (let gateway = 0; gateway < GATEWAYS; gateway++) {
    const x = (gateway % 10) * 600, y = Math.floor(gateway / 10) * 600;
    const head = add("gateway", -1, gateway + 1, String(9_000_000_000_000_000 + gateway), `G${String(gateway)}`, gateway === 7 ? "warned" : "well", x, y);
    const relays = [...Array(RELAYS).keys()].map((relay) => {
      const angle = (relay * Math.PI) / 2;
      return add("relay", head, relay + 1, String(relay + 1), "", lost && gateway === 0 && relay === 0 ? "failed" : "well", x + 160 * Math.cos(angle), y + 160 * Math.sin(angle));
    });
    for (let meter = 0; meter < METERS; meter++) {
      const relay = meter % 3 === 0 ? relays[(meter / 3) % RELAYS] : head;
      const cut = lost && relay === relays[0] && gateway === 0;
      const angle = meter * 2.4, far = 40 + 7 * Math.sqrt(meter);
      add("meter", relay, gateway * 1000 + meter + 1, String(460_000_000_000 + gateway * 1000 + meter).padStart(16, "0"), "", cut ? "cut_off" : "well", x + far * Math.cos(angle), y + far * Math.sin(angle));
    }
  }
  return told;
}

const pixels = (page) => page.locator("canvas.picture").evaluate((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0, inked = 0;
  for (let place = 3; place < data.length; place += 4) if (data[place] > 0) { inked += 1; sum = (sum * 31 + place) % 1_000_003; }
  return { inked, sum };
});

export const networkStories = {
  async network({ page, url, locale, findings }) {
    await page.goto(`${url}/network`); // the town's own
    await page.locator("canvas.picture[data-drawn]").waitFor();
    await page.locator(".list button.pick").first().click();
    await page.locator("section.card dl.facts").waitFor();
    await checkAccess(page, `network ${locale}`, findings);

    await page.selectOption("select >> nth=1", "gateway"); // a gateway's parameter is set, and it says that it goes by it
    await page.locator(".list button.pick").first().click();
    await page.locator("details.settings summary").click();
    const tries = page.locator("details.settings input[name=tries]");
    await tries.waitFor();
    const wanted = (await tries.inputValue()) === "4" ? "5" : "4";
    await tries.fill("99");
    await page.locator("details.settings input[name=note]").fill("走查 walk");
    await page.locator("details.settings button[type=submit]").click();
    await page.locator("details.settings [role=alert]").waitFor(); // out of bounds, said with the bounds
    await tries.fill(wanted);
    await page.locator("details.settings button[type=submit]").click();
    await page.locator(`details.settings .given li[data-state=confirmed]`, { hasText: `= ${wanted}` }).first().waitFor({ timeout: 60_000 });
    await until(async () => (await tries.inputValue()) === wanted, "the gateway goes by it");
    await checkAccess(page, `parameters of a gateway ${locale}`, findings);

    let lost = false;
    await page.route("**/api/v1/network/topology", (route) => route.fulfill({ json: bigNetwork(lost) }));
    await page.goto(`${url}/network`);
    await page.locator('canvas.picture[data-drawn="10000"]').waitFor();
    await until(async () => (await pixels(page)).inked > 5_000, "10,000 nodes are drawn");
    const before = await pixels(page);
    const box = await page.locator("canvas.picture").boundingBox();
    const middle = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(...middle);
    await page.mouse.down();
    await page.mouse.move(middle[0] + 90, middle[1] + 60, { steps: 8 });
    await page.mouse.up();
    await until(async () => (await pixels(page)).sum !== before.sum, "it was moved");
    const moved = await pixels(page);
    await page.locator(".buttons button").first().click();
    await until(async () => (await pixels(page)).sum !== moved.sum, "it is larger");
    await page.locator(".buttons button").last().click();

    await page.selectOption("select >> nth=2", "failed");
    assert.equal(await page.locator(".list button.pick").count(), 0);
    lost = true;
    await page.locator(".news[role=alert]").waitFor(); // by itself, at the next look
    await page.locator(".list button.pick").first().waitFor();
    assert.equal(await page.locator(".list button.pick").first().innerText(), "R1");
    await page.selectOption("select >> nth=2", "cut_off");
    await until(async () => (await page.locator(".list button.pick").count()) === 8, "the meters behind it");
    await checkAccess(page, `network, 10,000 nodes ${locale}`, findings);
    await page.selectOption("select >> nth=0", "map");
    await page.locator(".ruler").waitFor();
    await page.selectOption("select >> nth=0", "log");
    await page.locator("input[type=checkbox]").nth(1).waitFor();
    await page.unroute("**/api/v1/network/topology");
  },
};
