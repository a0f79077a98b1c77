// SPDX-License-Identifier: Apache-2.0
// Messages a second. The server tells how many it applied, batch by batch, at most once in about a second a shard; the
// figure is a mean of the last seconds, so that it does not jump between nothing and a batch.

export const SHOWN_S = 120;
const MEAN_S = 5;

export class RateMeter {
  private sinceTick = 0;
  private readonly seconds: number[] = [];
  private rates: number[] = [];

  add(count: number): void {
    this.sinceTick += count;
  }

  /** To be called once a second; the rates of the last `SHOWN_S` seconds, oldest first. */
  tick(): readonly number[] {
    this.seconds.push(this.sinceTick);
    this.sinceTick = 0;
    if (this.seconds.length > MEAN_S) this.seconds.shift();
    const mean = this.seconds.reduce((sum, count) => sum + count, 0) / this.seconds.length;
    this.rates = [...this.rates, Math.round(mean * 10) / 10].slice(-SHOWN_S);
    return this.rates;
  }
}
