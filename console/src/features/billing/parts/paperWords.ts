// SPDX-License-Identifier: Apache-2.0
// Words of printed bills. They come with their pages, not with the frame: nobody needs them before.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  paper: {
    makeFiles: ["生成账单文件", "Make the files"],
    filesNote: ["批次号见出账页；每 5,000 张一个 ZIP", "The run's number is on the page of runs; 5,000 bills in each ZIP file"],
    noFiles: ["还没有生成过账单文件", "No files were made yet"],
    pieces: ["文件", "Files"],
    piece: ["第 {piece} 个", "File {piece}"],
    jobs: { queued: ["等待", "waits"], running: ["进行中", "at work"], done: ["已完成", "done"], failed: ["失败", "failed"], cancelled: ["已取消", "called off"] },
    address: ["地址", "Address"],
    phone: ["客服电话", "Service phone"],
    payLink: ["缴费链接（含 {'{code}'}）", "Pay link (with {'{code}'})"],
    badLink: ["链接须以 https:// 开头并含一处 {'{code}'}", "The link begins with https:// and holds {'{code}'} once"],
    noteZh: ["附言（中文账单）", "Note on Chinese bills"],
    noteEn: ["附言（英文账单）", "Note on English bills"],
    taxNumber: ["纳税人识别号", "Tax number"],
    bank: ["开户行及账号", "Bank and account"],
    save: ["保存", "Save"],
    actLetterhead: { title: ["更改账单抬头？", "Change the letterhead?"], what: ["以后打印的账单都用新抬头，补打的旧账单也是。", "Bills that are printed from now on have it, older ones too."], back: ["可随时再改；每次更改都有记录。", "It can be changed again; each change is kept."] },
  },
} satisfies Words;
