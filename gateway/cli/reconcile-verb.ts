/**
 * The verb `reconcile`: whether bill and evidence agree, in the operator's database, and with a provider's own copy.
 *
 * Guarantee: every record that is on one side only or differs is named. Two copies are compared without any server.
 */
import { type EvidenceJwk, parseEvidenceJwk } from '#crypto/evidence-key.ts';
import { EvidenceError } from '#crypto/evidence.ts';
import { Failure } from '#policies/refusal.ts';
import { say, type SentenceId, WORDS } from '#policies/words.ts';
import type { Client } from '../client/client.ts';
import { type CheckedCopy, openCopy, recordsOf } from '../copy/copy-file.ts';
import { linesOf } from '../copy/lines.ts';
import { compareRecords, type CopyRecord, type Difference, readRecord } from '../copy/record.ts';
import type { CopyPosition } from '../copy/section.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { printable } from './table.ts';
import { readJsonArgument, worded } from './terminal.ts';
import { defineVerb, print, printJson, type VerbCall, type VerbHost } from './verb.ts';

export function registerReconcileVerb(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'reconcile',
      about: 'cli.reconcile',
      flags: [
        { flags: '--month <month>', about: 'cli.flag.month', conflicts: ['copy', 'key'] },
        { flags: '--copy <file>', about: 'cli.flag.copy', repeats: true },
        { flags: '--key <file>', about: 'cli.flag.copyKey', repeats: true },
      ],
      examples: [
        'unseen reconcile',
        'unseen reconcile --month 2026-11',
        'unseen reconcile --copy copy.jsonl --key provider.pub.jwk',
        'unseen reconcile --copy theirs.jsonl --copy ours.jsonl --key provider.pub.jwk',
      ],
    },
    reconcile,
  );
}

async function reconcile(call: VerbCall): Promise<ExitCode> {
  const [file, other, ...more] = call.list('copy');
  if (file === undefined && call.list('key').length === 0) return reconcileServer(call);
  if (file === undefined || more.length > 0) throw new Failure('CONFIG', say('cli.copyCount'));
  const keys = await keysOf(call);
  const copy = await openCopy(file, keys);
  const pair = other === undefined ? withServer(call.client(), copy) : await withCopy(copy, other, keys);
  const isTrusted = copy.pinned && (pair.second?.pinned ?? true);
  let differences = 0;
  for await (const difference of compareRecords(pair.left, pair.right)) {
    differences += 1;
    await printDifference(call, difference);
  }
  await printSummary(call, copy, { differences, isTrusted });
  if (differences > 0) return EXIT.invalid;
  return isTrusted ? EXIT.done : EXIT.untrusted;
}

/** The rules over what the operator keeps. */
async function reconcileServer(call: VerbCall): Promise<ExitCode> {
  const found = await call.client().reconcile(call.text('month'));
  const { rules, ms, breaches } = found;
  await print(call, found, () => {
    const summary = worded(call.terminal, breaches.length === 0 ? 'reconcile.clean' : 'reconcile.broken', {
      rules,
      ms,
      broken: breaches.length,
    });
    const lines = breaches.map(
      ({ rule, name, rows }) =>
        `${rule} ${ruleText(call, name)}\n${rows.map((row) => `  ${printable(row)}\n`).join('')}`,
    );
    return `${lines.join('')}${summary}\n`;
  });
  return breaches.length === 0 ? EXIT.done : EXIT.invalid;
}

/** A rule in words; a newer server may have rules that this program does not know. */
function ruleText({ terminal }: VerbCall, name: string): string {
  const id = `reconcile.rule.${name}`;
  return Object.hasOwn(WORDS, id) ? worded(terminal, id as SentenceId) : printable(name);
}

interface Pair {
  readonly left: AsyncIterator<CopyRecord>;
  readonly right: AsyncIterator<CopyRecord>;
  /** The other copy, if it is one. */
  readonly second: CheckedCopy | null;
}

/** The copy, and what the server says today of the same extract. */
function withServer(client: Client, copy: CheckedCopy): Pair {
  const { organisation, after, through } = copy;
  const pieces = client.usageFile({
    format: 'jsonl',
    provider: organisation,
    ...(after !== null && { afterLeaf: after.leaf, afterAt: after.at }),
    throughLeaf: through.leaf,
    throughAt: through.at,
  });
  return { left: recordsOf(copy), right: recordsFrom(linesOf(pieces)), second: null };
}

async function* recordsFrom(lines: AsyncIterable<string>): AsyncGenerator<CopyRecord> {
  for await (const line of lines) {
    const record = readRecord(line);
    if (record === null) throw new Failure('MACHINE_FAULT', say('copy.server'));
    yield record;
  }
}

/** Two copies, each as far as the other goes. */
async function withCopy(copy: CheckedCopy, file: string, keys: readonly EvidenceJwk[]): Promise<Pair> {
  const second = await openCopy(file, keys);
  if (second.organisation !== copy.organisation) {
    const sides = { file: copy.file, organisation: copy.organisation, other: second.organisation };
    throw new Failure('CONFIG', say('copy.foreign', sides));
  }
  return {
    left: within(recordsOf(copy), second),
    right: within(recordsOf(second), copy),
    second,
  };
}

type Bounds = Pick<CheckedCopy, 'after' | 'through'>;

async function* within(
  records: AsyncIterable<CopyRecord>,
  { after, through }: Bounds,
): AsyncGenerator<CopyRecord> {
  for await (const record of records)
    if (isUpTo(record, through) && (after === null || !isUpTo(record, after))) yield record;
}

function isUpTo({ leaf, time }: CopyRecord, position: CopyPosition): boolean {
  return leaf <= BigInt(position.leaf) && Date.parse(time) <= Date.parse(position.at);
}

async function keysOf(call: VerbCall): Promise<readonly EvidenceJwk[]> {
  return Promise.all(
    call.list('key').map(async (file) => {
      try {
        return parseEvidenceJwk(await readJsonArgument(call.terminal, file));
      } catch (cause) {
        if (!(cause instanceof EvidenceError)) throw cause;
        throw new Failure('CONFIG', say('cli.copyKeyBroken', { file }), { cause });
      }
    }),
  );
}

const KINDS = {
  leftOnly: 'cli.copy.leftOnly',
  rightOnly: 'cli.copy.rightOnly',
  differs: 'cli.copy.differs',
} as const;

async function printDifference(call: VerbCall, difference: Difference): Promise<void> {
  if (call.json) return printJson(call, difference);
  const { terminal } = call;
  const { kind, id, leaf, fields } = difference;
  const lines = [
    `${worded(terminal, KINDS[kind], { id: printable(id), leaf })}\n`,
    ...fields.map(
      ({ field, left, right }) =>
        `  ${printable(field)}: ${printable(left ?? '–')} | ${printable(right ?? '–')}\n`,
    ),
  ];
  await terminal.out(lines.join(''));
}

async function printSummary(
  call: VerbCall,
  { records, through, kid }: CheckedCopy,
  { differences, isTrusted }: { readonly differences: number; readonly isTrusted: boolean },
): Promise<void> {
  if (call.json)
    return printJson(call, {
      summary: { records: String(records), through, kid, trusted: isTrusted, differences },
    });
  const { terminal } = call;
  const counts = { records: String(records), differences, at: through.at };
  await terminal.out(`${worded(terminal, 'cli.copy.summary', counts)}\n`);
  if (!isTrusted) terminal.err(`unseen: ${worded(terminal, 'cli.copy.untrusted', { kid })}\n`);
}
