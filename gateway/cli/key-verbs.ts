/**
 * The verbs `key …` and `seal`: keys of sealed data, on the machine that keeps them.
 *
 * They work on the key service that keys.yaml names and ask no server, but for the end of a key: that takes two people,
 * and so the runner that keeps it. What is printed is about keys, never a key.
 */
import type { KeyDescription, KmsAdapter } from '#crypto/kms/adapter.ts';
import { Failure } from '#policies/refusal.ts';
import { say, type SentenceId } from '#policies/words.ts';
import type { Client, KeyAct as EndAct } from '../client/client.ts';
import type { KeyStanding } from '../client/resources.ts';
import { runnerDataDirOfEnvironment } from '../config.ts';
import { withKeyFaults } from '../keys/key-faults.ts';
import { type KeysConfig, readKeysConfig } from '../keys/keys-file.ts';
import { openKms, prepareKms } from '../keys/open-kms.ts';
import { rewrapFile, sealFile } from '../keys/sealed-file.ts';
import { Profiles } from './profile.ts';
import { renderFields, renderTable } from './table.ts';
import { type Terminal, worded } from './terminal.ts';
import {
  defineGroup,
  defineVerb,
  type FlagSpec,
  print,
  printJson,
  type VerbCall,
  type VerbHost,
} from './verb.ts';

const DATA_DIR = '.unseen';

/** Where the keys are: for every verb here. */
const PLACE: readonly FlagSpec[] = [
  { flags: '--data-dir <directory>', about: 'cli.flag.dataDir' },
  { flags: '--keys <file>', about: 'cli.flag.keysFile' },
];

export function registerKeyVerbs(parent: VerbHost): void {
  defineVerb(
    parent,
    {
      name: 'seal <file>',
      about: 'cli.seal',
      offline: true,
      flags: [
        { flags: '--key <id>', about: 'cli.flag.sealingKey', required: true },
        { flags: '--out <file>', about: 'cli.flag.sealedOut', required: true },
        { flags: '--dataset <name>', about: 'cli.flag.sealedDataset' },
        { flags: '--lineage <name>', about: 'cli.flag.sealedLineage' },
        ...PLACE,
      ],
      examples: [
        'unseen seal visits.parquet --key visits --out visits.parquet.sealed',
        'unseen seal visits-2.parquet --key visits-2 --dataset visits --out visits-2.parquet.sealed',
      ],
    },
    seal,
  );
  const host = defineGroup(parent, 'key', 'cli.key');
  registerKeyLife(host);
  registerKeyEnd(host);
  defineVerb(
    host,
    { name: 'list', about: 'cli.key.list', offline: true, flags: PLACE, examples: ['unseen key list'] },
    list,
  );
  defineVerb(
    host,
    { name: 'rewrap <files...>', about: 'cli.key.rewrap', offline: true, flags: PLACE, examples: REWRAPS },
    rewrap,
  );
}

const REWRAPS = ['unseen key rewrap visits.parquet.sealed'];

type KeyAct = 'create' | 'show' | 'rotate' | 'disable' | 'enable';

const ACTS: Readonly<Record<KeyAct, (kms: KmsAdapter, key: string) => Promise<KeyDescription>>> = {
  create: (kms, key) => kms.createKey(key),
  show: (kms, key) => kms.describe(key),
  rotate: (kms, key) => kms.rotate(key),
  disable: (kms, key) => kms.disable(key),
  enable: (kms, key) => kms.enable(key),
};

/** What one key goes through, but for its end. */
function registerKeyLife(host: VerbHost): void {
  for (const [act, work] of Object.entries(ACTS) as [KeyAct, (typeof ACTS)[KeyAct]][])
    defineVerb(
      host,
      {
        name: `${act} <id>`,
        about: `cli.key.${act}`,
        offline: true,
        flags: PLACE,
        examples: [`unseen key ${act} visits`],
      },
      (call) => changeKey(call, act === 'create', work),
    );
}

/** The end of a key: asked of the runner that keeps it, by two people. */
const ENDS = {
  destroy: { act: 'destruction', about: 'cli.key.destroy' },
  'approve-destruction': { act: 'destruction/approval', about: 'cli.key.approveDestruction' },
  'cancel-destruction': { act: 'destruction/cancellation', about: 'cli.key.cancelDestruction' },
  hold: { act: 'hold', about: 'cli.key.hold' },
  'lift-hold': { act: 'hold/lifting', about: 'cli.key.liftHold' },
} as const satisfies Readonly<Record<string, { readonly act: EndAct; readonly about: SentenceId }>>;

