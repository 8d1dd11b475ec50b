/** The verbs `receipt`, `log …` and `usage export`: what a run is shown by, fetched to be kept. */
import { writeFileSync } from 'node:fs';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { renderTable } from './table.ts';
import { worded } from './terminal.ts';
import { defineGroup, defineVerb, print, printJson, type VerbCall, type VerbHost } from './verb.ts';

export function registerEvidenceVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'receipt <job>',
      about: 'cli.receipt',
      flags: [
        { flags: '--proof <file>', about: 'cli.flag.proofOut' },
        { flags: '--keys <file>', about: 'cli.flag.keysOut' },
        { flags: '--log-key <file>', about: 'cli.flag.logKeyOut' },
      ],
      examples: ['unseen receipt JOB --proof proof.txt --keys jwks.json --log-key log.key > receipt.jwt'],
    },
    receipt,
  );
  registerLogVerbs(defineGroup(host, 'log', 'cli.log'));
  const usage = defineGroup(host, 'usage', 'cli.usage');
  defineVerb(
    usage,
    {
      name: 'export',
      about: 'cli.usage.export',
      flags: [
        { flags: '--from <time>', about: 'cli.flag.from' },
        { flags: '--to <time>', about: 'cli.flag.to' },
        { flags: '--csv', about: 'cli.flag.csv', conflicts: ['json'] },
      ],
      examples: [
        'unseen usage export --from 2026-11-01T00:00:00+08:00 > usage.jsonl',
        'unseen usage export --csv > usage.csv',
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
}

async function quoteCounts(call: VerbCall): Promise<void> {
  const [from, to] = [call.text('from'), call.text('to')];
  const days = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  const { items: counts } = await call.client().quotes.counts(days);
  const titles = ['day', 'account', 'organisation', 'made', 'accepted'] as const;
  await print(call, counts, () =>
    renderTable(
      titles.map((name) => ({ title: worded(call.terminal, `cli.column.${name}`) })),
      counts.map(({ day, account, organisation, made, accepted }) => [
        day,
        account,
        organisation,
        String(made),
        String(accepted),
      ]),
    ),
  );
}

function registerLogVerbs(host: VerbHost): void {
  const textVerb = (
    name: string,
    about: 'cli.log.checkpoint' | 'cli.log.prove' | 'cli.log.key',
    examples: readonly string[],
    fetchText: (call: VerbCall) => Promise<string>,
  ): void =>
    defineVerb(host, { name, about, examples }, async (call) => {
      const text = await fetchText(call);
      const line = text.endsWith('\n') ? text : `${text}\n`;
      await print(call, { text: line }, () => line);
    });
  textVerb('checkpoint', 'cli.log.checkpoint', ['unseen log checkpoint > checkpoint.txt'], (call) =>
    call.client().checkpoint(),
  );
  textVerb('prove <job>', 'cli.log.prove', ['unseen log prove JOB > proof.txt'], (call) =>
    call.client().logProof(call.argument(0)),
  );
  textVerb('key', 'cli.log.key', ['unseen log key > log.key'], (call) => call.client().logKey());
}

async function receipt(call: VerbCall): Promise<void> {
  const evidence = await call.client().receipt(call.argument(0));
  const [proof, keys, logKey] = [call.text('proof'), call.text('keys'), call.text('logKey')];
  if (proof !== undefined) {
    if (evidence.proof === null) throw new Failure('STATE_BUSY', say('cli.proofAbsent'));
    keep(proof, evidence.proof);
  }
  if (keys !== undefined) keep(keys, `${JSON.stringify({ keys: evidence.keys.receipts })}\n`);
  if (logKey !== undefined) keep(logKey, `${evidence.keys.log}\n`);
  if (evidence.receipt === null) call.terminal.err(`unseen: ${worded(call.terminal, 'cli.recordOnly')}\n`);
  await print(call, evidence, () => `${evidence.receipt ?? evidence.record ?? ''}\n`);
}

function keep(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new Failure('CONFIG', say('cli.fileUnwritable', { file }), { cause });
  }
}

/** One event to a line, page after page, so that a year does not have to fit into memory. */
async function exportUsage(call: VerbCall): Promise<void> {
  const [from, to] = [call.text('from'), call.text('to')];
  const period = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  const client = call.client();
  if (call.isSet('csv')) {
    for await (const page of client.usageCsv(period)) await call.terminal.out(page);
    return;
  }
  for await (const event of client.usage(period)) await printJson(call, event);
}
