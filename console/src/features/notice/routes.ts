// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@/shared/pages";

export const routes: readonly Page[] = [
  { path: "/notices", name: "notices", component: () => import("./pages/NoticeLog.vue"), meta: { title: "notice.log", needs: "handle_notices" } },
  { path: "/notices/channels", name: "notice-channels", component: () => import("./pages/ChannelList.vue"), meta: { title: "notice.channels", needs: "handle_notices", under: "notices" } },
  { path: "/notices/policies", name: "notice-policies", component: () => import("./pages/PolicyList.vue"), meta: { title: "notice.policies", needs: "handle_notices", under: "notices" } },
  { path: "/notices/calendars", name: "notice-calendars", component: () => import("./pages/CalendarList.vue"), meta: { title: "notice.calendars", needs: "handle_notices", under: "notices" } },
  { path: "/notices/persons", name: "notice-persons", component: () => import("./pages/PersonList.vue"), meta: { title: "notice.persons", needs: "manage_notices", under: "notices" } },
  { path: "/notices/templates", name: "notice-templates", component: () => import("./pages/TemplateList.vue"), meta: { title: "notice.templates", needs: "handle_notices", under: "notices" } },
  { path: "/subscriptions", name: "subscriptions", component: () => import("./pages/SubscriptionList.vue"), meta: { title: "notice.subscriptions", needs: "handle_notices", under: "notices" } },
  { path: "/announcements", name: "announcements", component: () => import("./pages/AnnouncementList.vue"), meta: { title: "notice.announcements", needs: "handle_notices", under: "notices" } },
  { path: "/inbox", name: "inbox", component: () => import("./pages/InboxPage.vue"), meta: { title: "notice.inbox" } },
];
