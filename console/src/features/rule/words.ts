// SPDX-License-Identifier: Apache-2.0
// Words of rules and of what they propose.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  rules: {
    rules: ["规则", "Rules"], rule: ["规则", "Rule"], add: ["新建规则", "New rule"], proposals: ["命令建议", "Proposed commands"], none: ["还没有规则", "No rules yet"],
    name: ["名称", "Name"], when: ["条件", "When"], on: ["启用", "On"], off: ["停用", "Off"], standing: ["当前满足", "Fulfilled at"], open: ["未清除告警", "Open alarms"], changed: ["最近修改", "Changed"], severity: ["级别", "Severity"],
    severities: { critical: ["紧急", "Critical"], major: ["重要", "Major"], minor: ["次要", "Minor"], info: ["提示", "Info"] },
    about: ["关于", "About"], abouts: { message: ["消息中的值与事件", "Values and events of a message"], silent: ["静默", "Silence"], missing: ["缺报", "Missing reports"], unanswered: ["命令未应答", "Unanswered command"] },
    joined: ["满足", "Fulfilled are"], all: ["全部", "all of these"], any: ["任意一个", "one of these"], kinds: { value: ["值", "Value"], change: ["变化", "Change"], rate: ["变化率", "Rate"], event: ["事件", "Event"] }, kind: ["种类", "Kind"],
    not: ["取反", "not"], point: ["测点", "Point"], event: ["事件", "Event"], comparison: ["比较", "Comparison"],
    comparisons: { below: ["低于", "below"], above: ["高于", "above"], outside: ["超出", "outside"], rises: ["上升至少", "rises by at least"], falls: ["下降至少", "falls by at least"], moves: ["变化至少", "changes by at least"] },
    first: ["数值", "Value"], second: ["上限", "Upper bound"], perMinutes: ["每几分钟", "In so many minutes"], addPart: ["增加条件", "Add a condition"], remove: ["删除", "Remove"],
    hours: ["小时", "Hours"], days: ["天数", "Days"], command: ["命令", "Command"], anyCommand: ["任意命令", "any command"], gather: ["多只表同时满足", "Many meters at once"], meters: ["至少几只表", "At least so many meters"], percent: ["至少百分比", "At least percent"],
    within: ["范围", "Within"], withins: { area: ["同一区域", "one area"], cell: ["同一小区", "one radio cell"], scope: ["整个适用范围", "all that the rule is for"] }, held: ["持续分钟", "Held for minutes"],
    forWhom: ["适用范围", "For whom"], product: ["产品", "Product"], anyProduct: ["全部产品", "all products"], area: ["区域（含下级）", "Area (with what is below)"], everywhere: ["全部区域", "everywhere"], classes: ["用户类别", "Customer classes"],
    class: { resident: ["居民", "residents"], combined: ["合表", "combined"], non_resident: ["非居民", "non-residents"], special: ["特种", "special"] }, dnFrom: ["DN 从", "DN from"], dnTo: ["到", "to"],
    then: ["结果", "Then"], propose: ["建议命令", "Propose a command"], noCommand: ["不建议命令", "no command"], workOrder: ["工单", "Work order"], noOrder: ["不建工单", "no work order"], thenHelp: ["产生告警；通知策略和订阅中选择“规则告警”即可发出。命令须由人下达，含命令建议的规则须由另一人启用。工单每条告警一张，一组告警合为一张。", "An alarm is raised; policies of notices and subscriptions that take “Rule fired” send it. Commands are given by a person, and a rule that proposes them is switched on by another than who wrote it. A work order is made for each alarm, one for a group."],
    cases: ["用例（保存时运行）", "Cases (run when it is saved)"], fires: ["触发", "fires"], firesNot: ["不触发", "does not fire"], proposeCases: ["按条件生成用例", "Make cases from the condition"], noCases: ["至少需要一个触发、一个不触发的用例", "One that fires and one that does not, at least"],
    untried: ["尚未试算。启用之前须在最近 30 天的数据上试算。", "Not tried yet. Before it is switched on it is tried on the last 30 days."], tried: ["试算于 {at}（{by}）：", "Tried at {at} by {by}: "], trial: ["在最近 30 天试算", "Try on the last 30 days"], trialSaid: ["最近 {days} 天会触发 {fired} 次，涉及 {meters} 只表（共看了 {looked} 只）。", "Would have fired {fired} times in {days} days, at {meters} meters of {looked} looked at."],
    trialPart: ["只看了前 {looked} 只表。", "Only the first {looked} meters were looked at."], untold: ["以下测点没有历史，试算对其不作结论：{points}", "Of these points no past is kept, so nothing is said of them: {points}"], meter: ["表具", "Meter"], at: ["时间", "At"],
    save: ["保存", "Save"], saved: ["已保存", "Saved"], unreadable: ["请补全条件，数值按所示单位填写", "Complete the conditions; numbers are in the unit shown"], byApi: ["此条件由接口建立，比表单复杂，只能通过接口修改：", "This condition was made by the API and is more than the form can show; change it there:"],
    versions: ["版本", "Versions"], version: ["版本", "Version"], effective: ["生效", "In force from"], inForce: ["当前生效", "in force"], madeBy: ["修改人", "By"], reason: ["理由", "Reason"], change: ["修改", "Change"], effectiveAt: ["生效时间（空为立即）", "In force from (empty: now)"],
    switchOn: ["启用", "Switch on"], switchOff: ["停用", "Switch off"],
    actOn: { title: ["启用规则 {name}？", "Switch {name} on?"], what: ["此后满足条件即产生告警。", "From now on it raises alarms."], back: ["可以随时停用。", "It can be switched off at any time."] },
    actOff: { title: ["停用规则 {name}？", "Switch {name} off?"], what: ["不再产生告警，{alarms} 条未清除告警随之结束。", "It raises none any more; its {alarms} open alarms end."], back: ["可以再次启用。", "It can be switched on again."] },
    actChange: { title: ["修改规则 {name}？", "Change {name}?"], what: ["条件未变时，未清除的告警继续；条件变了，每只表按下一条消息重新判断。启用中的规则须先试算新条件。", "Where it asks the same, open alarms go on; else each meter is judged anew by its next message. Of a rule that is on the new condition was tried before."], back: ["旧版本保留，可照其再改回。", "Earlier versions are kept; it can be changed back."] },
    states: { open: ["待决定", "to be decided"], given: ["已下达", "given"], declined: ["不采纳", "declined"], over: ["告警已结束", "alarm is over"] }, noProposals: ["没有命令建议", "No proposals"], give: ["下达", "Give"], decline: ["不采纳", "Decline"], state: ["状态", "State"],
    signer: ["签名人", "Signer's login"], password: ["密码", "Password"],
    actGive: { title: ["向 {number} 下达命令？", "Give {number} the command?"], what: ["按普通命令处理：配额、签名、审批人照常。", "It goes the way of any command: quotas, signer and second person as ever."], back: ["发出前可撤销。", "It can be called off until it is sent."] },
    actDecline: { title: ["不采纳对 {number} 的建议？", "Decline the proposal for {number}?"], what: ["不下达命令。", "No command is given."], back: ["可在表具页面手工下达。", "It can be given by hand at the meter."] },
  },
} satisfies Words;
