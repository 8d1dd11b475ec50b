/** The verbs of filed documents: `agreement …`, `product …`, and of whatever group asks for the same. */
import { Failure } from '#policies/refusal.ts';
import { type SentenceId, say } from '#policies/words.ts';
import { parseManifestText } from '#sandbox/manifest/manifest-text.ts';
import type { DocumentView } from '../client/resources.ts';
import { renderTable } from './table.ts';
import { readArgument, worded } from './terminal.ts';
import { defineGroup, defineVerb, type FlagSpec, print, type VerbCall, type VerbHost } from './verb.ts';

/** A group of verbs about documents. */
export interface DocumentGroup {
  /** As it is typed: `agreement`. */
  readonly group: string;
  /** The kinds of its documents; where there are several, `--kind` says which: the first, unless said. */
  readonly kinds: readonly [string, ...string[]];
  /** An id for the examples. */
  readonly example: string;
  /** What `list --public` tells; without it there is no such flag. */
  readonly listPublic?: (call: VerbCall) => Promise<void>;
}

export function registerAgreementAndProductVerbs(parent: VerbHost): void {
  registerDocumentVerbs(defineGroup(parent, 'agreement', 'cli.agreement'), {
    group: 'agreement',
    kinds: ['Agreement'],
    example: 'OA-2026-014',
  });
  registerDocumentVerbs(defineGroup(parent, 'product', 'cli.product'), {
    group: 'product',
    kinds: ['Product'],
    example: 'P-0012',
  });
}

/** Adds file, approve, list, show and withdraw to a group. */
export function registerDocumentVerbs(
  host: VerbHost,
  { group, kinds, example, listPublic }: DocumentGroup,
): void {
  const [only] = kinds;
  const kindFlag: FlagSpec[] =
    kinds.length === 1 ? [] : [{ flags: '--kind <kind>', about: 'cli.flag.documentKind', choices: kinds }];
  const kindOf = (call: VerbCall): string => call.text('kind') ?? only;
  const revision: FlagSpec = { flags: '--revision <number>', about: 'cli.flag.documentRevision' };
  const examples = (verb: string, ...more: readonly string[]) => [
    `unseen ${group} ${verb}`,
    ...more.map((rest) => `unseen ${group} ${verb} ${rest}`),
  ];

  defineVerb(
    host,
    { name: 'file <file>', about: 'cli.document.file', examples: [`unseen ${group} file ${group}.yaml`] },
    (call) => file(call, kinds),
  );
  for (const act of ['approve', 'withdraw'] as const)
    defineVerb(
      host,
      {
        name: `${act} <id>`,
        about: ABOUT[act],
        flags: [...kindFlag, revision],
        examples: examples(`${act} ${example}`, '--revision 2'),
      },
      (call) => actOn(call, kindOf(call), act),
    );
  const publicFlag: FlagSpec[] =
    listPublic === undefined
      ? []
      : [{ flags: '--public', about: 'cli.flag.publicList', conflicts: kinds.length > 1 ? ['kind'] : [] }];
  defineVerb(
    host,
    {
      name: 'list',
      about: 'cli.document.list',
      flags: [...kindFlag, ...publicFlag],
      examples: [...examples('list').slice(0, 1), ...publicFlag.map(() => `unseen ${group} list --public`)],
    },
    (call) =>
      listPublic !== undefined && call.isSet('public') ? listPublic(call) : list(call, kindOf(call)),
  );
  defineVerb(
    host,
    {
      name: 'show <id>',
      about: 'cli.document.show',
      flags: [...kindFlag, revision],
      examples: examples(`show ${example}`, '--revision 2'),
    },
    async (call) => {
      const document = await call.client().document(kindOf(call), call.argument(0), revisionOf(call));
      // A person reads a document as one.
      await print(call, document, () => `${JSON.stringify(document, null, 2)}\n`);
    },
  );
}

const ABOUT: Readonly<Record<'approve' | 'withdraw', SentenceId>> = {
  approve: 'cli.document.approve',
  withdraw: 'cli.document.withdraw',
};

/** What is wrong with the file as a file is said here; what is wrong with its fields, by the server, all at once. */
async function file(call: VerbCall, kinds: readonly string[]): Promise<void> {
  const { terminal } = call;
  const path = call.argument(0);
  const written = parseManifestText(await readArgument(terminal, path), path) as {
    readonly kind?: unknown;
  } | null;
  const kind = kinds.find((known) => known === written?.kind);
  if (kind === undefined)
    throw new Failure('CONFIG', say('cli.document.otherKind', { file: path, kinds: kinds.join(', ') }));
  const filed = await call.client().fileDocument(kind, written);
  await tell(call, filed, 'cli.document.filed');
}

async function actOn(call: VerbCall, kind: string, act: 'approve' | 'withdraw'): Promise<void> {
  const id = call.argument(0);
  const client = call.client();
  const revision = revisionOf(call) ?? (await client.document(kind, id)).revision;
  const done = await client.actOnDocument({ kind, id, revision }, act);
  await tell(call, done, act === 'approve' ? 'cli.document.approved' : 'cli.document.isWithdrawn');
}

async function tell(call: VerbCall, document: DocumentView, told: SentenceId): Promise<void> {
  const { terminal } = call;
  for (const warning of document.warnings) terminal.err(`unseen: ${warning}\n`);
  const { id, revision } = document;
  await print(call, document, () => `${worded(terminal, told, { id, revision })}\n`);
}

async function list(call: VerbCall, kind: string): Promise<void> {
  const items = await call.client().documents(kind);
  const { terminal } = call;
  await print(call, { items }, () =>
    renderTable(
      (['id', 'version', 'title', 'from', 'end', 'state'] as const).map((name) => ({
        title: worded(terminal, `cli.column.${name}`),
      })),
      items.map(({ id, revision, body, from, to, state }) => [
        id,
        String(revision),
        typeof body['title'] === 'string' ? body['title'] : '',
        from,
        to ?? '–',
        state,
      ]),
    ),
  );
}

function revisionOf(call: VerbCall): number | undefined {
  const text = call.text('revision');
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new Failure('CONFIG', say('cli.document.revision', { text }));
}
