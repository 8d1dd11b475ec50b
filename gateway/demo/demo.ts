/**
 * `unseen demo`: the whole life of an answer on one machine, in a fresh temporary directory, over real HTTP.
 *
 * It says what it does, shows each answer beside its error bar, and prints no exact answer. It fails (exit 1) when a
 * step does not do what it should: a demo that cannot fail proves nothing.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportSigningKey, generateSigningKey, type SigningKey } from '#crypto/ed25519-key.ts';
import { verifyReceipt } from '#crypto/receipt.ts';
import { parsePublicJwk } from '#crypto/ed25519-key.ts';
import { render, say, type SentenceId } from '#policies/words.ts';
import { describeJail } from '#sandbox/jail/jail.ts';
import { renderAnswer } from '../cli/answer.ts';
import type { Terminal } from '../cli/terminal.ts';
import { Client } from '../client/client.ts';
import { ProblemError } from '../client/problem.ts';
import type { Ask, Job, Quote, Release } from '../client/resources.ts';
import { serve, type Served } from '../embedded.ts';
import { FLIGHTS_POLICY, findFlights, flightsManifest } from './flights.ts';
import { runStatements } from './generate.ts';
import { plainGrant } from '../services/plain-grant.ts';
import { billingDemo } from './billing.ts';
import { Calendar } from './calendar.ts';
import { encryptedDemo } from './encrypted.ts';
import { programsDemo, type Stage } from './programs.ts';
import { sampleTruth, visitsManifest, visitsPolicy, visitsStatement } from './visits.ts';

const SEED = 20_251_121;
const SAMPLE_SEED = 7;
const PURPOSE = 'public_health';
const TIME_ZONE = 'Asia/Shanghai';
const VISITS_COLUMNS = ['region', 'hospital_level', 'diagnosis', 'visited_on', 'age', 'cost', 'insured'];

export interface DemoOptions {
  readonly keep: boolean;
  readonly flights: boolean;
  readonly programs: boolean;
  readonly encrypted: boolean;
  readonly billing: boolean;
}

/** A ledger as operators see it. */
interface LedgerText {
  readonly lineage: string;
  readonly capacity: { readonly nano: string } | null;
  readonly left: { readonly nano: string } | null;
}

interface Party {
  readonly account: string;
  readonly key: SigningKey;
  readonly client: Client;
}

