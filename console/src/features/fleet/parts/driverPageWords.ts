// SPDX-License-Identifier: Apache-2.0
// Words of driver pages that a utility adds. They come with their page.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  driverPages: {
    help: ["本单位自行加装的驱动页：厂家报文的描述与示例帧。检查通过后数秒内在各进程生效，无需重启；旧版本保留，可随时退回。", "Pages that your utility added: what a maker's frames mean, with frames that prove it. What passes its check is taken up by every process within seconds, without a restart; earlier texts stay, and you can go back."],
    none: ["没有自行加装的驱动页", "No pages of your own"],
    name: ["名称", "Name"],
    version: ["版本", "Version"],
    off: ["已撤下", "taken away"],
    grade: ["等级", "Grade"],
    products: ["使用的产品", "Products"],
    vectors: ["向量", "Vectors"],
    at: ["时间", "When"],
    by: ["操作人", "Who"],
    why: ["理由", "Why"],
    show: ["查看文本", "Show text"],
    holds: ["当前版本", "holds"],
    text: ["在此粘贴驱动页文本（TOML）", "Paste the page's text (TOML) here"],
    check: ["检查", "Check"],
    good: ["{name} 可用：{count} 个向量全部相符；标准点：{points}", "{name} is sound: all {count} vectors are read as they say; points: {points}"],
    take: ["加装", "Take it in"],
    taken: ["已加装，数秒内在各进程生效", "Taken in; every process has it within seconds"],
    takeTitle: ["加装驱动页 {name}？", "Take in the page {name}?"],
    takeWhat: ["{products} 个产品的报文从此按新文本解析", "Messages of {products} products are read by the new text from now on"],
    takeVectors: ["{count} 个向量已核对", "Its {count} vectors were tried"],
    takeBack: ["可退回任一旧版本；期间的无法解析报文会保留，可重新处理", "You can go back to any earlier text; messages that were unreadable meanwhile are kept, and can be processed anew"],
    choose: ["改用此版本", "Let this hold"],
    chooseTitle: ["{name} 改用第 {version} 版？", "Let version {version} of {name} hold?"],
    chooseWhat: ["该驱动的全部产品从此按此文本解析", "Messages of all its products are read by this text from now on"],
    remove: ["撤下", "Take away"],
    removeTitle: ["撤下驱动页 {name}？", "Take the page {name} away?"],
    removeWhat: ["不能再选用；有产品使用时不可撤下", "It can be chosen no more; refused while products are read by it"],
    removeBack: ["改用任一版本即可恢复", "Letting a version hold brings it back"],
  },
} satisfies Words;
