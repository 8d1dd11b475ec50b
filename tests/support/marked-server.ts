/**
 * A running server over a file whose every value can be told apart, with an account for each role and runs that have ended.
 *
 * Secret are the values that no manifest lists: identities, hidden notes, keys of one person, exact amounts. They are
 * looked for as they are written and inside whatever a text holds in base64url.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportSigningKey, generateSigningKey, type SigningKey } from '#crypto/ed25519-key.ts';
import { Client } from '#gateway/client/client.ts';
import type { Job } from '#gateway/client/resources.ts';
import { serve, type Served } from '#gateway/embedded.ts';
import { type Role, ROLES } from '#policies/roles.ts';
import { type CommandLine, commandLine } from '#tests/cli/captured-terminal.ts';
import { Folder } from '#tests/lab/lab-process.ts';
import { MODULE, visitsManifest } from './visits-program.ts';
import { openGrant, openShop } from './journey.ts';

const ROWS = 400;
export const MANIFEST = {
  kind: 'Dataset',
  name: 'visits',
  source: { type: 'csv', path: 'visits.csv' },
  privacyUnit: 'patient',
  origin: 'public',
  grade: 'general',
  maxRows: 1_000,
  columns: {
    patient: { type: 'string', role: 'unit' },
    ward: { type: 'string', role: 'key', values: ['north', 'south'] },
    diagnosis: { type: 'string', role: 'key' },
    age: { type: 'integer', bounds: [0, 120] },
    cost: { type: 'number', bounds: [0, 1_000] },
    note: { type: 'string', role: 'hidden' },
  },
};
export const POLICY = {
  kind: 'ReleasePolicy',
  mechanism: 'gaussian',
  budget: { epsilon: 40, delta: 1e-6 },
  perJob: { epsilon: 0.5, max: 1, delta: 1e-7, thresholdDelta: 1e-9 },
  maxGroupsPerUnit: 2,
  maxRowsPerUnit: 4,
  minimumCohort: 10,
  keys: 'thresholded',
  timing: 'exact',
  jail: 'preferred',
};

/** What a buyer asks for: some of it is answered, the rest seeks a row by every way that SQL has. */
export const ANSWERED = [
  'SELECT ward, COUNT(*) AS visits, AVG(cost) AS mean FROM visits GROUP BY ward',
  'SELECT diagnosis, COUNT(*) AS visits, SUM(cost) AS spend FROM visits GROUP BY diagnosis',
  'SELECT MEDIAN(cost) AS middle FROM visits WHERE age > 30',
];
export const SEEKING = [
  'SELECT * FROM visits',
  'SELECT note FROM visits LIMIT 1',
  'SELECT patient, COUNT(*) FROM visits GROUP BY patient',
  'SELECT note, COUNT(*) FROM visits GROUP BY note',
  'SELECT MIN(note), MAX(patient) FROM visits',
  'SELECT SUM(CAST(note AS INTEGER)) FROM visits',
  'SELECT COUNT(*) FROM visits WHERE CAST(patient AS INTEGER) > 0',
  'SELECT string_agg(note) FROM visits',
  "SELECT COUNT(*) FROM read_csv('visits.csv')",
  'SELECT COUNT(*) FROM (SELECT * FROM visits LIMIT 1) AS one',
  'SELECT ward, COUNT(*) FROM visits GROUP BY ward HAVING MIN(note) > 0',
];

/** One account per role, each of an organisation that may hold it. */
export const PEOPLE: readonly string[] = ROLES.map((role) => `x-${role}`);

/** What looks like a value of a row, wherever it begins: looked for once, and not each value by itself. */
const SECRET = /(?=((?:patient|ward|rare|note)-[0-9a-f]{12}|\d{3}\.\d{9}))/g;

export class MarkedServer {
  readonly folder = new Folder();
  readonly secrets = new Set<string>();
  readonly bugs: unknown[] = [];
  readonly clients = new Map<string, Client>();
  readonly line: CommandLine = commandLine({ fetch });
  /** One ended run for each of `ANSWERED`. */
  readonly jobs: Job[] = [];
  /** Jobs whose answers wait for a person: one to read, and one for each way to decide, over HTTP and by verb. */
  readonly waiting: string[] = [];
  /** Programs: one that is approved, and one for each way to decide, over HTTP and by verb. */
  readonly programs: string[] = [];
  served!: Served;

