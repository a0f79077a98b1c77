// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it, vi } from "vitest";
import { Problem } from "./problem";
import { send, urlOf, watchTransport } from "./transport";

function answer(status: number, body: unknown, kind = "application/json"): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": kind } });
}

afterEach(() => {
  vi.unstubAllGlobals();
  watchTransport({ reached: () => undefined, sessionOver: () => undefined, language: () => "zh", changed: () => undefined });
});

describe("addresses", () => {
  it("fill and escape path values, leave out empty query values", () => {
    expect(urlOf("/api/v1/meters/{meter_id}/frames", { meter_id: "a/b" }, { limit: 5, cursor: "", q: undefined })).toBe("/api/v1/meters/a%2Fb/frames?limit=5");
    expect(() => urlOf("/x/{y}")).toThrow("path value missing");
  });
});

describe("send", () => {
  it("reads JSON and takes an empty answer as nothing", async () => {
    vi.stubGlobal("fetch", vi.fn().mockResolvedValueOnce(answer(200, { a: 1 })).mockResolvedValueOnce(new Response(null, { status: 204 })));
    expect(await send("/a")).toEqual({ a: 1 });
    expect(await send("/b")).toBeUndefined();
  });

  it("marks its changes as the console's own, in the reader's language", async () => {
    const fetched = vi.fn().mockResolvedValue(answer(200, {}));
    vi.stubGlobal("fetch", fetched);
    watchTransport({ reached: () => undefined, sessionOver: () => undefined, language: () => "en" });
    await send("/a", { method: "POST", body: { x: 1 } });
    const [, init] = fetched.mock.calls[0] as [string, RequestInit];
    const headers = new Headers(init.headers);
    expect(headers.get("x-openmains-request")).toBe("console");
    expect(headers.get("accept-language")).toBe("en");
    expect(init.body).toBe('{"x":1}');
  });

  it("tells that something was changed, and not for what was asked, refused, preferred or seen", async () => {
    const changed = vi.fn();
    watchTransport({ reached: () => undefined, sessionOver: () => undefined, language: () => "zh", changed });
    vi.stubGlobal("fetch", vi.fn((url: string) => Promise.resolve(answer(url === "/refused" ? 409 : 200, {}))));
    await send("/a");
    await expect(send("/refused", { method: "POST" })).rejects.toBeInstanceOf(Problem);
    await send("/api/v1/session/preferences", { method: "PATCH", body: {} });
    await send("/api/v1/alarms/shown", { method: "POST", body: {} });
    expect(changed).not.toHaveBeenCalled();
    await send("/a", { method: "POST" });
    expect(changed).toHaveBeenCalledOnce();
  });

  it("turns problem details into a Problem with its code", async () => {
    vi.stubGlobal("fetch", vi.fn().mockResolvedValue(answer(404, { type: "/api/v1/problems/not-found", title: "未找到", detail: "没有" }, "application/problem+json")));
    const problem = await send("/a").catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(Problem);
    expect((problem as Problem).code).toBe("not-found");
    expect((problem as Problem).message).toBe("没有");
  });

  it("tells when the session is over, but not for a refused sign-in", async () => {
    const over = vi.fn();
    watchTransport({ reached: () => undefined, sessionOver: over, language: () => "zh" });
    vi.stubGlobal("fetch", vi.fn().mockResolvedValueOnce(answer(401, { type: "/api/v1/problems/sign-in-refused" })).mockResolvedValueOnce(answer(401, { type: "/api/v1/problems/sign-in-needed" })));
    await expect(send("/a")).rejects.toBeInstanceOf(Problem);
    expect(over).not.toHaveBeenCalled();
    await expect(send("/a")).rejects.toBeInstanceOf(Problem);
    expect(over).toHaveBeenCalledOnce();
  });

  it("does not end a session for what was refused to the one before it", async () => {
    const over = vi.fn();
    let session = 1;
    watchTransport({ reached: () => undefined, sessionOver: over, session: () => session, language: () => "zh" });
    const refused = () => Promise.resolve(answer(401, { type: "/api/v1/problems/sign-in-needed" }));
    vi.stubGlobal("fetch", vi.fn().mockImplementationOnce(() => ((session = 2), refused())).mockImplementation(refused)); // signed in while it was asked
    await expect(send("/a")).rejects.toBeInstanceOf(Problem);
    expect(over).not.toHaveBeenCalled();
    await expect(send("/a")).rejects.toBeInstanceOf(Problem);
    expect(over).toHaveBeenCalledOnce();
  });

  it("tells a lost connection from a refusal, and takes a broken body", async () => {
    const reached: boolean[] = [];
    watchTransport({ reached: (value) => reached.push(value), sessionOver: () => undefined, language: () => "zh" });
    vi.stubGlobal("fetch", vi.fn().mockRejectedValueOnce(new TypeError("failed")).mockResolvedValueOnce(new Response("<html>", { status: 502, headers: { "content-type": "application/json" } })));
    const lost = await send("/a").catch((error: unknown) => error);
    expect((lost as Problem).isLostConnection).toBe(true);
    const broken = await send("/a").catch((error: unknown) => error);
    expect((broken as Problem).status).toBe(502);
    expect(reached).toEqual([false, true]);
  });
});
