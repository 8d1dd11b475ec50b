/**
 * The verb `verify`: whether a receipt holds, from files alone.
 *
 * Guarantee: no profile is read and nothing is sent; the first thing that does not hold is named, and what could
 * not be checked is said. Exit codes tell valid, not valid, and intact but vouched for by nobody apart.
 * Not covered: whether the keys given are the right ones. Get them on another way than the receipt.
 */
import { type EvidenceJwk, parseEvidenceJwk } from '#crypto/evidence-key.ts';
import { EvidenceError } from '#crypto/evidence.ts';
import { type Check, type Verification, verifyReceipt } from '#crypto/receipt.ts';
import type { ReceiptPayload } from '#crypto/receipt-payload.ts';
import { Failure } from '#policies/refusal.ts';
import { render, say, type SentenceId, WORDS } from '#policies/words.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { renderFields, renderTable } from './table.ts';
import { readArgument, readJsonArgument, type Terminal, worded } from './terminal.ts';
import { defineVerb, print, type VerbCall, type VerbHost } from './verb.ts';

export function registerVerifyVerb(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'verify <receipt>',
      about: 'cli.verify',
      offline: true,
      flags: [
        { flags: '--keys <file>', about: 'cli.flag.keys' },
        { flags: '--proof <file>', about: 'cli.flag.proof' },
        { flags: '--log-key <file>', about: 'cli.flag.logKey' },
        { flags: '--checkpoint <file>', about: 'cli.flag.checkpoint' },
        { flags: '--answer <file>', about: 'cli.flag.answer' },
      ],
      examples: [
        'unseen verify receipt.jwt --keys jwks.json --proof proof.txt --log-key log.key',
        'unseen verify receipt.jwt --keys jwks.json --answer answer.json --json',
      ],
    },
    verify,
  );
}

async function verify(call: VerbCall): Promise<ExitCode> {
  const { terminal } = call;
  const optional = async (flag: string): Promise<string | undefined> => {
    const file = call.text(flag);
    return file === undefined ? undefined : readArgument(terminal, file);
  };
  const receipt = (await readArgument(terminal, call.argument(0))).trim();
  const result = await verifyReceipt({
    receipt,
    keys: await trustedKeys(call),
    proof: await optional('proof'),
    logKey: (await optional('logKey'))?.trim(),
    checkpoint: await optional('checkpoint'),
    disclosed: await answerOf(call),
  });
  await print(call, jsonOf(terminal, result), () => renderVerification(terminal, result));
  if (result.valid) return EXIT.done;
  return result.verdict === 'invalid' ? EXIT.invalid : EXIT.untrusted;
}

/**
 * The keys of a JWK set, or of a single JWK. Keys of other kinds, such as those of tokens, are passed over; a set
 * without any key that could sign a receipt is a wrong file.
 */
export async function trustedKeys(call: VerbCall): Promise<readonly EvidenceJwk[]> {
  const file = call.text('keys');
  if (file === undefined) return [];
  const written = await readJsonArgument(call.terminal, file);
  const listed = (written as { keys?: unknown } | null)?.keys;
  const keys = (Array.isArray(listed) ? listed : [written]).flatMap(receiptKeyOf);
  if (keys.length === 0) throw new Failure('CONFIG', say('cli.noReceiptKey', { file }));
  return keys;
}

function receiptKeyOf(jwk: unknown): EvidenceJwk[] {
  try {
    return [parseEvidenceJwk(jwk)];
  } catch (error) {
    if (error instanceof EvidenceError) return [];
    throw error;
  }
}

/** What `unseen query --json` prints holds salt and cells among other things. */
async function answerOf(call: VerbCall): Promise<{ salt: string; cells: unknown } | undefined> {
  const file = call.text('answer');
  if (file === undefined) return undefined;
  const written = (await readJsonArgument(call.terminal, file)) as Readonly<Record<string, unknown>> | null;
  if (typeof written?.['salt'] !== 'string' || written['cells'] === undefined)
    throw new Failure('CONFIG', say('cli.notAnswer', { file }));
  return { salt: written['salt'], cells: written['cells'] };
}

/** A sentence whose id is made from a code of the evidence. */
function evidenceWords(terminal: Terminal, name: string, args: Check['args']): string {
  const id = `verify.${name}`;
  if (!Object.hasOwn(WORDS, id)) throw new RangeError(`no sentence for ${id}`);
  return render({ id: id as SentenceId, args }, terminal.language);
}

function sentenceOf(terminal: Terminal, { name, code, args }: Check): string {
  return evidenceWords(terminal, code ?? `check.${name}`, args);
}

function signerOf(terminal: Terminal, { checks }: Verification): string | null {
  const key = checks.find(({ code }) => code === 'KEY_SELF_ASSERTED')?.args['key'];
  return key === undefined ? null : worded(terminal, 'cli.signedBy', { key });
}

function jsonOf(terminal: Terminal, result: Verification): object {
  const told = result.checks.map((check) => ({ ...check, message: sentenceOf(terminal, check) }));
  return {
    verdict: result.verdict,
    valid: result.valid,
    message: evidenceWords(terminal, `verdict.${result.verdict}`, {}),
    failed: told.find(({ state }) => state === 'fails') ?? null,
    checks: told,
    payload: result.payload,
  };
}

const MARK = { holds: '+', warning: '!', skipped: '-', fails: 'x' } as const;

function renderVerification(terminal: Terminal, result: Verification): string {
  const { failed, payload } = result;
  const verdict = evidenceWords(terminal, `verdict.${result.verdict}`, {});
  const reason = failed === null ? '' : `${sentenceOf(terminal, failed)}\n`;
  const signer = signerOf(terminal, result);
  const checks = renderTable(
    [
      { title: '' },
      { title: worded(terminal, 'cli.column.check') },
      { title: worded(terminal, 'cli.column.finding') },
    ],
    result.checks.map((check) => [MARK[check.state], check.name, sentenceOf(terminal, check)]),
  );
  const story = failed === null && payload !== null ? `\n${renderPayload(terminal, payload)}` : '';
  return `${verdict}\n${reason}${signer === null ? '' : `${signer}\n`}\n${checks}${story}`;
}

/** What the receipt says, as far as a person asks at first. */
function renderPayload(terminal: Terminal, payload: ReceiptPayload): string {
  const { cost, jail } = payload;
  const decision = payload.code === null ? payload.decision : `${payload.decision} (${payload.code})`;
  const fields: [string, string | null][] = [
    ['issuer', payload.issuer],
    ['job', payload.jobId],
    ['decision', decision],
    ['dataset', payload.datasets.map(({ name }) => name).join(', ')],
    ['grant', payload.grantId],
    ['purpose', payload.purpose],
    ['cost', cost === null ? null : `ε ${cost.epsilon}, δ ${cost.delta}`],
    ['jail', jail === null ? null : jail.layers.join(', ')],
    ['releaseAt', payload.releasedAt],
  ];
  return renderFields(
    fields.flatMap(([name, value]) =>
      value === null || value === ''
        ? []
        : [[worded(terminal, `cli.column.${name}` as SentenceId), value] as const],
    ),
  );
}
