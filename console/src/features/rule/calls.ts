// SPDX-License-Identifier: Apache-2.0
// The operations on rules and on what they propose.
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Rule = Schemas["StoredRule"];
export type RuleVersion = Schemas["RuleVersion"];
export type RuleDraft = Schemas["RuleDraft"];
export type RuleCheck = Schemas["RuleCheck"];
export type RuleCase = Schemas["RuleCase"];
export type RuleTrial = Schemas["RuleTrial"];
export type RuleTerms = Schemas["RuleTermsView"];
export type RulePoint = Schemas["RulePoint"];
export type Proposal = Schemas["RuleProposal"];
type SignerLogin = Schemas["SignerLogin"];

export const ruleTerms = (productId: number | null, signal: Abort) => call("get", "/api/v1/rule-terms", { query: { product_id: productId }, signal });
export const listRules = (query: QueryOf<"list_rules">, signal: Abort) => call("get", "/api/v1/rules", { query, signal });
export const readRule = (ruleId: number, signal: Abort) => call("get", "/api/v1/rules/{rule_id}", { path: { rule_id: ruleId }, signal });
export const ruleVersions = (ruleId: number, signal: Abort) => call("get", "/api/v1/rules/{rule_id}/versions", { path: { rule_id: ruleId }, signal });
export const checkRule = (body: RuleDraft) => call("post", "/api/v1/rules/check", { body });
export const tryRule = (body: RuleDraft) => call("post", "/api/v1/rules/trial", { body });
export const createRule = (name: string, draft: RuleDraft) => call("post", "/api/v1/rules", { body: { name, draft } });
export const changeRule = (ruleId: number, draft: RuleDraft, effectiveAt: string | null, reason: string) =>
  call("post", "/api/v1/rules/{rule_id}/versions", { path: { rule_id: ruleId }, body: { draft, effective_at: effectiveAt, reason } });
export const switchRule = (ruleId: number, isOn: boolean, reason: string) => call("post", "/api/v1/rules/{rule_id}/switch", { path: { rule_id: ruleId }, body: { is_on: isOn, reason } });
export const listOrderKinds = (signal: Abort) => call("get", "/api/v1/work-order-kinds", { signal });
export const listProposals = (query: QueryOf<"list_rule_proposals">, signal: Abort) => call("get", "/api/v1/rule-proposals", { query, signal });
export const giveProposal = (proposalId: number, signer: SignerLogin | null, reason: string) =>
  call("post", "/api/v1/rule-proposals/{proposal_id}/give", { path: { proposal_id: proposalId }, body: { signer, reason } });
export const declineProposal = (proposalId: number, reason: string) => call("post", "/api/v1/rule-proposals/{proposal_id}/decline", { path: { proposal_id: proposalId }, body: { reason } });
