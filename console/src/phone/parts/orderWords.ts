// SPDX-License-Identifier: Apache-2.0
// Words of work orders on the phone, beside those of the orders themselves. They come with the pages that show them.
import { words as orderWords } from "@/features/work_order/words";
import { addWords } from "@/shared/i18n";
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  crew: {
    orders: ["工单", "Work orders"],
    noOrders: ["没有派给您的工单", "No work order is yours"],
    orderGone: ["手机上没有这张工单：可能已改派或办结，请更新。", "This order is not on the phone: it may have been sent to somebody else, or closed. Refresh."],
    toMap: ["在地图中打开", "Open the map"],
    dueBy: ["要求 {at} 前完成", "To be done by {at}"],
    itsMeter: ["扫表上条码核对", "Scan the meter to hold it against the order"],
    isIt: ["就是这只表", "It is this meter"],
    otherMeter: ["扫到的不是工单上的表 {number}，请核对地址。", "This is not meter {number} of the order: look at the address again."],
    newMeter: ["新表条码", "Bar code of the new meter"],
    closing: ["旧表止码 m³", "Closing register of the old one, m³"],
    addPart: ["添加配件", "Add a part"],
    finishOrder: ["完成并上传", "Done: send it"],
    holdOrder: ["挂起", "Hold"],
    holdWhy: ["挂起的原因", "Why it waits"],
    orderDone: ["已完成，等待上传或审核。", "Done; it waits to be sent, or for somebody to look at it."],
    wants: {
      otherMeter: ["扫到的不是这只表", "What was scanned is another meter"],
      parts: ["配件数量、单价或工时填写有误", "A part's quantity or price, or the minutes, cannot be read"],
      answers: ["检查表中的数值填写有误", "A number of the checklist cannot be read"],
      checklist: ["请填完检查表中的必填项", "Answer what the checklist needs"],
      hazards: ["请写明每项隐患的情况；重大隐患须先切断气源", "Say what each hazard is; a critical one is recorded with the supply shut"],
      result: ["请写明现场情况", "Say what you found there"],
      photos: ["请先拍照", "Take the photographs first"],
      signature: ["请用户签名并填写签字人", "Have the customer sign, and write who signed"],
      exchange: ["请扫新表并填写旧表止码、新表起码", "Scan the new meter, and write closing and opening register"],
      reading: ["请填写读数", "Write the register"],
    },
  },
} satisfies Words;

/** Once is enough. */
export function addOrderWords(): void {
  addWords(orderWords);
  addWords(words);
}
