// SPDX-License-Identifier: Apache-2.0
// A meter that says what a story needs: an alarm, or bytes that are no frame. One CoAP datagram (RFC 7252) by hand; the
// payload is made by the platform's own driver.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { api, until } from "./browser.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const ALARM = "import sys; from tests.support.daily import alarm; n, *e = sys.argv[1:]; print(alarm(int(n), 1, e, 0).hex())";

const REPORT = "import sys; from tests.support.daily import Daily; print(Daily(int(sys.argv[1])).frame().hex())";

function option(delta, text) {
  const value = Buffer.from(text);
  // A length from 13 on is told in a byte of its own.
  return Buffer.concat([Buffer.from(value.length < 13 ? [(delta << 4) | value.length] : [(delta << 4) | 13, value.length - 13]), value]);
}

/** Sends a confirmable POST /r/<imei> until it is answered with this code: the edge learns of a new meter only some time after it was registered. */
export async function say(port, imei, payload, code = "2.04") {
  let heard;
  await until(async () => (heard = await answerTo(port, imei, payload)) === code, () => `${imei}: the answer ${code} instead of ${heard}`);
}

function answerTo(port, imei, payload) {
  const id = randomBytes(2);
  const message = Buffer.concat([Buffer.from([0x44, 0x02]), id, randomBytes(4), option(11, "r"), option(0, imei), Buffer.from([0xff]), payload]);
  const socket = createSocket("udp4");
  return new Promise((resolve, reject) => {
    let tries = 0;
    const send = () => {
      if ((tries += 1) > 5) {
        clearInterval(timer);
        socket.close();
        reject(new Error("the meter heard no answer"));
      } else socket.send(message, port, "127.0.0.1");
    };
    const timer = setInterval(send, 2000);
    socket.on("message", (answer) => {
      if (!answer.subarray(2, 4).equals(id)) return;
      clearInterval(timer);
      socket.close();
      resolve(`${String(answer[1] >> 5)}.${String(answer[1] & 31).padStart(2, "0")}`);
    });
    send();
  });
}

/** Bytes of a report of a water meter on yesterday, with its signal. */
export function reportOf(number) {
  return bytesOf(REPORT, number);
}

/** Bytes of an alarm message of a water meter whose battery has 3.584 V; without events nothing is the matter otherwise. */
export function alarmOf(number, ...events) {
  return bytesOf(ALARM, number, ...events);
}

function bytesOf(script, ...words) {
  const made = spawnSync(process.env.OPENMAINS_PYTHON ?? `${root}/.venv/bin/python`, ["-c", script, ...words], { cwd: root, encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  return Buffer.from(made.stdout.trim(), "hex");
}

/** A meter that nobody emulates: what it says stands until the story says more. `more`: what it has besides, such as an area of its own. */
export async function ownMeter(context, url, digits, more = {}) {
  const { body: products } = await api(context, url, "GET", "/products?limit=500");
  const { body: areas } = await api(context, url, "GET", "/areas");
  const product = products.items.find((item) => item.driver === "openmains/water-1");
  const meter = { number: digits, imei: `86${digits.padStart(13, "0")}`, product_id: product.product_id, area_id: areas.items[0].area_id, installed_on: "2026-01-01", ...more };
  const made = await api(context, url, "POST", "/meters", meter);
  assert.equal(made.status, 201);
  return made.body;
}
