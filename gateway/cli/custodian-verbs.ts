/**
 * The verbs `custodian …`: the key custodian of encrypted data, on the machine of whoever provides the data.
 *
 * They work on a directory and ask no server. What is printed is public: keys by name, orders by id, never a value.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePublicJwk, type PublicJwk } from '#crypto/ed25519-key.ts';
import { EvidenceError } from '#crypto/evidence.ts';
import { PROFILE_NAMES, profileOf } from '#crypto/he/profiles.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { JournalEntry } from '../custodian/journal.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { renderFields, renderTable } from './table.ts';
import { readArgument, readJsonArgument, type Terminal, worded } from './terminal.ts';
import {
  defineGroup,
  defineVerb,
  type FlagSpec,
  print,
  type VerbCall,
  type VerbHost,
  type VerbSpec,
} from './verb.ts';

const DEFAULTS = {
  directory: '.unseen-custodian',
  name: 'custodian.local/log',
  host: '127.0.0.1',
  port: '7790',
} as const;

const PLACE: FlagSpec = { flags: '--dir <directory>', about: 'cli.flag.custodianDir' };

export function registerCustodianVerbs(parent: VerbHost): void {
  const host = defineGroup(parent, 'custodian', 'cli.custodian');
  defineVerb(host, INIT, init);
  defineVerb(
    host,
    {
      name: 'serve',
      about: 'cli.custodian.serve',
      offline: true,
      flags: [PLACE],
      examples: ['unseen custodian serve --dir /var/lib/unseen-custodian'],
    },
    serve,
  );
  defineVerb(
    host,
    {
      name: 'keys',
      about: 'cli.custodian.keys',
      offline: true,
      flags: [
        PLACE,
        { flags: '--create <profile>', about: 'cli.flag.createKey', choices: PROFILE_NAMES },
        { flags: '--out <directory>', about: 'cli.flag.publicKeysOut' },
        { flags: '--accept <file>', about: 'cli.flag.acceptManifest', conflicts: ['create'] },
      ],
      examples: [
        'unseen custodian keys',
        'unseen custodian keys --create bfv-agg-8k --out public',
        'unseen custodian keys --accept visits.enc/manifest.jws',
      ],
    },
    keys,
  );
  defineVerb(
    host,
    {
      name: 'orders',
      about: 'cli.custodian.orders',
      offline: true,
      flags: [PLACE],
      examples: ['unseen custodian orders --json'],
    },
    orders,
  );
  defineVerb(
    host,
    {
      name: 'log',
      about: 'cli.custodian.log',
      offline: true,
      flags: [
        PLACE,
        { flags: '--verify', about: 'cli.flag.verifyJournal' },
        { flags: '--kept <file>', about: 'cli.flag.keptCheckpoint' },
      ],
      examples: ['unseen custodian log', 'unseen custodian log --verify --kept checkpoint-of-monday.txt'],
    },
    log,
  );
}

const INIT = {
  name: 'init',
  about: 'cli.custodian.init',
  offline: true,
  flags: [
    PLACE,
    { flags: '--platform-key <file>', about: 'cli.flag.platformKey', required: true, repeats: true },
    { flags: '--provider-key <file>', about: 'cli.flag.providerKey', required: true, repeats: true },
    { flags: '--purpose <id>', about: 'cli.flag.custodianPurpose', required: true, repeats: true },
    { flags: '--name <name>', about: 'cli.flag.logName' },
    { flags: '--host <address>', about: 'cli.flag.host' },
    { flags: '--port <number>', about: 'cli.flag.custodianPort' },
    { flags: '--with-certificates', about: 'cli.flag.withCertificates' },
    { flags: '--server-name <name>', about: 'cli.flag.serverName' },
  ],
  examples: [
    'unseen custodian init --platform-key order-key.jwk --provider-key provider.jwk --purpose public_health --with-certificates',
    'unseen custodian init --dir /var/lib/unseen-custodian --platform-key order-key.jwk --provider-key provider.jwk --purpose industry --host 0.0.0.0 --with-certificates --server-name keys.bureau.example',
  ],
} as const satisfies VerbSpec;

async function init(call: VerbCall): Promise<void> {
  const { createCustodian } = await import('../custodian/home.ts');
  const host = call.text('host') ?? DEFAULTS.host;
  const withCertificates = call.isSet('withCertificates');
  const identity = await createCustodian(directoryOf(call), {
    name: call.text('name') ?? DEFAULTS.name,
    host,
    port: portOf(call),
    platformKeys: await publicKeysOf(call, 'platformKey'),
    providerKeys: await publicKeysOf(call, 'providerKey'),
    purposes: call.list('purpose'),
    withCertificates,
    serverName: call.text('serverName') ?? host,
  });
  const { terminal } = call;
  await print(call, identity, () =>
    renderFields([
      [worded(terminal, 'cli.custodian.column.attestationKey'), JSON.stringify(identity.publicJwk)],
      [worded(terminal, 'cli.custodian.column.logKey'), identity.logKey],
    ]),
  );
  const note = withCertificates ? 'cli.custodian.madeByOpenssl' : 'cli.custodian.bringCertificates';
  terminal.err(`unseen: ${worded(terminal, note, { directory: directoryOf(call) })}\n`);
}

async function serve(call: VerbCall): Promise<void> {
  const { serveCustodian } = await import('../custodian/service.ts');
  const { terminal } = call;
  const served = await serveCustodian(directoryOf(call), (error) => {
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    terminal.err(`${new Date().toISOString()} ${told}\n`);
  });
  try {
    const { url, custodian } = served;
    await print(call, { url, custodian }, () =>
      renderFields([
        [worded(terminal, 'cli.custodian.column.address'), url],
        [worded(terminal, 'cli.custodian.column.attestationKey'), custodian],
      ]),
    );
    await terminal.stopped();
  } finally {
    await served.close();
  }
}

async function keys(call: VerbCall): Promise<void> {
  const home = await import('../custodian/home.ts');
  const directory = directoryOf(call);
  const [profile, manifest] = [call.text('create'), call.text('accept')];
  if (profile !== undefined) {
    const out = call.text('out');
    if (out === undefined) throw new Failure('CONFIG', say('cli.fault.optionMissing', { name: '--out' }));
    const { record, publicKey, relinKeys } = await home.createKeyPair(directory, profileOf(profile).name);
    writeInto(out, { 'public.key': publicKey, 'relin.keys': relinKeys });
    return print(call, record, () => renderFields(Object.entries(record)));
  }
  if (manifest !== undefined) {
    const { name, digest, keyId } = await home.acceptDataset(directory, manifest);
    return print(call, { name, digest, keyId }, () => renderFields([[name, digest]]));
  }
  const { keys, datasets } = await home.contentsOf(directory);
  const items = keys.map((key) => ({
    ...key,
    datasets: datasets
      .filter(({ keyId }) => keyId === key.keyId)
      .map(({ name, digest }) => ({ name, digest })),
  }));
  await print(call, { items }, () =>
    renderTable(
      columnsOf(call.terminal, ['key', 'profile', 'since', 'dataset']),
      items.map(({ keyId, profile, createdAt, datasets }) => [
        keyId,
        profile,
        createdAt,
        datasets.map(({ name }) => name).join(', '),
      ]),
    ),
  );
}

async function orders(call: VerbCall): Promise<void> {
  const { checkJournal } = await import('../custodian/home.ts');
  const { entries } = checkJournal(directoryOf(call));
  const outcomes = new Map(
    entries.flatMap((entry) =>
      entry.type === 'answered' || entry.type === 'failed' ? [[entry.orderId, entry.type] as const] : [],
    ),
  );
  const items = entries.flatMap((entry) => {
    if (entry.type !== 'reserved') return [];
    const { type: _, ...reserved } = entry;
    // Without an outcome: under way, or cut off by a crash. Spent in either case.
    return [{ ...reserved, state: outcomes.get(entry.orderId) ?? 'spent' }];
  });
  await print(call, { items }, () =>
    renderTable(
      columnsOf(call.terminal, ['time', 'order', 'purpose', 'values', 'state']),
      items.map(({ at, orderId, purpose, values, state }) => [at, orderId, purpose, String(values), state]),
    ),
  );
}

async function log(call: VerbCall): Promise<ExitCode | void> {
  const kept = call.text('kept');
  const keptNote = kept === undefined ? null : await readArgument(call.terminal, kept);
  if (call.isSet('verify')) return verifyLog(call, keptNote);
  const { checkJournal } = await import('../custodian/home.ts');
  const { entries } = checkJournal(directoryOf(call), keptNote);
  const items = entries.map(shown);
  await print(call, { items }, () =>
    renderTable(
      columnsOf(call.terminal, ['time', 'event', 'order', 'code']),
      items.map((entry) => [
        entry.at,
        entry.type,
        'orderId' in entry ? entry.orderId : '',
        'code' in entry ? entry.code : '',
      ]),
    ),
  );
}

/** An entry without what was answered: noisy, but under the asker's mask, and nobody's to read here. */
function shown(entry: JournalEntry): JournalEntry | Omit<JournalEntry & { type: 'answered' }, 'body'> {
  if (entry.type !== 'answered') return entry;
  const { type, at, orderId } = entry;
  return { type, at, orderId };
}

