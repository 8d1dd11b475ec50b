/** The verbs `usage …`: usage as files, and a provider's own copy of it. */
import { existsSync } from 'node:fs';
import { importEvidenceKey } from '#crypto/evidence-key.ts';
import { EvidenceError } from '#crypto/evidence.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { extendCopy, openCopy } from '../copy/copy-file.ts';
import { linesOf } from '../copy/lines.ts';
import { renderTable } from './table.ts';
import { readJsonArgument, worded } from './terminal.ts';
import {
  defineGroup,
  defineVerb,
  type FlagSpec,
  print,
  printJson,
  type VerbCall,
  type VerbHost,
} from './verb.ts';

/** One filter per dimension, as flags. */
const DIMENSIONS = [
  { flags: '--from <time>', about: 'cli.flag.from' },
  { flags: '--to <time>', about: 'cli.flag.to' },
  { flags: '--grant <id>', about: 'cli.flag.ofGrant' },
  { flags: '--account <id>', about: 'cli.flag.ofAccount' },
  { flags: '--buyer <organisation>', about: 'cli.flag.ofBuyer' },
  { flags: '--provider <organisation>', about: 'cli.flag.ofProvider' },
  { flags: '--dataset <name>', about: 'cli.flag.ofDataset' },
  { flags: '--purpose <purpose>', about: 'cli.flag.ofPurpose' },
  { flags: '--scene <scene>', about: 'cli.flag.ofScene' },
  { flags: '--outcome <outcome>', about: 'cli.flag.ofOutcome', choices: ['released', 'refused', 'failed'] },
  { flags: '--product <id>', about: 'cli.flag.ofProduct' },
] as const satisfies readonly FlagSpec[];

const NAMES = DIMENSIONS.map(({ flags }) => flags.slice(2, flags.indexOf(' ')));

/** The group `usage` with its verbs; for whoever adds others to it. */
export function registerUsageVerbs(host: VerbHost): VerbHost {
  const usage = defineGroup(host, 'usage', 'cli.usage');
  defineVerb(
    usage,
    {
      name: 'export',
      about: 'cli.usage.export',
      flags: [
        ...DIMENSIONS,
        { flags: '--csv', about: 'cli.flag.csv', conflicts: ['json', 'providerKey'] },
        { flags: '--provider-key <file>', about: 'cli.flag.copySigner', conflicts: NAMES },
        { flags: '--out <file>', about: 'cli.flag.copyOut' },
      ],
      examples: [
        'unseen usage export --from 2026-11-01T00:00:00+08:00 > usage.jsonl',
        'unseen usage export --csv > usage.csv',
        'unseen usage export --dataset visits --outcome released > visits.jsonl',
        'unseen usage export --provider-key provider.jwk --out copy.jsonl',
      ],
    },
    exportUsage,
  );
  defineVerb(
    usage,
    {
      name: 'quotes',
      about: 'cli.usage.quotes',
      flags: [
        { flags: '--from <date>', about: 'cli.flag.from' },
        { flags: '--to <date>', about: 'cli.flag.to' },
      ],
      examples: ['unseen usage quotes --from 2026-11-01 --to 2026-11-30'],
    },
    quoteCounts,
  );
  return usage;
}

async function quoteCounts(call: VerbCall): Promise<void> {
  const [from, to] = [call.text('from'), call.text('to')];
  const days = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  const { items } = await call.client().quotes.counts(days);
  const titles = ['day', 'account', 'organisation', 'made', 'accepted'] as const;
  await print(call, items, () =>
    renderTable(
      titles.map((name) => ({ title: worded(call.terminal, `cli.column.${name}`) })),
      items.map(({ day, account, organisation, made, accepted }) => [
        day,
        account,
        organisation,
        String(made),
        String(accepted),
      ]),
    ),
  );
}

/** Pieces as they come, so that a year does not have to fit into memory. */
async function exportUsage(call: VerbCall): Promise<void> {
  if ((call.text('providerKey') === undefined) !== (call.text('out') === undefined))
    throw new Failure('CONFIG', say('cli.copyFlags'));
  if (call.text('providerKey') !== undefined) return copyUsage(call);
  const format = call.isSet('csv') ? 'csv' : 'jsonl';
  for await (const piece of call.client().reports.usageFile({ ...dimensionsOf(call), format }))
    await call.terminal.out(piece);
}

function dimensionsOf(call: VerbCall): Readonly<Record<string, string>> {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = call.text(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Begins a provider's copy, or adds to it what came to be seen since, under the provider's own signature. */
async function copyUsage(call: VerbCall): Promise<void> {
  const [keyFile = '', file = ''] = [call.text('providerKey'), call.text('out')];
  const key = evidenceKeyOf(await readJsonArgument(call.terminal, keyFile), keyFile);
  const client = call.client();
  const before = existsSync(file) ? await openCopy(file, [key.publicJwk]) : null;
  const { organisation } = await client.me();
  if (before !== null && before.organisation !== organisation.id) {
    const sides = { organisation: before.organisation, other: organisation.id };
    throw new Failure('CONFIG', say('copy.notOwn', { file, ...sides }));
  }
  const after = before?.through ?? null;
  const through = await client.reports.position();
  const head = { organisation: organisation.id, after, through };
  const pieces = client.reports.usageFile({
    format: 'jsonl',
    provider: organisation.id,
    ...(after !== null && { afterLeaf: after.leaf, afterAt: after.at }),
    throughLeaf: through.leaf,
    throughAt: through.at,
  });
  const added = await extendCopy(file, head, { lines: linesOf(pieces), key });
  const records = (before?.records ?? 0n) + added;
  if (call.json) await printJson(call, { added: String(added), records: String(records), kid: key.kid });
  else
    await call.terminal.out(
      `${worded(call.terminal, 'cli.copied', { file, added: String(added), records: String(records), kid: key.kid })}\n`,
    );
}

function evidenceKeyOf(jwk: unknown, file: string): ReturnType<typeof importEvidenceKey> {
  try {
    return importEvidenceKey(jwk);
  } catch (cause) {
    if (!(cause instanceof EvidenceError)) throw cause;
    throw new Failure('CONFIG', say('cli.keyBroken', { file }), { cause });
  }
}
