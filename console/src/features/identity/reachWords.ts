// SPDX-License-Identifier: Apache-2.0
// Words of where a person's rights hold. They come with their pages.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  reach: {
    short: ["范围", "Reach"],
    all: ["整个单位", "the whole utility"],
    help: ["角色在哪里有效。范围之外的区域、表具、用户、账单、告警、工单等均不可见，搜索、合计、导出、实时画面中也没有。留空表示不限。", "Where the role holds. What lies outside – meters, customers, bills, alarms, orders – is not there, in searches, sums, exports and live views neither. What is left empty limits nothing."],
    places: ["区域（含下级）", "Places, each with all below it"],
    everywhere: ["不限区域", "Everywhere"],
    add: ["添加区域", "Add a place"],
    choose: ["请选择", "Choose"],
    media: ["介质", "Media"],
    gas: ["燃气", "Gas"],
    water: ["水", "Water"],
    bothMedia: ["不限介质", "Water and gas"],
    products: ["产品（供厂家人员使用）", "Products, for a maker's people"],
    allProducts: ["不限产品", "All products"],
    whole: ["权限不再受限，可及整个单位。", "The rights are not limited any more: they hold in the whole utility."],
    onlyPlaces: ["只能看到和处理：{places}（含下级）。", "Only what lies in or below these is seen and worked on: {places}."],
    onlyMedia: ["只限：{media}。", "Only {media}."],
    onlyProducts: ["只限 {n} 个产品的表具，不含用户和账务。", "Only meters of {n} products, without customers and money."],
    notWhole: ["针对整个单位的操作（人员、设置、密钥、价目、收款、后台任务等）不可用，无论角色如何。", "What concerns the whole utility – people, settings, keys, tariffs, taking money, jobs – is closed, whatever the role."],
    keepTitle: ["更改 {name} 的权限范围？", "Change the reach of {name}'s rights?"],
    keep: ["保存", "Save"],
    back: ["随时可以在此改回；已吊销的令牌须重新创建。", "It can be set back here at any time; revoked tokens must be made anew."],
    somePlaces: ["{n} 个区域", "{n} places"],
    someProducts: ["{n} 个产品", "{n} products"],
  },
} satisfies Words;
