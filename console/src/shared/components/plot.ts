// SPDX-License-Identifier: Apache-2.0
// A chart in the life of its component: ECharts is heavy and comes when the first one is shown; it follows size and theme.
import { onBeforeUnmount, onMounted, shallowRef, useTemplateRef, watch } from "vue";
import { isDark } from "@/shared/theme";

interface Plot {
  resize(): void;
  dispose(): void;
}

/** Draws into the template's element `ref="host"` by what `make` loads; `show` draws anew whenever `watched` changes. */
export function usePlot<P extends Plot>(make: () => Promise<(host: HTMLElement) => P>, watched: () => unknown, show: (plot: P) => void) {
  const host = useTemplateRef<HTMLElement>("host");
  const plot = shallowRef<P | null>(null);
  let observer: ResizeObserver | null = null;
  let gone = false;

  onMounted(async () => {
    const draw = await make();
    if (host.value === null || gone) return;
    const made = draw(host.value);
    plot.value = made;
    observer = new ResizeObserver(() => { made.resize(); });
    observer.observe(host.value);
  });
  watch([plot, watched, isDark], () => {
    if (plot.value !== null) show(plot.value);
  });
  onBeforeUnmount(() => {
    gone = true;
    observer?.disconnect();
    plot.value?.dispose();
  });
}