  async open(): Promise<void> {
    this.#writeData();
    this.served = await serve({
      dataDir: join(this.folder.path, 'server'),
      host: '127.0.0.1',
      gatewayPort: 0,
      runnerPort: 0,
      timeZone: 'Asia/Shanghai',
      reportAbort: () => undefined,
      reportBug: (error) => this.bugs.push(error),
    });
    const shop = await openShop(this.served);
    const { operator, provider, buyer } = shop;
    await provider.registerDataset({
      manifest: JSON.stringify(MANIFEST),
      policy: JSON.stringify(POLICY),
      baseDirectory: this.folder.path,
    });
    // One to stop and withdraw, of which nothing is asked.
    this.folder.write('spare.csv', `${Object.keys(MANIFEST.columns).join(',')}\n`);
    await provider.registerDataset({
      manifest: JSON.stringify({
        ...MANIFEST,
        name: 'spare_visits',
        source: { type: 'csv', path: 'spare.csv' },
      }),
      policy: JSON.stringify(POLICY),
      baseDirectory: this.folder.path,
    });
    const columns = ['ward', 'diagnosis', 'age', 'cost'];
    const outputKinds = ['statistic', 'report'];
    const manners = ['sql', 'program'];
    await openGrant(shop, { id: 'rows', dataset: 'visits', columns, outputKinds, manners });
    for (const role of ROLES) await this.#openAccount(operator, role);
    for (const [name, client] of Object.entries({ operator, provider, buyer }))
      this.clients.set(name, client);
    for (const sql of ANSWERED) {
      const { id } = await buyer.submit({ grant: 'rows', purpose: 'public_health', sql });
      this.jobs.push(await buyer.waitForJob(id));
    }
    for (let age = 30; age < 35; age += 1) {
      const sql = `SELECT ward, COUNT(*) AS visits, SUM(cost) AS spend FROM visits WHERE age > ${age} GROUP BY ward`;
      const ask = { grant: 'rows', purpose: 'public_health', outputKind: 'report', sql };
      this.waiting.push((await buyer.submit(ask)).id);
    }
    for (let count = 0; count < 8; count += 1) {
      const module = `${MODULE}// ${count}\n`;
      this.programs.push((await buyer.submitProgram({ module, manifest: visitsManifest() })).digest);
    }
    const [approved = ''] = this.programs;
    for (const reviewer of [operator, provider]) {
      await reviewer.program(approved);
      await reviewer.approveProgram(approved, {});
    }
    while ((await provider.reviews()).length < this.waiting.length) await sleep(50);
  }

  async close(): Promise<void> {
    await this.served.close();
    this.line.remove();
    this.folder[Symbol.dispose]();
  }

  /** The secrets that a text holds, as they are or in base64url. */
  leaksIn(text: string): readonly string[] {
    const decoded = [...text.matchAll(/[\w-]{16,}/g)].map(([part]) =>
      Buffer.from(part, 'base64url').toString(),
    );
    const all = [text, ...decoded].join('\n');
    return [...all.matchAll(SECRET)].flatMap(([, value = '']) => (this.secrets.has(value) ? [value] : []));
  }

  /** Every value that no manifest lists is unlike any other text. */
  #writeData(): void {
    const token = (kind: string): string => `${kind}-${randomBytes(6).toString('hex')}`;
    const lines = Array.from({ length: ROWS }, (_, i) => {
      const ward = i % 50 === 0 ? token('ward') : ['north', 'south'][i % 2]!;
      const diagnosis = i % 20 === 0 ? token('rare') : 'influenza';
      const cost = (100 + Math.random() * 800).toFixed(9);
      const row = [token('patient'), ward, diagnosis, String(20 + (i % 60)), cost, token('note')];
      for (const [, value = ''] of row.join(',').matchAll(SECRET)) this.secrets.add(value);
      return row.join(',');
    });
    this.folder.write('visits.csv', `${Object.keys(MANIFEST.columns).join(',')}\n${lines.join('\n')}\n`);
  }

  /** An account `x-<role>`, and a profile of the command line for it. */
  async #openAccount(operator: Client, role: Role): Promise<void> {
    const homes: Partial<Record<Role, string>> = { provider: 'city-provider', buyer: 'city-buyer' };
    const key = generateSigningKey();
    const [id, organisation] = [`x-${role}`, homes[role] ?? 'operator'];
    await operator.createAccount({ id, organisation, roles: [role], jwk: { ...key.publicJwk } });
    const { gatewayUrl: url, runnerUrl } = this.served;
    this.clients.set(id, new Client({ url, runnerUrl, account: id, key }));
    await this.#logIn(id, key);
  }

  async #logIn(account: string, key: SigningKey): Promise<void> {
    const file = this.folder.write(`${account}.jwk`, exportSigningKey(key));
    const server = ['--url', this.served.gatewayUrl, '--runner-url', this.served.runnerUrl];
    const login = ['login', ...server, '--account', account, '--key', file, '--profile', account];
    const { code, err } = await this.line.run(login);
    if (code !== 0) throw new Error(err);
  }
}