function registerKeyEnd(host: VerbHost): void {
  for (const [name, { act, about }] of Object.entries(ENDS))
    defineVerb(
      host,
      {
        name: `${name} <id>`,
        about,
        flags: [{ flags: '--reason <text>', about: 'cli.flag.reason', required: true }],
        examples: [`unseen key ${name} visits --reason 'use agreement 3 has ended'`],
      },
      async (call) =>
        showStanding(call, await keeperOf(call).actOnKey(call.argument(0), act, call.text('reason') ?? '')),
    );
  defineVerb(
    host,
    {
      name: 'inventory',
      about: 'cli.key.inventory',
      examples: ['unseen key inventory', 'unseen key inventory --json'],
    },
    inventory,
  );
  defineVerb(
    host,
    { name: 'destruction <id>', about: 'cli.key.destruction', examples: ['unseen key destruction visits'] },
    async (call) => showStanding(call, await keeperOf(call).keyDestruction(call.argument(0))),
  );
}

/** The runner's inventory, and the keys that the gateway publishes. */
async function inventory(call: VerbCall): Promise<void> {
  const { terminal } = call;
  const client = keeperOf(call);
  const items = (await client.cryptoInventory())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as InventoryItem);
  const { keys } = (await client.keySet()) as { readonly keys: readonly Readonly<Record<string, string>>[] };
  const published = keys.map(({ kid = '', alg = '' }) => publishedKey(kid, alg));
  const logKey = (await client.logKey()).split('+')[0] ?? '';
  const all = [...items, ...published, publishedKey(`log ${logKey}`, 'EdDSA')];
  if (call.json) return terminal.out(all.map((item) => `${JSON.stringify(item)}\n`).join(''));
  await terminal.out(
    renderTable(
      (['what', 'name', 'version', 'state', 'algorithm', 'created', 'owner'] as const).map((name) => ({
        title: worded(terminal, `cli.column.${name}`),
      })),
      all.map(rowOf),
    ),
  );
}

