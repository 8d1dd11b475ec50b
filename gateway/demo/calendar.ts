/**
 * A calendar that the demo turns: bills are made when a month is over, and nobody waits for that.
 *
 * It moves the clock of this whole process ahead: of server, database and clients, which are modules of it. Only the demo
 * does so. Not covered: jailed processes, which have the machine's clock and are asked for no time.
 */
import { nextPeriod, periodBounds, periodOf } from '../billing/period.ts';

const HOUR_MS = 3_600_000;

/** The clock, ahead by as much as it was turned, until it is disposed of. */
export class Calendar implements Disposable {
  readonly #clock = Date;
  readonly #timeZone: string;
  #aheadMs = 0;

  constructor(timeZone: string) {
    this.#timeZone = timeZone;
    const now = (): number => this.#clock.now() + this.#aheadMs;
    globalThis.Date = new Proxy(this.#clock, {
      construct: (clock, args: readonly unknown[], target) =>
        Reflect.construct(clock, args.length === 0 ? [now()] : args, target) as Date,
      get: (clock, name) => (name === 'now' ? now : (Reflect.get(clock, name) as unknown)),
    });
  }

  /** The month that it is. */
  get month(): string {
    return periodOf(new Date(), this.#timeZone);
  }

  /** Turns the page: it is nine in the morning of the first day of the next month. */
  turn(): void {
    const { from } = periodBounds(nextPeriod(this.month), this.#timeZone);
    this.#aheadMs += from.getTime() + 9 * HOUR_MS - Date.now();
  }

  [Symbol.dispose](): void {
    globalThis.Date = this.#clock;
  }
}
