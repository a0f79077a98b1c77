// SPDX-License-Identifier: Apache-2.0
// Why devices are refused: the reasons that the platform gives, and under which words each is explained. What a registration's form
// is faulted for has many names in the protocol and one cure.

export const REFUSAL_REASONS = [
  "identity_empty", "identity_form", "identity_check_digit", "no_key", "wrong_key", "blocked", "failed_too_often", "cbc_not_allowed",
  "no_ems_not_allowed", "no_suite", "no_ems", "dtls_version", "hello_form", "endpoint_form", "endpoint_other", "endpoint missing",
  "version not supported", "register format", "bootstrap_off", "held",
] as const;

const REGISTRATION_FORM = new Set([
  "endpoint name unusable", "lifetime unusable", "binding unusable", "too many query parameters", "too many objects", "too many links",
  "text is not UTF-8", "comma expected", "link expected", "link not closed", "attribute name expected", "attribute value expected",
  "quote not closed", "target with a bracket",
]);

/** The key of a reason's texts (`is`, `todo`) below `security.refusalReasons`. A reason that a newer server gives has none of its own. */
export function reasonKey(reason: string): string {
  if (REGISTRATION_FORM.has(reason)) return "registration_form";
  return (REFUSAL_REASONS as readonly string[]).includes(reason) ? reason.replaceAll(" ", "_") : "other";
}

/** The reasons to choose from: all that are known, and those that the rows have beside them. */
export function reasonChoices(rows: readonly { reason: string }[]): string[] {
  return [...new Set([...REFUSAL_REASONS, ...rows.map((row) => row.reason)])];
}
