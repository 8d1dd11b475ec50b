/**
 * A load of clients on gateways and runners that are processes of their own, and that are killed with -9 at random.
 *
 * A client sends an order again, as it is, until a gateway has answered it: to another gateway, or to the one that
 * takes the dead one's place. What a process has told before its death is kept as told.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { hear } from './lines.ts';
import { type Month, type NewOrder, newId, type Order } from './orders.ts';
import type { Kind, Programs } from './programs.ts';
import type { Stage } from './stage.ts';

/** A process that has nothing to do says nothing, and dies after so long. */
const IDLE_MS = 2_000;
const [LINES_MAX, LATER_MS, CLERK_MS] = [8, 20, 200];

export interface KillPlan {
  readonly kills: number;
  /** Processes of each kind at once. */
  readonly gateways: number;
  readonly runners: number;
  readonly clients: number;
  /** `dual` for the broken variant. */
  readonly variant?: 'dual';
}

/** What was acknowledged to somebody outside. */
export interface Told {
  /** By Idempotency-Key, every job that was named for it. */
  readonly jobs: Map<string, Set<string>>;
  readonly quotes: Set<string>;
  readonly accepted: Set<string>;
  readonly opened: Set<string>;
  readonly released: Set<string>;
  readonly failed: Set<string>;
  readonly faults: Set<string>;
  /** Digests of the statement of the month: one, if all goes well. */
  readonly closed: Set<string>;
  kills: number;
}

interface Answer {
  readonly n: number;
  readonly job?: string;
  readonly quote?: string;
  readonly leaf?: string | null;
  readonly fault?: string;
}

/** Of a clerk. */
interface ClerkSaid {
  readonly started?: number;
  readonly closed?: string;
  readonly fault?: string;
}

type Said = Answer | Readonly<Record<'opened' | 'released' | 'failed', string>>;

/** One process in its place, which is taken by another when it dies. */
interface Life {
  readonly child: ChildProcess;
  readonly gone: Promise<void>;
  lines: number;
}

/** In what it all happens. */
export interface Surroundings {
  readonly url: string;
  readonly programs: Programs;
  readonly stage: Stage;
}

export class Killing {
  readonly told: Told = {
    jobs: new Map(),
    quotes: new Set(),
    accepted: new Set(),
    opened: new Set(),
    released: new Set(),
    failed: new Set(),
    faults: new Set(),
    closed: new Set(),
    kills: 0,
  };
  readonly #url: string;
  readonly #programs: Programs;
  readonly #stage: Stage;
  readonly #plan: KillPlan;
  readonly #orders: { readonly order: Order; readonly answered: (answer: Answer) => void }[] = [];
  readonly #waiting = new Set<Order>();
  readonly #gateways = new Map<number, Life>();
  #isDone = false;

  constructor({ url, programs, stage }: Surroundings, plan: KillPlan) {
    this.#url = url;
    this.#programs = programs;
    this.#stage = stage;
    this.#plan = plan;
  }

