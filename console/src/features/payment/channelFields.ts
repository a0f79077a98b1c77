// SPDX-License-Identifier: Apache-2.0
// What is filled in for each provider of payments; secrets are typed and never shown.
export type Provider = "wechat" | "alipay";
export const PROVIDERS = ["wechat", "alipay"] as const;
export const SETTINGS = {
  wechat: ["merchant", "application", "serial", "platform_key_serial", "platform_key", "platform_key_2_serial", "platform_key_2", "notify_base", "base_url", "sign_in_base"],
  alipay: ["merchant", "application", "platform_key", "notify_base", "base_url"],
} as const satisfies Record<Provider, readonly string[]>;
export const SECRETS = { wechat: ["private_key", "api_key", "app_secret"], alipay: ["private_key"] } as const satisfies Record<Provider, readonly string[]>;

/** What was filled in of these names. */
export function filledIn(names: readonly string[], values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, values[name] ?? ""]).filter(([, value]) => value !== ""));
}
