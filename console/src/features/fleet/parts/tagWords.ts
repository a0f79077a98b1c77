// SPDX-License-Identifier: Apache-2.0
// Words of a utility's own tags. They come with the list of meters, not with the frame.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  tag: {
    title: ["标签", "Tags"],
    one: ["标签", "Tag"],
    colour: ["颜色", "Colour"],
    colours: {
      grey: ["灰", "Grey"],
      red: ["红", "Red"],
      amber: ["橙", "Amber"],
      green: ["绿", "Green"],
      blue: ["蓝", "Blue"],
      purple: ["紫", "Purple"],
    },
    help: ["标签由本单位自定，用于筛选和导出，不影响抄表、计费和命令。", "Tags are the utility's own words for lists and files. They change nothing of readings, bills or commands."],
    name: ["名称", "Name"],
    add: ["新建标签", "Add tag"],
    added: ["已新建标签", "The tag was added"],
    edit: ["修改 {name}", "Change {name}"],
    changed: ["已修改标签", "The tag was changed"],
    remove: ["删除", "Remove"],
    removeOne: ["删除标签 {name}", "Remove the tag {name}"],
    removeTitle: ["删除标签“{name}”？", "Remove the tag “{name}”?"],
    removeWhat: ["{n} 只表具的该标签随之取下；表具和读数不变。", "{n} meters lose it; meters and readings stay as they are."],
    removeMany: ["超过 {n} 只表具的该标签随之取下；表具和读数不变。", "More than {n} meters lose it; meters and readings stay as they are."],
    removeBack: ["不能恢复，只能新建后重新加上。", "None but adding it anew and putting it on again."],
    removed: ["已删除标签", "The tag was removed"],
    put: ["加标签", "Put on"],
    take: ["取下标签", "Take off"],
    toAll: ["用于筛选出的全部表具（所有页）", "For all meters that the filters take, on every page"],
    putTitle: ["给 {n} 只表具加标签“{name}”？", "Put the tag “{name}” on {n} meters?"],
    takeTitle: ["取下 {n} 只表具的标签“{name}”？", "Take the tag “{name}” off {n} meters?"],
    chosen: ["所选范围共 {n} 只表具。", "These are {n} meters in all."],
    putWhat: ["其中 {n} 只还没有该标签，将加上。", "{n} of them have it not and get it."],
    takeWhat: ["其中 {n} 只有该标签，将取下。", "{n} of them have it and lose it."],
    putBack: ["可再取下；审计日志记录涉及哪些表具。", "It can be taken off again; the audit log has which meters."],
    takeBack: ["可再加上；审计日志记录涉及哪些表具。", "It can be put on again; the audit log has which meters."],
    putDone: ["已给 {n} 只表具加标签", "{n} meters got the tag"],
    takeDone: ["已取下 {n} 只表具的标签", "{n} meters lost the tag"],
  },
} satisfies Words;
