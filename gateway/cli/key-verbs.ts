/**
 * The verbs `key …` and `seal`: keys of sealed data, on the machine that keeps them.
 *
 * They work on the key service that keys.yaml names and ask no server. What is printed is about keys, never a key.
 */
import type { KeyDescription, KmsAdapter } from '#crypto/kms/adapter.ts';
import { runnerDataDirOfEnvironment } from '../config.ts';
import { withKeyFaults } from '../keys/key-faults.ts';
import { type KeysConfig, readKeysConfig } from '../keys/keys-file.ts';
import { openKms, prepareKms } from '../keys/open-kms.ts';
import { rewrapFile, sealFile } from '../keys/sealed-file.ts';
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
        { flags: '--key <id>', about: 'cli.flag.key', required: true },
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
