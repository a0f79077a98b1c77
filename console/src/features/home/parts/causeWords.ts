// SPDX-License-Identifier: Apache-2.0
// Words of the search for a cause. They come with its tab, not with the frame: nobody needs them before.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  cause: {
    complaint: ["现象", "What is wrong"], complaints: { silent: ["无数据", "no data"], unanswered: ["命令未应答", "a command is not answered"], no_supply: ["用户没有气或水", "no gas or water"] },
    guess: ["最可能的原因", "Likeliest cause"], none: ["就已存数据看，表没有问题。", "By what is stored nothing is wrong with the meter."], asked: ["检查", "Asked"], found: ["结论", "Found"], evidence: ["依据", "Evidence"], next: ["下一步", "What to do next"],
    verdicts: { cause: ["原因", "cause"], possible: ["可能", "possible"], fine: ["正常", "in order"], unknown: ["不知道", "not known"] },
    checks: {
      driver: ["报文能否解析", "Are its messages understood?"], module: ["模块、SIM 与表相符", "Do module and SIM belong to the meter?"], held: ["终端是否被隔离或封锁", "Is the terminal kept out?"], key: ["密钥与接入", "Key, and refusals at the door"], cell: ["同小区其他表是否正常", "Are the others of its radio cell heard?"],
      battery: ["电池", "Battery"], signal: ["最后一次信号", "Signal when it was last heard"], clock: ["表内时钟", "The meter's clock"], sim: ["SIM 卡与网络（其余均正常时）", "SIM and network (where all else is in order)"], stop: ["是否有全停", "Are all commands stopped?"], waits: ["命令是否在等表上报", "Does the command wait for the meter's report?"],
      district: ["片区是否停气停水", "Is the whole district without?"], safety: ["安全关阀", "Closed for safety"], magnet: ["磁干扰或铅封", "Interference or a broken seal"], arrears: ["余额与欠费", "Balance and debt"], ordered: ["是否由人下令关阀", "Closed by a person's command"], valve: ["阀门", "Valve"], indoor: ["表后与表前阀", "Behind the meter, and the inlet valve"],
    },
    acts: {
      open_dead_letters: ["在“系统”中查看未解析报文；缺驱动时加载驱动页后重放", "Look at the dead letters under System; where the driver is missing, load its page and replay them"], visit_module: ["上门核对模块、SIM 与表号，改正台账或按盗用处理", "Go there: compare module, SIM and number; correct the registry, or treat it as theft"], open_terminal: ["在“终端”中查看原因，决定是否放行", "Look at the terminal's findings and decide whether to release it"],
      open_keys: ["在“密钥”中核对或重新写入密钥", "Compare the key, or have it written anew"], ask_operator_cell: ["向运营商报小区故障；不必逐只上门", "Report the cell to the operator; no visit to each meter"], visit_battery: ["上门换电池", "Go there and change the battery"], visit_antenna: ["上门改天线位置或加装外置天线", "Go there: move the antenna or add one outside"],
      set_clock: ["下发校时命令", "Send it the time"], ask_operator_sim: ["向运营商查询 SIM 状态（停机、欠费、锁卡）；正常则派人上门", "Ask the operator for the state of the SIM; if it is in order, send somebody"], open_stop: ["由有权限的人解除全停", "Somebody with the permission ends the stop"], wait_for_report: ["等待下一次上报，或上门按键唤醒", "Wait for the next report, or press the meter's button"],
      tell_district: ["按片区停供处理，告知用户预计恢复时间", "Treat it as an outage of the district; tell customers until when"], inspect_site: ["现场检查并签字后才能开阀", "Inspect the site; only then may it be opened"], visit_tampering: ["上门检查干扰与铅封，取证后开阀", "Go there, look at interference and seal, keep evidence, then open"], open_account: ["请用户缴费；到账后开阀", "The customer pays; then it is opened"],
      open_command: ["查看关阀命令及原因", "Look at the command and its reason"], visit_valve: ["远程开阀；无效则上门处理阀门", "Open it from afar; if that fails, go and see to the valve"], visit_place: ["请用户检查表前阀与用具；仍无则派单", "Ask the customer to look at inlet valve and appliance; else make a work order"],
    },
    facts: {
      driver: ["驱动", "driver"], count: ["条数", "messages"], reason: ["原因", "reason"], detail: ["说明", "detail"], at_us: ["时间", "at"], registered: ["登记", "registered"], seen: ["实际", "seen"], event: ["事件", "event"], state: ["状态", "state"], key: ["密钥", "key"], stage: ["环节", "stage"], attempts: ["次数", "times"],
      meters: ["只表", "meters"], late: ["未按时", "not heard in time"], battery_mv: ["电压", "voltage"], battery_pct: ["剩余", "left"], rsrp_ddbm: ["RSRP", "RSRP"], sinr_ddb: ["SINR", "SINR"], neighbours_rsrp_ddbm: ["同小区中位 RSRP", "RSRP of the others, median"], heard: ["从未上报", "never heard"], last_seen_us: ["最后上报", "last heard"], sim: ["SIM", "SIM"],
      stop: ["全停", "stop"], command_id: ["命令", "command"], kind: ["类型", "kind"], sent_us: ["发出", "sent"], orders: ["同片区无气无水工单", "orders of others without supply"], closed: ["已关阀", "closed"], balance_fen: ["余额", "balance"], debt_fen: ["到期未缴", "owed"], by: ["下令人", "by"], valve: ["阀门", "valve"],
    },
    order: ["建工单", "Make a work order"],
  },
} satisfies Words;
