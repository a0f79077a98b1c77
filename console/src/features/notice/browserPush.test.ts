// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { fingerprintOf, fromBase64url, labelOf, toBase64url } from "./browserPush";

describe("browser push", () => {
  it("writes keys as the server reads them, and reads them back", () => {
    const key = Uint8Array.from({ length: 65 }, (_, place) => (place * 37 + 251) % 256);
    expect(toBase64url(key)).not.toMatch(/[+/=]/);
    expect(fromBase64url(toBase64url(key))).toEqual(key);
  });
  it("knows a browser by the SHA-256 of its endpoint", async () => {
    expect(await fingerprintOf("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
  it("names a browser so that a person knows it again", () => {
    expect(labelOf("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0")).toBe("Firefox · Windows");
    expect(labelOf("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36")).toBe("Chrome · Android");
    expect(labelOf("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0")).toBe("Edge · Windows");
    expect(labelOf("curl/8")).toBe("browser");
  });
});
