// SPDX-License-Identifier: Apache-2.0
import type { Plugin } from "vite";

export function fieldWorker(app: string): Plugin;
export function reached(bundle: Record<string, unknown>, start: string): string[];
