// SPDX-License-Identifier: Apache-2.0
// The page within WeChat (ADR 0066): sent to WeChat for a code, back with it, and paying there. Whoever comes back with another state than was
// sent was sent by somebody else, and its code is not looked at.
import type { Schemas } from "@/api/typed";
import { freshKey } from "@/shared/uniqueKey";
import { ask } from "./state";

type Purpose = "enter" | "bind";
interface Sent {
  state: string;
  purpose: Purpose;
  tenant: string;
}
interface Bridge {
  invoke: (name: string, said: Record<string, string>, told: (answer: { err_msg?: string }) => void) => void;
}
declare global {
  interface Window {
    WeixinJSBridge?: Bridge;
  }
}
const KEPT = "openmains.wechat";
const BRIDGE_MS = 10_000;

/** WeChat's own browser. */
export function isWechat(): boolean {
  return navigator.userAgent.includes("MicroMessenger");
}

/** The address at which WeChat is asked for a code. */
export function authorizeAddress(offered: Schemas["WechatSignIn"], back: string, state: string): string {
  const asked = new URLSearchParams({ appid: offered.application, redirect_uri: back, response_type: "code", scope: "snsapi_base", state });
  return `${offered.authorize_url}?${asked.toString()}#wechat_redirect`;
}

/** Goes to WeChat for a code by which a bound WeChat signs in. */
export async function goAndEnter(tenant: string): Promise<void> {
  goForCode("enter", await ask<Schemas["WechatSignIn"]>(`/wechat${tenant === "" ? "" : `?tenant=${encodeURIComponent(tenant)}`}`), tenant);
}

/** Goes to WeChat for a code; comes back to the page of sign-in, which asks `returned`. */
export function goForCode(purpose: Purpose, offered: Schemas["WechatSignIn"], tenant = "", go: (address: string) => void = leave): void {
  const sent: Sent = { state: freshKey("w"), purpose, tenant };
  sessionStorage.setItem(KEPT, JSON.stringify(sent));
  go(authorizeAddress(offered, `${location.origin}/my/sign-in`, sent.state));
}

/** What WeChat brought back, once: null where nothing was sent for, or it is another's. */
export function returned(query: Record<string, unknown>): (Omit<Sent, "state"> & { code: string }) | null {
  const kept = sessionStorage.getItem(KEPT);
  if (typeof query.code !== "string" || query.code === "") return null;
  sessionStorage.removeItem(KEPT);
  if (kept === null) return null;
  const sent = JSON.parse(kept) as Sent;
  return query.state === sent.state ? { code: query.code, purpose: sent.purpose, tenant: sent.tenant } : null;
}

/** Pays in WeChat: "ok", "cancel" or "fail". Whether it is paid is the platform's to say, which asks WeChat. */
export async function payInWechat(invoke: Record<string, string>): Promise<string> {
  const bridge = await bridgeOf();
  if (bridge === null) return "fail";
  return new Promise((resolve) => {
    bridge.invoke("getBrandWCPayRequest", invoke, (answer) => {
      resolve((answer.err_msg ?? "").replace("get_brand_wcpay_request:", "") || "fail");
    });
  });
}

function leave(address: string): void {
  location.assign(address);
}

function bridgeOf(): Promise<Bridge | null> {
  const there = window.WeixinJSBridge;
  if (there !== undefined) return Promise.resolve(there);
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      resolve(null);
    }, BRIDGE_MS);
    document.addEventListener("WeixinJSBridgeReady", () => {
      clearTimeout(late);
      resolve(window.WeixinJSBridge ?? null);
    }, { once: true });
  });
}