async function verifyLog(call: VerbCall, kept: string | null): Promise<ExitCode> {
  const { checkJournal, identityOf } = await import('../custodian/home.ts');
  const { firstMisfit } = await import('../custodian/journal-audit.ts');
  const { terminal } = call;
  const directory = directoryOf(call);
  try {
    const { entries, signed, root } = checkJournal(directory, kept);
    const misfit = await firstMisfit(entries, [identityOf(directory).publicJwk]);
    const sentence =
      misfit === null
        ? worded(terminal, 'cli.custodian.whole', { entries: entries.length, root })
        : worded(terminal, 'cli.custodian.misfit', { entry: misfit });
    const found = { valid: misfit === null, entries: entries.length, signed: String(signed), root, misfit };
    await print(call, found, () => `${sentence}\n`);
    return misfit === null ? EXIT.done : EXIT.invalid;
  } catch (error) {
    if (!(error instanceof Failure && error.sentence.id === 'custodian.journalChanged')) throw error;
    await print(
      call,
      { valid: false, message: error.in(terminal.language) },
      () => `${error.in(terminal.language)}\n`,
    );
    return EXIT.invalid;
  }
}

const TITLES = {
  time: 'cli.custodian.column.time',
  order: 'cli.custodian.column.order',
  purpose: 'cli.column.purpose',
  values: 'cli.custodian.column.values',
  state: 'cli.column.state',
  event: 'cli.custodian.column.event',
  code: 'cli.custodian.column.code',
  key: 'cli.column.key',
  profile: 'cli.custodian.column.profile',
  since: 'cli.custodian.column.since',
  dataset: 'cli.column.dataset',
} as const;

