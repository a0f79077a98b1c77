// SPDX-License-Identifier: Apache-2.0
// How a feature names its pages (routes.ts) and its entries in the navigation (nav.ts). The app collects both.
import type { Component } from "vue";
import type { RouteMeta, RouteRecordSingleView } from "vue-router";
import type { Permission } from "@/api/types";

declare module "vue-router" {
  interface RouteMeta {
    /** Key of the page's title. */
    title: string;
    /** What a person must be allowed to open the page; everybody may when absent. */
    needs?: Permission;
    /** Name of the page whose entry in the navigation it belongs to; its own when absent. */
    under?: string;
    /** Stands alone, without the frame of navigation and search. */
    alone?: boolean;
    /** Open without a session. */
    open?: boolean;
  }
}

export type Page = RouteRecordSingleView & {
  name: string;
  /** Loaded when the page is first opened. */
  component: () => Promise<Component>;
  meta: RouteMeta;
};

/** An entry of the navigation. It leads to the page and has its title; who may open the page sees it. */
export interface NavEntry {
  page: string;
  icon: Component;
  /** Place among all entries, the lowest first. */
  order: number;
}