/** An entry, in the terms of CycloneDX, as far as the table shows it. */
interface InventoryItem {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly cryptoProperties?: {
    readonly assetType: string;
    readonly relatedCryptoMaterialProperties?: Readonly<Record<string, string | number>>;
  };
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

function publishedKey(name: string, algorithm: string): InventoryItem {
  return {
    type: 'cryptographic-asset',
    name,
    cryptoProperties: {
      assetType: 'related-crypto-material',
      relatedCryptoMaterialProperties: {
        type: 'public-key',
        state: 'active',
        algorithmRef: `algorithm:${algorithm}`,
      },
    },
    properties: [{ name: 'unseen:owner', value: 'operator' }],
  };
}

function rowOf({ type, name, version, cryptoProperties, properties = [] }: InventoryItem): readonly string[] {
  const material = cryptoProperties?.relatedCryptoMaterialProperties ?? {};
  const told = (wanted: string): string => properties.find((one) => one.name === wanted)?.value ?? '';
  return [
    String(material['type'] ?? cryptoProperties?.assetType ?? type),
    name,
    version ?? '',
    String(material['state'] ?? ''),
    String(material['algorithmRef'] ?? told('unseen:key')).replace('algorithm:', ''),
    String(material['creationDate'] ?? told('unseen:registered')),
    told('unseen:owner') || told('unseen:context:dataset'),
  ];
}

/** The client of the runner that keeps the keys. Failure CONFIG where the profile knows none. */
function keeperOf(call: VerbCall): Client {
  const { runnerUrl } = new Profiles(call.terminal.configDirectory).load(call.profile);
  if (runnerUrl === null) throw new Failure('CONFIG', say('cli.noRunner'));
  return call.client();
}

async function showStanding(call: VerbCall, standing: KeyStanding): Promise<void> {
  const { terminal } = call;
  const person = (act: KeyStanding['requested']): string =>
    act === null ? '–' : `${act.account}, ${act.at}`;
  await print(call, standing, () =>
    renderFields([
      [worded(terminal, 'cli.column.key'), standing.key],
      [worded(terminal, 'cli.column.state'), standing.state],
      [worded(terminal, 'cli.column.requestedBy'), person(standing.requested)],
      [worded(terminal, 'cli.column.approvedBy'), person(standing.approved)],
      [worded(terminal, 'cli.column.dueAt'), standing.dueAt ?? '–'],
      [worded(terminal, 'cli.column.hold'), person(standing.hold)],
      [worded(terminal, 'cli.column.destroyedAt'), standing.destroyedAt ?? '–'],
      [worded(terminal, 'cli.column.record'), standing.record ?? '–'],
    ]),
  );
}

async function changeKey(call: VerbCall, makes: boolean, work: (typeof ACTS)[KeyAct]): Promise<void> {
  const key = call.argument(0);
  const config = configOf(call);
  if (makes) await prepareKms(config);
  await withKms(config, async (kms) => {
    const described = await withKeyFaults({ key }, work(kms, key));
    await print(call, described, () => renderKey(call.terminal, described));
  });
}

function configOf(call: VerbCall): KeysConfig {
  const dataDir = call.text('dataDir') ?? runnerDataDirOfEnvironment() ?? DATA_DIR;
  const stated = call.text('keys');
  return stated === undefined ? readKeysConfig(dataDir) : readKeysConfig(dataDir, stated);
}

async function withKms<T>(config: KeysConfig, use: (kms: KmsAdapter) => Promise<T>): Promise<T> {
  const kms = await openKms(config);
  try {
    return await use(kms);
  } finally {
    await kms.close();
  }
}

async function list(call: VerbCall): Promise<void> {
  const items = await withKms(configOf(call), async (kms) => {
    const ids = await withKeyFaults({ key: '' }, kms.list());
    return Promise.all(ids.map((key) => withKeyFaults({ key }, kms.describe(key))));
  });
  await print(call, { items }, () => renderKeys(call.terminal, items));
}

function renderKeys(terminal: Terminal, items: readonly KeyDescription[]): string {
  return renderTable(
    (['key', 'state', 'version', 'algorithm', 'created'] as const).map((name) => ({
      title: worded(terminal, `cli.column.${name}`),
    })),
    items.map(({ id, state, latestVersion, algorithm, versions }) => [
      id,
      state,
      String(latestVersion),
      algorithm,
      versions.at(-1)?.createdAt ?? '',
    ]),
  );
}

function renderKey(terminal: Terminal, key: KeyDescription): string {
  const head = renderFields([
    [worded(terminal, 'cli.column.key'), key.id],
    [worded(terminal, 'cli.column.state'), key.state],
    [worded(terminal, 'cli.column.algorithm'), key.algorithm],
  ]);
  const versions = renderTable(
    (['version', 'state', 'created', 'fingerprint'] as const).map((name) => ({
      title: worded(terminal, `cli.column.${name}`),
    })),
    key.versions.map(({ version, state, createdAt, fingerprint }) => [
      String(version),
      state,
      createdAt ?? '–',
      fingerprint ?? '–',
    ]),
  );
  return `${head}\n${versions}`;
}

async function seal(call: VerbCall): Promise<void> {
  const { terminal } = call;
  const key = call.text('key') ?? '';
  const dataset = call.text('dataset') ?? key;
  const out = call.text('out') ?? '';
  const config = configOf(call);
  const made = await withKms(config, (kms) =>
    sealFile(kms, {
      file: call.argument(0),
      out,
      key,
      dataset,
      lineage: call.text('lineage') ?? dataset,
      suite: config.suite,
      ...(terminal.isWatched && { onProgress: progressOn(terminal) }),
    }),
  );
  if (terminal.isWatched) terminal.err('\n');
  await print(call, { ...made, key, dataset, file: out }, () =>
    renderFields([
      [worded(terminal, 'cli.column.file'), out],
      [worded(terminal, 'cli.column.key'), `${key} v${made.keyVersion}`],
      [worded(terminal, 'cli.column.dataset'), dataset],
      [worded(terminal, 'cli.column.algorithm'), made.cipher],
    ]),
  );
}

/** One line that is written over, at most ten times a second. */
function progressOn(terminal: Terminal): (done: number, of: number) => void {
  let last = 0;
  return (done, of) => {
    const now = Date.now();
    if (done < of && now - last < 100) return;
    last = now;
    const percent = of === 0 ? 100 : Math.floor((100 * done) / of);
    terminal.err(`\r${worded(terminal, 'cli.seal.progress', { percent })}`);
  };
}

/** One file after the other; what was done before one that cannot be rewrapped stays done. */
async function rewrap(call: VerbCall): Promise<void> {
  const { terminal } = call;
  const items: object[] = [];
  await withKms(configOf(call), async (kms) => {
    for (const file of call.operands) {
      const done = await rewrapFile(kms, file);
      items.push({ file, ...done });
      const { from, to } = done;
      if (!call.json) await terminal.out(`${worded(terminal, 'cli.rewrapped', { file, from, to })}\n`);
    }
  });
  if (call.json) await printJson(call, { items });
}
