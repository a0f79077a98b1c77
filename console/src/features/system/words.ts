// SPDX-License-Identifier: Apache-2.0
// Words of the running system, dead letters and the gallery of states.
import type { Words } from "@/shared/i18n/bilingual";

export const words = {
  system: {
    title: ["系统", "System"],
    counters: ["计数器", "Counters"],
    stream: ["上行流积压", "Uplink stream lag"],
    shard: ["分片", "Shard"],
    lag: ["积压", "Lag"],
    engines: ["引擎", "Engines"],
    deadLetters: ["死信", "Dead letters"],
    reason: ["原因", "Reason"],
    detail: ["说明", "Detail"],
    offset: ["字节", "Byte"],
    replay: ["重放", "Replay"],
    dismiss: ["忽略", "Dismiss"],
    replayed: ["已提交重放", "Replay requested"],
    dismissed: ["已忽略", "Dismissed"],
    status: ["状态", "Status"],
    statuses: { open: ["待处理", "Open"], replayed: ["已重放", "Replayed"], dismissed: ["已忽略", "Dismissed"] },
    noDeadLetters: ["没有死信", "No dead letters"],
    refreshed: ["每 {seconds} 秒更新", "updated every {seconds} s"],
    processes: ["进程", "Processes"],
    guest: ["本平台由其他单位运维；此处只显示本单位的数据。", "This platform is run by another organisation; only your own figures are shown."],
    guestCounters: {
      meters: ["在用表具", "Meters in use"],
      alarms_open: ["未清除告警", "Alarms not cleared"],
      exceptions_open: ["待判数据", "To judge"],
      dead_letters_open: ["未处理死信", "Dead letters"],
      jobs_waiting: ["进行中的任务", "Jobs at work"],
    },
    replayAll: ["重放本页", "Replay this page"],
  },
  gallery: {
    title: ["界面状态样例", "Gallery of states"],
    help: ["供测试与设计核对：空、加载、错误、十万行。", "For tests and design: empty, loading, error, 100,000 rows."],
    empty: ["空", "Empty"],
    loading: ["加载", "Loading"],
    error: ["错误", "Error"],
    lost: ["连接中断", "Connection lost"],
    rows: ["十万行", "100,000 rows"],
    problemTitle: ["服务器繁忙", "The server is busy"],
    problemDetail: ["请稍后再试。", "Please try again later."],
    row: ["行", "Row"],
  },
} satisfies Words;
