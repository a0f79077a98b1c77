// SPDX-License-Identifier: Apache-2.0
// What is filled in for each kind of operator platform; secrets are typed and never shown.
export const PLATFORM_KINDS = ["ctwing", "iotda", "onenet", "onenet_studio"] as const;
export type PlatformKind = (typeof PLATFORM_KINDS)[number];
export const PLATFORM_SETTINGS = {
  ctwing: ["application", "product", "push_base", "base_url"],
  iotda: ["base_url", "project", "product", "region", "instance", "push_base", "service", "data", "command_name"],
  onenet: ["product", "push_base", "base_url", "up", "down"],
  onenet_studio: ["user", "product", "push_base", "base_url", "up", "down"],
} as const satisfies Record<PlatformKind, readonly string[]>;
export const PLATFORM_SECRETS = {
  ctwing: ["app_secret", "master_key", "token"],
  iotda: ["access_key", "secret_key", "token"],
  onenet: ["api_key", "token"],
  onenet_studio: ["access_key", "token"],
} as const satisfies Record<PlatformKind, readonly string[]>;

/** What was filled in of these names. */
export function filledIn(names: readonly string[], values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, (values[name] ?? "").trim()]).filter(([, value]) => value !== ""));
}

/** The address that is put into the platform: one that signs nothing is proven by a secret in it. */
export function pushAddress(kind: PlatformKind, url: string): string {
  return kind === "ctwing" ? `${url}?token=…` : url;
}
