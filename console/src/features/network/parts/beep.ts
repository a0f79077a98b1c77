// SPDX-License-Identifier: Apache-2.0
// Sound where a node fails (R5.5), for who chose sound at the bell; one choice for both.
export const soundIsOn = (): boolean => localStorage.getItem("alarm-sound") === "on";

export function beep(): void {
  if (!soundIsOn()) return;
  const context = new AudioContext();
  const tone = context.createOscillator();
  tone.connect(context.destination);
  tone.frequency.value = 660;
  tone.start();
  tone.stop(context.currentTime + 0.3);
  tone.onended = () => { void context.close(); };
}
