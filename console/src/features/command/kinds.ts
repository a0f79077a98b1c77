// SPDX-License-Identifier: Apache-2.0
// What a meter can be told, as far as a page must know it before it asks: names, sentences, who may, what is signed. The kinds are
// those of docs/reference/openapi.json, in the order of a choice; the server's table is domain/command/kinds.py, and it decides;
// tests/architecture compares the two.
import type { Text } from "@/shared/i18n/bilingual";
import type { CommandKind } from "./calls";

interface KindFacts {
  title: Text;
  /** What happens, said before the command is given; for a valve by medium. What only reads needs no warning. */
  does?: Text | Record<"gas" | "water", Text>;
  reads?: true;
  /** Authorised by the signer: moves a valve or money, or may lose the meter. */
  signed?: true;
  /** Given by administrators only. */
  administrator?: true;
  valve?: "close" | "open" | "safety";
  /** A batch of it can be taken back by a batch of its own. */
  invertible?: true;
  /** Its answer is the meter's log, to be downloaded. */
  log?: true;
}

const FACTS: Record<CommandKind, KindFacts> = {
  valve_close: {
    title: ["关阀", "Close the valve"], valve: "close", signed: true,
    does: {
      gas: ["将停止 {who}（{address}）的供气。表号 {number}。", "Shuts off the gas of {who}, {address}. Meter {number}."],
      water: ["将停止 {who}（{address}）的供水。表号 {number}。", "Shuts off the water of {who}, {address}. Meter {number}."],
    },
  },
  valve_open: {
    title: ["开阀（燃气：允许现场开阀）", "Open the valve (gas: permit opening)"], valve: "open", signed: true,
    does: {
      gas: ["将允许在现场为 {who}（{address}）开阀；须有人在表前操作。表号 {number}。", "Permits opening the gas of {who}, {address}; a person must do it at the meter {number}."],
      water: ["将恢复 {who}（{address}）的供水；水可能从敞开的龙头流出。表号 {number}。", "Turns the water of {who}, {address}, on again; it may run from an open tap. Meter {number}."],
    },
  },
  safety_close: {
    title: ["安全关阀", "Close for safety"], valve: "safety", signed: true,
    does: {
      gas: ["因危险停止 {who}（{address}）的供气，无论余额和保护状态。此后不能远程开阀：须有人到现场检查，并用钥匙在表上打开。表号 {number}。", "Shuts off the gas of {who}, {address}, because of a danger, whatever the credit or protection. It cannot be opened from afar afterwards: somebody inspects the site and opens the meter {number} with its key."],
      water: ["因危险停止 {who}（{address}）的供水，无论余额和保护状态。此后不能远程开阀：须有人到现场检查，并用钥匙在表上打开。表号 {number}。", "Shuts off the water of {who}, {address}, because of a danger, whatever the credit or protection. It cannot be opened from afar afterwards: somebody inspects the site and opens the meter {number} with its key."],
    },
  },
  top_up: {
    title: ["充值", "Top up"], signed: true,
    does: ["将给 {who}（{address}）的表充值 {amount}，恰好一次。表号 {number}。", "Tops up the meter of {who}, {address}, by {amount}, exactly once. Meter {number}."],
  },
  set_price: {
    title: ["设置价格", "Set the price"], signed: true, administrator: true,
    does: ["将改变 {who}（{address}）的表内价格，影响此后扣费。表号 {number}。", "Changes the price inside the meter of {who}, {address}, and what is deducted from then on. Meter {number}."],
  },
  set_parameters: {
    title: ["设置参数", "Set parameters"], invertible: true,
    does: ["将修改表号 {number}（{address}）的参数。", "Changes settings of meter {number}, {address}."],
  },
  set_signed_parameters: {
    title: ["设置计费与关阀参数", "Set parameters of credit and valve"], signed: true, administrator: true,
    does: ["将修改 {who}（{address}）的计费与欠费关阀参数：阈值高于余额时表会自行关阀。表号 {number}。", "Changes what the meter of {who}, {address}, deducts and when it shuts by itself: below a threshold it closes its valve. Meter {number}."],
  },
  set_clock: {
    title: ["校时", "Set the clock"],
    does: ["将校正表号 {number}（{address}）的时钟。", "Sets the clock of meter {number}, {address}."],
  },
  set_platform: {
    title: ["设置平台地址", "Set the platform address"], signed: true, administrator: true,
    does: ["此后表号 {number}（{address}）只连接新地址；地址有误则此表失联，须到现场处理。", "From then on meter {number}, {address}, speaks to the new address only. If that is wrong the meter is lost until somebody goes there."],
  },
  restart: {
    title: ["重启", "Restart"],
    does: ["表号 {number}（{address}）的模块将重启，期间不上报。", "The module of meter {number}, {address}, restarts and does not report meanwhile."],
  },
  factory_reset: {
    title: ["恢复出厂参数", "Settings as delivered"], signed: true, administrator: true,
    does: ["将把表号 {number}（{address}）的参数恢复为出厂值。", "Puts all settings of meter {number}, {address}, back to those it was delivered with."],
  },
  read_now: { title: ["点抄", "Read the register now"], reads: true },
  read_intervals: { title: ["读取冻结数据", "Read frozen registers"], reads: true },
  read_status: { title: ["读取状态", "Read the state"], reads: true },
  log_pull: { title: ["拉取日志", "Pull the event log"], reads: true, log: true },
  read_parameters: { title: ["读取参数", "Read parameters"], reads: true },
};

export const KINDS = Object.keys(FACTS) as CommandKind[];

/** Facts of a kind; of one this console does not know yet, only its code. */
export function factsOf(kind: string): KindFacts {
  return (FACTS as Partial<Record<string, KindFacts>>)[kind] ?? { title: [kind, kind] };
}

/** Titles and sentences as words, below `command.kinds` and `command.impact`. */
export const titles = Object.fromEntries(KINDS.map((kind) => [kind, FACTS[kind].title]));
export const sentences = Object.fromEntries(KINDS.flatMap((kind) => (FACTS[kind].does === undefined ? [] : [[kind, FACTS[kind].does]])));
