/** The verbs `receipt` and `log …`: what a run is shown by, fetched to be kept. */
import { writeFileSync } from 'node:fs';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { worded } from './terminal.ts';
import { defineGroup, defineVerb, print, type VerbCall, type VerbHost } from './verb.ts';

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
