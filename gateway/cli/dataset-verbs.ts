/** The verbs `dataset …`: register data with the runner that holds them, and see what may be asked. */
import { dirname, resolve } from 'node:path';
import { Failure } from '#policies/refusal.ts';
import { say, type SentenceId } from '#policies/words.ts';
import type { Client } from '../client/client.ts';
import type { DatasetColumn, DatasetSummary, DatasetView } from '../client/resources.ts';
import { Profiles } from './profile.ts';
import { clientOf, parseServerUrl } from './session.ts';
import { renderFields, renderTable } from './table.ts';
import { readArgument, type Terminal, worded } from './terminal.ts';
import { defineGroup, defineVerb, print, printJson, type VerbCall, type VerbHost } from './verb.ts';

const TICK_MS = 1_000;

export function registerDatasetVerbs(parent: VerbHost): void {
  const host = defineGroup(parent, 'dataset', 'cli.dataset');
  defineVerb(
    host,
    {
      name: 'add <manifest>',
      about: 'cli.dataset.add',
      flags: [
        { flags: '--policy <file>', about: 'cli.flag.policy', required: true },
        { flags: '--base-directory <directory>', about: 'cli.flag.baseDirectory' },
        { flags: '--runner-url <url>', about: 'cli.flag.runnerUrl' },
        { flags: '--allow-http', about: 'cli.flag.allowHttp' },
      ],
      examples: ['unseen dataset add visits.yaml --policy policy.yaml'],
    },
    add,
  );
  defineVerb(host, { name: 'list', about: 'cli.dataset.list', examples: ['unseen dataset list'] }, list);
  defineVerb(
    host,
    { name: 'show <name>', about: 'cli.dataset.show', examples: ['unseen dataset show visits'] },
    async (call) => {
      const dataset = await call.client().dataset(call.argument(0));
      await print(call, dataset, () => renderDataset(call.terminal, dataset));
    },
  );
  for (const [act, { told, send }] of Object.entries(STOPS) as [keyof typeof STOPS, Stop][])
    defineVerb(
      host,
      { name: `${act} <name>`, about: `cli.dataset.${act}`, examples: [`unseen dataset ${act} visits`] },
      async (call) => {
        const id = call.argument(0);
        const dataset = await send(call.client(), id);
        if (call.json) return printJson(call, dataset);
        await call.terminal.out(`${worded(call.terminal, told, { id })}\n`);
      },
    );
}

interface Stop {
  readonly told: SentenceId;
  readonly send: (client: Client, name: string) => Promise<DatasetSummary>;
}

const STOPS = {
  suspend: { told: 'cli.isSuspended', send: (client, name) => client.suspendDataset(name) },
  resume: { told: 'cli.isResumed', send: (client, name) => client.resumeDataset(name) },
  withdraw: { told: 'cli.isWithdrawn', send: (client, name) => client.withdrawDataset(name) },
} as const satisfies Readonly<Record<string, Stop>>;

async function add(call: VerbCall): Promise<void> {
  const { terminal } = call;
  const file = call.argument(0);
  const manifest = await readArgument(terminal, file);
  const policy = await readArgument(terminal, call.text('policy') ?? '');
  const baseDirectory = resolve(call.text('baseDirectory') ?? (file === '-' ? '.' : dirname(file)));
  const profile = new Profiles(terminal.configDirectory).load(call.profile);
  const stated = call.text('runnerUrl');
  const runnerUrl =
    stated === undefined ? profile.runnerUrl : parseServerUrl(stated, { allowHttp: call.isSet('allowHttp') });
  if (runnerUrl === null) throw new Failure('CONFIG', say('cli.noRunner'));
  const client = clientOf(terminal, { ...profile, runnerUrl }, profile.key);
  const made = await watched(terminal, () => client.registerDataset({ manifest, policy, baseDirectory }));
  await print(call, made, () =>
    renderFields([
      [worded(terminal, 'cli.column.name'), made.name],
      [worded(terminal, 'cli.column.version'), made.versionId],
      [worded(terminal, 'cli.column.commitment'), made.commitment],
    ]),
  );
}

/** Says how long the operator's own work has taken so far, to a person who watches. */
async function watched<Result>(terminal: Terminal, work: () => Promise<Result>): Promise<Result> {
  const started = Date.now();
  const tick = (): void => {
    const seconds = Math.round((Date.now() - started) / 1_000);
    terminal.err(`\r${worded(terminal, 'cli.preparing', { seconds })}`);
  };
  const timer = terminal.isWatched ? setInterval(tick, TICK_MS) : undefined;
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (timer !== undefined && Date.now() - started >= TICK_MS) terminal.err('\n');
  }
}

async function list(call: VerbCall): Promise<void> {
  const items = await call.client().datasets();
  const { terminal } = call;
  await print(call, { items }, () =>
    renderTable(
      (['name', 'title', 'origin', 'grade', 'state'] as const).map((name) => ({
        title: worded(terminal, `cli.column.${name}`),
      })),
      items.map((item) => [item.name, titleOf(terminal, item), item.origin, item.grade, item.state]),
    ),
  );
}

function titleOf({ language }: Terminal, { title }: DatasetSummary): string {
  return title?.[language] ?? '';
}

function renderDataset(terminal: Terminal, dataset: DatasetView): string {
  const { policy } = dataset;
  const head = renderFields([
    [worded(terminal, 'cli.column.name'), dataset.name],
    [worded(terminal, 'cli.column.title'), titleOf(terminal, dataset)],
    [worded(terminal, 'cli.column.origin'), dataset.origin],
    [worded(terminal, 'cli.column.grade'), dataset.grade],
    [worded(terminal, 'cli.column.state'), dataset.state],
    [worded(terminal, 'cli.column.mechanism'), plain(policy['mechanism'])],
    [worded(terminal, 'cli.column.perJob'), plain(policy['perJob'])],
    [worded(terminal, 'cli.column.timing'), plain(policy['timing'])],
    [worded(terminal, 'cli.column.version'), dataset.versionId ?? ''],
  ]);
  return `${head}\n${renderColumns(terminal, dataset.columns)}`;
}

function renderColumns(terminal: Terminal, columns: readonly DatasetColumn[]): string {
  return renderTable(
    (['name', 'type', 'role', 'bounds', 'values'] as const).map((name) => ({
      title: worded(terminal, `cli.column.${name}`),
    })),
    columns.map((column) => [
      column.name,
      plain(column.type),
      column.role,
      column.bounds === null ? '' : column.bounds.join(' … '),
      column.values === null ? '' : column.values.map(String).join(', '),
    ]),
  );
}

/** A value of the API on one line: `epsilon 0.25, max 1`. */
function plain(value: unknown): string {
  if (typeof value !== 'object' || value === null)
    return value === undefined || value === null ? '–' : `${value as string | number | boolean}`;
  const { kind, scale, ...fields } = value as Readonly<Record<string, unknown>>;
  if (typeof kind === 'string') return typeof scale === 'number' ? `${kind}(${scale})` : kind;
  return Object.entries(fields)
    .map(([name, entry]) => `${name} ${plain(entry)}`)
    .join(', ');
}
