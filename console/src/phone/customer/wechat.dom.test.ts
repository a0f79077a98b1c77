// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from "vitest";
import { authorizeAddress, goForCode, isWechat, payInWechat, returned } from "./wechat";

const OFFERED = { application: "wx8888888888888888", authorize_url: "https://open.weixin.qq.com/connect/oauth2/authorize" };
afterEach(() => {
  sessionStorage.clear();
  delete window.WeixinJSBridge;
});

describe("WeChat's page authorisation", () => {
  it("is asked for as WeChat wants it", () => {
    expect(authorizeAddress(OFFERED, "https://u.example/my/sign-in", "s1")).toBe(
      "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx8888888888888888&redirect_uri=https%3A%2F%2Fu.example%2Fmy%2Fsign-in&response_type=code&scope=snsapi_base&state=s1#wechat_redirect",
    );
    expect(isWechat()).toBe(false);
  });

  it("brings back a code once, and only to whom it was sent for", () => {
    const gone: string[] = [];
    goForCode("bind", OFFERED, "u1", (address) => gone.push(address));
    const state = new URL(gone[0] ?? "").searchParams.get("state");
    expect(returned({ code: "c", state: "another" })).toBeNull();
    expect(returned({ code: "c", state })).toBeNull(); // what was sent is forgotten with the first that came back
    goForCode("enter", OFFERED, "u1", (address) => gone.push(address));
    const again = new URL(gone[1] ?? "").searchParams.get("state");
    expect(returned({})).toBeNull();
    expect(returned({ code: "c", state: again })).toEqual({ code: "c", purpose: "enter", tenant: "u1" });
    expect(returned({ code: "c", state: again })).toBeNull();
  });
});

describe("paying in WeChat", () => {
  it("hands over what the platform signed, as it is", async () => {
    const said: unknown[] = [];
    window.WeixinJSBridge = {
      invoke: (name, invoke, told) => {
        said.push(name, invoke);
        told({ err_msg: "get_brand_wcpay_request:cancel" });
      },
    };
    const invoke = { appId: "wx", timeStamp: "1", nonceStr: "n", package: "prepay_id=p", signType: "RSA", paySign: "s" };
    expect(await payInWechat(invoke)).toBe("cancel");
    expect(said).toEqual(["getBrandWCPayRequest", invoke]);
  });
});