function columnsOf(
  terminal: Terminal,
  names: readonly (keyof typeof TITLES)[],
): readonly { title: string }[] {
  return names.map((name) => ({ title: worded(terminal, TITLES[name]) }));
}

function directoryOf(call: VerbCall): string {
  return call.text('dir') ?? DEFAULTS.directory;
}

function portOf(call: VerbCall): number {
  const written = call.text('port') ?? DEFAULTS.port;
  if (!/^\d{1,5}$/.test(written) || Number(written) > 65_535)
    throw new Failure('CONFIG', say('cli.notPort', { value: written }));
  return Number(written);
}

async function publicKeysOf(call: VerbCall, flag: string): Promise<readonly PublicJwk[]> {
  const keys: PublicJwk[] = [];
  for (const file of call.list(flag)) {
    const written = await readJsonArgument(call.terminal, file);
    try {
      keys.push(parsePublicJwk(written));
    } catch (error) {
      if (error instanceof EvidenceError) throw new Failure('CONFIG', say('cli.keyBroken', { file }));
      throw error;
    }
  }
  return keys;
}

function writeInto(directory: string, files: Readonly<Record<string, Uint8Array>>): void {
  try {
    mkdirSync(directory, { recursive: true });
    for (const [name, bytes] of Object.entries(files))
      writeFileSync(join(directory, name), bytes, { flush: true });
  } catch (cause) {
    throw new Failure('CONFIG', say('custodian.filesystem', { file: directory }), { cause });
  }
}
