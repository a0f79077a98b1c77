// SPDX-License-Identifier: Apache-2.0
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  routes: {
    title: ["抄表册", "Reading routes"],
    help: ["一册是按抄表路线排好的表；一只表只在一册。指定抄表员后，册子在其手机页面（/field/）上，离线可用。", "A route is meters in the order in which a reader comes by; a meter is in one. Given to a person, it is on that person's phone (/field/), without network too."],
    name: ["名称", "Name"],
    reader: ["抄表员", "Reader"],
    nobody: ["未指定", "Nobody yet"],
    meters: ["表具数", "Meters"],
    numbers: ["表号（每行一只，按路线次序）", "Meter numbers, one a line, in the order of the way"],
    take: ["把其他册中的表移入本册", "Bring meters over from other routes"],
    add: ["新建抄表册", "New route"],
    edit: ["修改", "Change"],
    save: ["保存", "Save"],
    saved: ["已保存", "Saved"],
    remove: ["删除", "Remove"],
    removed: ["已删除", "Removed"],
    removing: ["删除抄表册“{name}”？表具和读数不变。", "Remove the route “{name}”? Its meters and readings stay."],
    removeBack: ["可按原次序再建一册。", "Make it again in the same order."],
  },
  site: {
    tab: ["现场", "On site"],
    note: ["备注", "Note"],
    person: ["安装人", "Installed by"],
    access: { nobody_home: ["无人在家", "Nobody at home"], locked: ["上锁", "Locked"], refused: ["拒绝入户", "Refused"], covered: ["被遮挡、水淹", "Covered or flooded"], unsafe: ["有危险（犬只等）", "Unsafe, such as a dog"], not_found: ["找不到表", "Meter not found"], other: ["其他（写入备注）", "Other (say it in the note)"] },
    visits: ["现场记录", "Visits"],
    photos: ["照片与签名", "Photographs and signatures"],
    see: ["查看（记入审计）", "Look (audited)"],
    noVisits: ["没有现场记录", "No visits"],
    noPhotos: ["没有照片", "No photographs"],
    kinds: { no_access: ["未能抄表", "No access"], installation: ["安装检查表", "Installation checklist"], test: ["现场测试", "Test on the spot"] },
    purposes: { register: ["读数", "Register"], site: ["现场", "Site"], form: ["表单", "Form"], signature: ["签名", "Signature"] },
    facts: {
      room_allowed: ["不在卧室、浴室", "Not in bedroom or bathroom"], fire_distance_cm: ["距火源 cm", "From fire, cm"], torque_nm: ["力矩 N·m", "Torque, N·m"], field_mt: ["磁场 mT", "Field, mT"],
      leak_test_kpa: ["检漏压力 kPa", "Leak test, kPa"], no_leak: ["检漏合格", "No leak"], inlet_valve: ["表前阀", "Inlet valve"], heard_at: ["收到报文", "Heard"], register_m3: ["读数 m³", "Register, m³"],
      rsrp_ddbm: ["RSRP 0.1 dBm", "RSRP, 0.1 dBm"], sinr_ddb: ["SINR 0.1 dB", "SINR, 0.1 dB"], coverage: ["覆盖等级", "Coverage"], signal: ["信号", "Signal"], closed: ["关阀确认", "Closing confirmed"], opened: ["开阀确认", "Opening confirmed"],
    },
  },
} satisfies Words;