/** Runs the demo; the exit code. */
export async function runDemo(terminal: Terminal, options: DemoOptions): Promise<number> {
  const started = performance.now();
  const directory = mkdtempSync(join(tmpdir(), 'unseen-demo-'));
  // Before the server, whose clock it is.
  using calendar = options.billing ? new Calendar(TIME_ZONE) : null;
  const served = await serve({
    dataDir: join(directory, 'server'),
    host: '127.0.0.1',
    gatewayPort: options.keep ? 7788 : 0,
    runnerPort: options.keep ? 7789 : 0,
    timeZone: TIME_ZONE,
    reportAbort: () => undefined,
    reportBug: (error, id) =>
      terminal.err(`${id}: ${error instanceof Error ? error.stack : String(error)}\n`),
  });
  try {
    const demo = new Demo(terminal, served, directory);
    await demo.introduce();
    if (calendar !== null) await demo.billing(calendar);
    else if (options.programs) await demo.programs();
    else if (options.encrypted) await demo.encrypted();
    else await (options.flights ? demo.flights() : demo.visits());
    await demo.line('demo.done', { seconds: seconds(started) });
    if (options.keep) await demo.stay();
    return demo.failures === 0 ? 0 : 1;
  } finally {
    await served.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

class Demo {
  failures = 0;
  readonly #terminal: Terminal;
  readonly #served: Served;
  readonly #directory: string;
  readonly #parties = new Map<string, Party>();
  #lastJob: string | null = null;

  constructor(terminal: Terminal, served: Served, directory: string) {
    this.#terminal = terminal;
    this.#served = served;
    this.#directory = directory;
  }

  line(id: SentenceId, args: Readonly<Record<string, string | number>> = {}): Promise<void> {
    return this.#terminal.out(`${render(say(id, args), this.#terminal.language)}\n`);
  }

  /** Servers, jail, and the three organisations: operator, provider, buyer. */
  async introduce(): Promise<void> {
    const { gatewayUrl, runnerUrl, label } = this.#served;
    await this.line('demo.served', {
      gateway: gatewayUrl,
      runner: runnerUrl,
      label: render(label, this.#terminal.language),
    });
    const { layers, missing } = await describeJail();
    await this.line('demo.jail', { layers: layers.join(', '), missing: missing.join(', ') || '–' });
    this.#party(this.#served.operator.account, this.#served.operator.key);
    await this.#join('provider', 'city-provider', ['provider']);
    await this.#join('buyer', 'city-buyer', ['buyer']);
  }

  /** An account with a key of its own, of an organisation that is made where it is not there. */
  async #join(id: string, organisation: string, roles: readonly string[]): Promise<void> {
    const { client } = this.#parties.get(this.#served.operator.account)!;
    if (!(await client.organisations()).some((known) => known.id === organisation)) {
      const name = organisation.replace('city-', 'City ');
      await client.createOrganisation({ id: organisation, name, region: 'CN', sector: 'health' });
    }
    const key = generateSigningKey();
    await client.createAccount({ id, organisation, roles: [...roles], jwk: { ...key.publicJwk } });
    this.#party(id, key);
  }

  async visits(): Promise<void> {
    await this.#makeVisits();
    await this.#register('visits', 'public');
    await this.#register('sample', 'synthetic');
    const visits = await this.#grant('visits', VISITS_COLUMNS);
    const regions =
      'SELECT region, COUNT(*) AS visits, AVG(cost) AS mean_cost FROM visits WHERE age >= 18 GROUP BY region';
    const first = await this.#ask('demo.titleRegions', { grant: visits, purpose: PURPOSE, sql: regions });
    await this.#ask('demo.titleDiagnoses', {
      grant: visits,
      purpose: PURPOSE,
      sql: 'SELECT diagnosis, SUM(cost) AS spend FROM visits GROUP BY diagnosis ORDER BY spend DESC',
    });
    await this.#ask('demo.titleMonths', {
      grant: visits,
      purpose: PURPOSE,
      sql: "SELECT date_trunc('month', visited_on) AS month, COUNT(*) AS visits FROM visits GROUP BY month",
    });
    await this.#refused('demo.titleRows', 'NOT_AGGREGATE', {
      grant: visits,
      purpose: PURPOSE,
      sql: 'SELECT * FROM visits',
    });
    await this.#refused('demo.titlePurpose', 'PURPOSE_NOT_GRANTED', {
      grant: visits,
      purpose: 'market_analysis',
      sql: regions,
    });
    await this.#repeat({ grant: visits, purpose: PURPOSE, sql: regions }, first);
    await this.#ask('demo.titleSample', {
      grant: 'practice:sample',
      purpose: PURPOSE,
      sql: 'SELECT hospital_level, COUNT(*) FROM sample GROUP BY hospital_level',
    });
    await this.#account('visits');
  }

  programs(): Promise<void> {
    return programsDemo(this.#stage());
  }

  encrypted(): Promise<void> {
    return encryptedDemo(this.#stage(), join(this.#directory, 'server'));
  }

  /** With those who look over each other's shoulders: a second clerk of the operator, and two supervisors. */
  async billing(calendar: Calendar): Promise<void> {
    const operator = (await this.#parties.get('operator')!.client.me()).organisation.id;
    await this.#join('second', operator, ['operator', 'billing']);
    await this.#join('supervisor', 'city-supervision', ['supervisor']);
    await billingDemo({ ...this.#stage(), terminal: this.#terminal, calendar, operator });
  }

  /** What a part of its own needs of this one. */
  #stage(): Stage {
    return {
      directory: this.#directory,
      purpose: PURPOSE,
      client: (party) => this.#parties.get(party)!.client,
      line: (id, args) => this.line(id, args),
      text: (text) => this.#terminal.out(text),
      grant: (dataset, columns) => this.#grant(dataset, columns),
      fail: () => {
        this.failures += 1;
      },
    };
  }

  async flights(): Promise<void> {
    const file = findFlights();
    if (file === null) {
      this.failures += 1;
      return this.line('demo.flightsAbsent');
    }
    const provider = this.#parties.get('provider')!;
    const { versionId } = await provider.client.registerDataset({
      manifest: flightsManifest(file),
      policy: FLIGHTS_POLICY,
      baseDirectory: this.#directory,
    });
    await this.line('demo.registered', { dataset: 'flights', version: versionId });
    await this.line('demo.flights');
    const grant = await this.#grant('flights', ['date', 'delay', 'distance', 'origin', 'destination']);
    const sql =
      'SELECT origin, COUNT(*) AS flights, AVG(delay) AS mean_delay FROM flights GROUP BY origin ORDER BY flights DESC';
    const first = await this.#ask('demo.titleRoutes', { grant, purpose: PURPOSE, sql });
    await this.#ask('demo.titleYear', {
      grant,
      purpose: PURPOSE,
      sql: "SELECT date_trunc('month', date) AS month, COUNT(*) AS flights FROM flights GROUP BY month",
    });
    await this.#refused('demo.titleRows', 'NOT_AGGREGATE', {
      grant,
      purpose: PURPOSE,
      sql: 'SELECT * FROM flights',
    });
    await this.#repeat({ grant, purpose: PURPOSE, sql }, first);
    await this.#account('flights');
  }

  /** Two files from two seeds, and the published truth about the synthetic one. */
  async #makeVisits(): Promise<void> {
    const started = performance.now();
    const file = (name: string): string => join(this.#directory, `${name}.parquet`);
    await runStatements([
      visitsStatement(file('visits'), SEED),
      visitsStatement(file('sample'), SAMPLE_SEED),
    ]);
    const truth = await runStatements([sampleTruth(file('sample'))]);
    writeFileSync(join(this.#directory, 'sample-true-answers.json'), `${JSON.stringify(truth, null, 2)}\n`);
    const [[rows]] = (await runStatements([`SELECT count(*) FROM '${file('visits')}'`])) as [[string]];
    await this.line('demo.data', {
      rows: `> ${Math.floor(Number(rows) / 10_000) * 10_000}`,
      seconds: seconds(started),
    });
  }

  async #register(name: 'visits' | 'sample', origin: 'public' | 'synthetic'): Promise<void> {
    const provider = this.#parties.get('provider')!;
    const { versionId } = await provider.client.registerDataset({
      manifest: visitsManifest({ name, file: `${name}.parquet`, origin }),
      policy: visitsPolicy(origin),
      baseDirectory: this.#directory,
    });
    await this.line('demo.registered', { dataset: name, version: versionId });
  }

  /** Filed by the operator, approved on both sides by those whose business it is. */
  async #grant(dataset: string, columns: readonly string[]): Promise<string> {
    const [operator, provider, buyer] = ['operator', 'provider', 'buyer'].map((name) =>
      this.#parties.get(name)!,
    ) as [Party, Party, Party];
    const id = `demo-${dataset}`;
    const file = plainGrant(
      {
        id,
        dataset,
        columns,
        authoriser: 'city-provider',
        holder: 'city-buyer',
        purpose: PURPOSE,
        scene: 'demo',
        runs: 100,
      },
      Date.now(),
    );
    await operator.client.createGrant(file);
    await provider.client.approveGrant(id, { side: 'provider' });
    await buyer.client.approveGrant(id, { side: 'buyer' });
    await this.line('demo.granted', { grant: id, purpose: PURPOSE });
    return id;
  }

  async #ask(title: SentenceId, ask: Ask): Promise<Release> {
    await this.#head(title, ask);
    const buyer = this.#parties.get('buyer')!.client;
    const quote = await buyer.quote(ask);
    await this.#showQuote(quote);
    const job = await this.#run({ ...ask, quote: quote.id });
    const release = await buyer.release(job.releaseId!, job.id);
    await this.#terminal.out(`${renderAnswer(this.#terminal, { ...release, notes: [] })}\n`);
    return release;
  }

  async #showQuote({ price, summary }: Quote): Promise<void> {
    await this.line('demo.quoted', { price: Number(price?.amountFen ?? 0) / 100, summary: summary ?? '' });
  }

  async #run(ask: Ask & { readonly quote?: string }): Promise<Job> {
    const buyer = this.#parties.get('buyer')!.client;
    const job = await buyer.waitForJob((await buyer.submit(ask)).id);
    if (job.releaseId === null) throw new Error(`the demo's request ended as ${job.outcome}/${job.code}`);
    this.#lastJob = job.id;
    return job;
  }

  async #refused(title: SentenceId, code: string, ask: Ask): Promise<void> {
    await this.#head(title, ask);
    try {
      await this.#parties.get('buyer')!.client.submit(ask);
      this.failures += 1;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      if (error.code !== code) this.failures += 1;
      await this.line('demo.refused', { code: error.code, detail: error.detail });
    }
    await this.#terminal.out('\n');
  }

  async #repeat(ask: Ask, first: Release): Promise<void> {
    const job = await this.#run(ask);
    const again = await this.#parties.get('buyer')!.client.release(job.releaseId!, job.id);
    const same = JSON.stringify(again.outputs) === JSON.stringify(first.outputs);
    if (!same) this.failures += 1;
    await this.line('demo.repeated', {
      same: render(say(same ? 'demo.same' : 'demo.different'), this.#terminal.language),
    });
    await this.#terminal.out('\n');
  }

  async #head(title: SentenceId, ask: Ask): Promise<void> {
    await this.line('demo.asks', { title: render(say(title), this.#terminal.language) });
    await this.#terminal.out(`  ${ask.sql}\n`);
  }

  /** What is left, what was used, what can be proven, and what the operator sees. */
  async #account(dataset: string): Promise<void> {
    const operator = this.#parties.get('operator')!.client;
    const buyer = this.#parties.get('buyer')!.client;
    const jobs = await operator.jobs();
    const count = (outcome: string): number => jobs.filter((job) => job.outcome === outcome).length;
    const view = (await operator.dataset(dataset)) as { readonly budget?: readonly LedgerText[] | null };
    for (const { lineage, left, capacity } of view.budget ?? []) {
      await this.line('demo.budget', {
        lineage,
        left: left?.nano ?? '∞',
        capacity: capacity?.nano ?? '∞',
      });
    }
    await this.line('demo.usage');
    const events: unknown[] = [];
    for await (const event of buyer.usage()) events.push(event);
    await this.#terminal.out(`${JSON.stringify(events.at(-1))}\n`);
    await this.#verify(buyer);
    await this.line('demo.operator', {
      count: jobs.length,
      released: count('released'),
      refused: count('refused'),
    });
  }

  async #verify(buyer: Client): Promise<void> {
    const { receipt, proof } = await buyer.receipt(this.#lastJob!);
    if (receipt === null) throw new Error('a released answer has a receipt');
    const keySet = (await buyer.keySet()) as { readonly keys: readonly Record<string, unknown>[] };
    const keys = keySet.keys.map(({ kty, crv, x }) => parsePublicJwk({ kty, crv, x }));
    const logKey = (await buyer.logKey()).trim();
    const verification = await verifyReceipt({ receipt, keys, ...(proof === null ? {} : { proof, logKey }) });
    if (verification.verdict !== 'valid') this.failures += 1;
    const checks = verification.checks.map(({ name, state }) => `${name} ${state}`).join(', ');
    await this.line('demo.verified', { verdict: verification.verdict, checks });
    writeFileSync(join(this.#directory, 'receipt.jwt'), receipt);
    writeFileSync(join(this.#directory, 'keys.json'), JSON.stringify(keySet));
  }

  /** Prints three commands for a second terminal and waits for Ctrl-C. */
  async stay(): Promise<void> {
    const buyer = this.#parties.get('buyer')!;
    const keyFile = join(this.#directory, 'buyer-key.jwk');
    writeFileSync(keyFile, JSON.stringify(exportSigningKey(buyer.key)), { mode: 0o600 });
    const login = `npx unseen login --profile demo --url ${this.#served.gatewayUrl} --account buyer --key ${keyFile} && export UNSEEN_PROFILE=demo`;
    await this.line('demo.truth', { file: join(this.#directory, 'sample-true-answers.json') });
    await this.line('demo.kept');
    await this.#terminal.out(
      [
        `${login} && npx unseen query --grant demo-visits --purpose ${PURPOSE} --sql 'SELECT region, MEDIAN(cost) FROM visits GROUP BY region'`,
        `npx unseen query --grant demo-visits --purpose ${PURPOSE} --sql 'SELECT note FROM visits'`,
        `npx unseen verify ${join(this.#directory, 'receipt.jwt')} --keys ${join(this.#directory, 'keys.json')}`,
        '',
      ].join('\n'),
    );
    await this.#terminal.stopped();
  }

  #party(account: string, key: SigningKey): Party {
    const { gatewayUrl, runnerUrl } = this.#served;
    const client = new Client({
      url: gatewayUrl,
      runnerUrl,
      account,
      key,
      language: this.#terminal.language,
    });
    const party = { account, key, client };
    this.#parties.set(account, party);
    return party;
  }
}

function seconds(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}