  /** Kills as often as planned under load, then lets everything that was begun come to its end. */
  async run(): Promise<Told> {
    const { gateways, runners, clients } = this.#plan;
    const places = [
      ...Array.from({ length: gateways }, (_, place) => this.#keep('gateway', place)),
      ...Array.from({ length: runners }, (_, place) => this.#keep('runner', place)),
    ];
    await Promise.all(Array.from({ length: clients }, () => this.#client()));
    this.#isDone = true;
    await Promise.all(places);
    return this.told;
  }

  get #isOver(): boolean {
    return this.told.kills >= this.#plan.kills;
  }

  /** Starts a process in a place and kills it, again and again; the last one lives until all orders are answered. */
  async #keep(kind: Kind, place: number): Promise<void> {
    while (!this.#isOver) {
      const life = this.#start(kind, place);
      await this.#mayDie(life);
      if (this.#isOver) return this.#retire(life);
      this.told.kills += 1;
      life.child.kill('SIGKILL');
      await life.gone;
    }
    if (kind === 'gateway') return this.#retire(this.#start(kind, place));
  }

  async #retire(life: Life): Promise<void> {
    while (!this.#isDone) await sleep(10);
    life.child.kill('SIGKILL');
    await life.gone;
  }

  /** A random moment: a little after one of its first lines, which are its start and steps of its work. */
  async #mayDie(life: Life): Promise<void> {
    const lines = 1 + randomInt(LINES_MAX);
    const end = Date.now() + IDLE_MS;
    while (life.lines < lines && Date.now() < end && life.child.exitCode === null) await sleep(3);
    await sleep(randomInt(LATER_MS));
  }

  #start(kind: Kind, place: number): Life {
    const about =
      kind === 'gateway'
        ? [JSON.stringify(this.#stage.template)]
        : [`runner-${place}`, this.#plan.variant ?? ''];
    const child = spawn(process.execPath, [this.#programs.files[kind], this.#url, ...about], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const life: Life = { child, gone, lines: 0 };
    child.stdin.on('error', () => undefined);
    hear(child.stdout, (said) => {
      life.lines += 1;
      this.#heard(said as Said);
    });
    if (kind === 'gateway') {
      this.#gateways.set(place, life);
      // What the one before was asked and did not answer.
      for (const order of this.#waiting) if (order.n % this.#plan.gateways === place) send(life, order);
    }
    return life;
  }

  #heard(said: Said): void {
    if ('n' in said) return this.#answered(said);
    for (const what of ['opened', 'released', 'failed'] as const) {
      const job = (said as Partial<Record<typeof what, string>>)[what];
      if (job !== undefined) this.told[what].add(job);
    }
  }

  /** Two processes may answer the same order: the one that was killed just then, and the next. */
  #answered(answer: Answer): void {
    const { order, answered } = this.#orders[answer.n]!;
    const { job, quote, leaf, fault } = answer;
    if (fault !== undefined) this.told.faults.add(fault);
    if (order.kind === 'submit' && job !== undefined) this.told.jobs.get(order.key)?.add(job);
    if (quote !== undefined) this.told.quotes.add(quote);
    if (order.kind === 'accept' && leaf != null) this.told.accepted.add(order.quote);
    this.#waiting.delete(order);
    answered(answer);
  }

  /** Resolves when an order has been answered, by whichever process. */
  #ask(kind: NewOrder): Promise<Answer> {
    const order = { n: this.#orders.length, ...kind };
    return new Promise((answered) => {
      this.#orders.push({ order, answered });
      this.#waiting.add(order);
      const life = this.#gateways.get(order.n % this.#plan.gateways);
      if (life !== undefined) send(life, order);
    });
  }

  async #client(): Promise<void> {
    const plans = [newId()];
    while (!this.#isOver) {
      await this.#request(plans);
      await sleep(randomInt(20));
    }
  }

  /** One request: of every four one repeats a Plan, of every five one has little money, of every three one has a quote. */
  async #request(plans: string[]): Promise<void> {
    const plan = randomInt(4) === 0 ? plans[randomInt(plans.length)]! : newId();
    plans.push(plan);
    const grant = randomInt(5) === 0 ? this.#stage.poor : this.#stage.grant;
    const quote = randomInt(3) === 0 ? (await this.#ask({ kind: 'quote', plan, grant })).quote : undefined;
    if (quote !== undefined && randomInt(2) === 0) await this.#ask({ kind: 'accept', quote });
    const key = newId();
    this.told.jobs.set(key, new Set());
    await this.#ask({ kind: 'submit', plan, grant, key, quote: quote ?? null });
  }
}

function send({ child }: Life, order: Order): void {
  child.stdin?.write(`${JSON.stringify(order)}\n`);
}

/** Clerks who all close one month, two at a time, each of whom is killed a moment after it has begun. */
export async function killClerks(
  { url, programs }: Omit<Surroundings, 'stage'>,
  month: Month,
  { told, kills }: { readonly told: Told; readonly kills: number },
): Promise<void> {
  const clerk = async (): Promise<void> => {
    const child = spawn(process.execPath, [programs.files.clerk, url, JSON.stringify(month)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    hear(child.stdout, (said) => {
      const { started, closed, fault } = said as ClerkSaid;
      if (started !== undefined) setTimeout(() => child.kill('SIGKILL'), randomInt(CLERK_MS));
      if (closed !== undefined) told.closed.add(closed);
      if (fault !== undefined) told.faults.add(`a clerk: ${fault}`);
    });
    await gone;
    told.kills += 1;
  };
  for (let killed = 0; killed < kills; killed += 2) await Promise.all([clerk(), clerk()]);
}
