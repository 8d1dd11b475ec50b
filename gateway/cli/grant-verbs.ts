/** The verbs `grant …`: file, approve, show and revoke who may ask what of which data. */
import { parseGrant } from '#policies/grant.ts';
import { parseManifestText } from '#sandbox/manifest/manifest-text.ts';
import { yuanOfNano } from '../billing/amount-in-words.ts';
import type { GrantCounter, GrantView, SpendAlert } from '../client/resources.ts';
import { renderTable } from './table.ts';
import { readArgument, type Terminal, worded } from './terminal.ts';
import { defineGroup, defineVerb, print, printJson, type VerbCall, type VerbHost } from './verb.ts';

export function registerGrantVerbs(parent: VerbHost): void {
  const host = defineGroup(parent, 'grant', 'cli.grant');
  defineVerb(
    host,
    {
      name: 'create <file>',
      about: 'cli.grant.create',
      examples: ['unseen grant create grant.yaml', 'unseen grant create - < grant.json'],
    },
    create,
  );
  defineVerb(
    host,
    {
      name: 'approve <id>',
      about: 'cli.grant.approve',
      flags: [
        { flags: '--side <side>', about: 'cli.flag.side', required: true, choices: ['provider', 'buyer'] },
        { flags: '--evidence <id>', about: 'cli.flag.evidence' },
      ],
      examples: [
        'unseen grant approve g-1 --side provider',
        'unseen grant approve g-1 --side buyer --evidence letter-2026-17',
      ],
    },
    approve,
  );
  defineVerb(host, { name: 'list', about: 'cli.grant.list', examples: ['unseen grant list'] }, list);
  defineVerb(
    host,
    { name: 'show <id>', about: 'cli.grant.show', examples: ['unseen grant show g-1'] },
    async (call) => {
      const grant = await call.client().grant(call.argument(0));
      // A grant is a document; a person reads it as one.
      await print(call, grant, () => `${JSON.stringify(grant, null, 2)}\n`);
    },
  );
  defineVerb(
    host,
    {
      name: 'spend <id>',
      about: 'cli.grant.spend',
      examples: ['unseen grant spend g-1', 'unseen grant spend g-1 --json'],
    },
    spend,
  );
  defineVerb(
    host,
    {
      name: 'revoke <id>',
      about: 'cli.grant.revoke',
      flags: [{ flags: '--reason <text>', about: 'cli.flag.reason', required: true }],
      examples: ["unseen grant revoke g-1 --reason 'the agreement ended'"],
    },
    revoke,
  );
  for (const act of ['suspend', 'resume'] as const)
    defineVerb(
      host,
      { name: `${act} <id>`, about: `cli.grant.${act}`, examples: [`unseen grant ${act} g-1`] },
      async (call) => {
        const id = call.argument(0);
        const client = call.client();
        const grant = await (act === 'suspend' ? client.suspendGrant(id) : client.resumeGrant(id));
        if (call.json) return printJson(call, grant);
        const told = act === 'suspend' ? 'cli.isSuspended' : 'cli.isResumed';
        await call.terminal.out(`${worded(call.terminal, told, { id })}\n`);
      },
    );
}

/** What is wrong with the file is said here, before anything is sent. */
async function create(call: VerbCall): Promise<void> {
  const file = call.argument(0);
  const written = parseManifestText(await readArgument(call.terminal, file), file);
  parseGrant(written);
  const made = await call.client().createGrant(written);
  await print(call, made, () => `${made.id}\n`);
}

async function approve(call: VerbCall): Promise<void> {
  const id = call.argument(0);
  const side = call.text('side') ?? '';
  const evidence = call.text('evidence');
  const grant = await call.client().approveGrant(id, { side, ...(evidence !== undefined && { evidence }) });
  if (call.json) return printJson(call, grant);
  await call.terminal.out(`${worded(call.terminal, 'cli.approved', { id, side })}\n`);
}

async function revoke(call: VerbCall): Promise<void> {
  const id = call.argument(0);
  const grant = await call.client().revokeGrant(id, call.text('reason') ?? '');
  if (call.json) return printJson(call, grant);
  await call.terminal.out(`${worded(call.terminal, 'cli.revoked', { id })}\n`);
}

async function spend(call: VerbCall): Promise<void> {
  const spent = await call.client().grantSpend(call.argument(0));
  const { terminal } = call;
  await print(
    call,
    spent,
    () => `${renderCounters(terminal, spent.counters)}\n${renderAlerts(terminal, spent.items)}`,
  );
}

function renderCounters(terminal: Terminal, counters: readonly GrantCounter[]): string {
  return renderTable(
    [
      { title: worded(terminal, 'cli.column.counter') },
      { title: worded(terminal, 'cli.column.runs'), align: 'right' },
      { title: worded(terminal, 'cli.column.quotaLimit'), align: 'right' },
      { title: worded(terminal, 'cli.column.yuan'), align: 'right' },
      { title: worded(terminal, 'cli.column.quotaLimit'), align: 'right' },
      { title: '%', align: 'right' },
    ],
    counters.map(({ scope, counted, limits, spendPercent }) => [
      scope,
      counted['runs'] ?? '',
      limits['runs'] ?? '∞',
      yuanOfNano(BigInt(counted['spendNano'] ?? '0')),
      limits['spendNano'] == null ? '∞' : yuanOfNano(BigInt(limits['spendNano'])),
      spendPercent === null ? '' : String(spendPercent),
    ]),
  );
}

function renderAlerts(terminal: Terminal, alerts: readonly SpendAlert[]): string {
  return renderTable(
    [
      { title: worded(terminal, 'cli.column.alertAt') },
      { title: worded(terminal, 'cli.column.counter') },
      { title: '%', align: 'right' },
      { title: worded(terminal, 'cli.column.ofYuan'), align: 'right' },
    ],
    alerts.map(({ at, scope, percent, limitNano }) => [
      at,
      scope,
      String(percent),
      yuanOfNano(BigInt(limitNano)),
    ]),
  );
}

async function list(call: VerbCall): Promise<void> {
  const items = await call.client().grants();
  const { terminal } = call;
  await print(call, { items }, () =>
    renderTable(
      (['id', 'holder', 'dataset', 'end', 'state'] as const).map((name) => ({
        title: worded(terminal, `cli.column.${name}`),
      })),
      items.map((grant) => [
        grant.id,
        textAt(grant, 'holder'),
        datasetsOf(grant),
        textAt(grant, 'end'),
        textAt(grant, 'state'),
      ]),
    ),
  );
}

/** The terms stand in the view itself or, beside its state, in `grant`. */
function textAt(view: GrantView, field: string): string {
  const terms = view['grant'] as Readonly<Record<string, unknown>> | undefined;
  const value = view[field] ?? terms?.[field];
  return typeof value === 'string' ? value : '';
}

function datasetsOf(view: GrantView): string {
  const terms = view['grant'] as Readonly<Record<string, unknown>> | undefined;
  const datasets = view['datasets'] ?? terms?.['datasets'];
  if (!Array.isArray(datasets)) return '';
  return datasets
    .map((entry: unknown) =>
      typeof entry === 'string' ? entry : String((entry as { dataset?: unknown }).dataset),
    )
    .join(', ');
}
