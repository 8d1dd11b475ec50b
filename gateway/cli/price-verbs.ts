/** The verbs `price …`: cards, caps and ceilings, the public list, the calculator, deviations and the separate ledger. */
import { Failure } from '#policies/refusal.ts';
import { render, type Sentence, say } from '#policies/words.ts';
import { parseManifestText } from '#sandbox/manifest/manifest-text.ts';
import { parseCostEntries } from '../billing/cost-ledger.ts';
import { decimalText } from '../billing/decimal.ts';
import {
  ceilingOf,
  parseCeilingInputs,
  parseRevenueCeiling,
  yearsWorking,
} from '../billing/revenue-ceiling.ts';
import type { CostBooks, PriceCharge, PriceTask, PriceWording, YearDeviation } from '../client/prices.ts';
import { renderTable } from './table.ts';
import { readArgument, type Terminal, worded } from './terminal.ts';
import { defineGroup, defineVerb, type FlagSpec, print, type VerbCall, type VerbHost } from './verb.ts';

const YEAR: FlagSpec = { flags: '--year <year>', about: 'cli.flag.year', required: true };

export function registerPriceVerbs(parent: VerbHost): void {
  const host = defineGroup(parent, 'price', 'cli.price');
  registerListVerbs(host);
  registerCeilingVerbs(host);
  registerCostVerbs(host);
}

function registerListVerbs(host: VerbHost): void {
  defineVerb(
    host,
    { name: 'history <id>', about: 'cli.price.history', examples: ['unseen price history RC-visits'] },
    async (call) => {
      const found = await call.client().prices.history(call.argument(0));
      await print(call, found, () =>
        renderWordings(
          call.terminal,
          found.items.flatMap(({ history }) => history),
        ),
      );
    },
  );
}

function registerCeilingVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'ceiling <file>',
      about: 'cli.price.ceiling',
      examples: ['unseen price ceiling ceiling.yaml', 'unseen price ceiling inputs.yaml --json'],
      offline: true,
    },
    ceiling,
  );
  defineVerb(
    host,
    {
      name: 'deviation',
      about: 'cli.price.deviation',
      flags: [YEAR],
      examples: ['unseen price deviation --year 2027'],
    },
    async (call) => {
      const found = await call.client().prices.deviations(yearOf(call));
      await print(call, found, () =>
        found.items.map((item) => renderDeviation(call.terminal, item)).join('\n'),
      );
    },
  );
  defineVerb(
    host,
    {
      name: 'tasks',
      about: 'cli.price.tasks',
      flags: [
        { flags: '--close <ceiling>', about: 'cli.flag.closeTask' },
        { ...YEAR, required: false },
        { flags: '--outcome <text>', about: 'cli.flag.outcome' },
      ],
      examples: [
        'unseen price tasks',
        "unseen price tasks --close RCL-city --year 2027 --outcome 'caps lowered by 4 %'",
      ],
    },
    tasks,
  );
}

function registerCostVerbs(host: VerbHost): void {
  defineVerb(
    host,
    { name: 'costs', about: 'cli.price.costs', flags: [YEAR], examples: ['unseen price costs --year 2026'] },
    async (call) => {
      const books = await call.client().prices.costs(yearOf(call));
      await print(call, books, () => renderBooks(call.terminal, books));
    },
  );
  defineVerb(
    defineGroup(host, 'cost', 'cli.price.cost'),
    {
      name: 'add [file]',
      about: 'cli.price.cost.add',
      flags: [
        { flags: '--period <month>', about: 'cli.flag.costPeriod' },
        { flags: '--class <class>', about: 'cli.flag.costClass' },
        { flags: '--category <category>', about: 'cli.flag.costCategory' },
        { flags: '--amount <yuan>', about: 'cli.flag.costAmount' },
        { flags: '--evidence <id>', about: 'cli.flag.evidence' },
        { flags: '--reverses <id>', about: 'cli.flag.costReverses' },
        { flags: '--about <text>', about: 'cli.flag.costAbout' },
      ],
      examples: [
        'unseen price cost add costs-2026-05.yaml',
        "unseen price cost add --period 2026-05 --class industry --category storage --amount 1200.00 --about 'disks'",
        "unseen price cost add --reverses ENTRY --about 'entered twice'",
      ],
    },
    addCosts,
  );
}

function yearOf(call: VerbCall): number {
  const text = call.text('year') ?? '';
  if (!/^\d{4}$/.test(text)) throw new Failure('CONFIG', say('price.year.form'));
  return Number(text);
}

/** Computed here, from a ceiling or from its inputs alone: nothing is asked of a server. */
async function ceiling(call: VerbCall): Promise<void> {
  const file = call.argument(0);
  const written = parseManifestText(await readArgument(call.terminal, file), file);
  const isDocument = typeof written === 'object' && written !== null && 'kind' in written;
  const document = isDocument ? parseRevenueCeiling(written) : null;
  const computed = ceilingOf(document?.inputs ?? parseCeilingInputs(written));
  const working: readonly Sentence[] = [
    ...computed.working,
    ...(document === null ? [] : yearsWorking(document)),
  ];
  const { costFen, ratePercent, profitYuan, valueFen } = computed;
  const lines = (language: 'en' | 'zh'): readonly string[] => working.map((line) => render(line, language));
  const value = {
    costYuan: decimalText(costFen, 2),
    ratePercent,
    profitYuan,
    ceilingYuan: decimalText(valueFen, 2),
    working: { en: lines('en'), zh: lines('zh') },
  };
  await print(call, value, () => `${lines(call.terminal.language).join('\n')}\n`);
}

async function tasks(call: VerbCall): Promise<void> {
  const [ceilingId, outcome] = [call.text('close'), call.text('outcome')];
  const { prices } = call.client();
  if (ceilingId === undefined) {
    const { items } = await prices.tasks();
    return print(call, { items }, () => renderTasks(call.terminal, items));
  }
  if (outcome === undefined) throw new Failure('CONFIG', say('price.task.outcome'));
  const closed = await prices.closeTask({ year: yearOf(call), ceiling: ceilingId, outcome });
  await print(call, closed, () => renderTasks(call.terminal, [closed]));
}

async function addCosts(call: VerbCall): Promise<void> {
  const file = call.argument(0);
  const written =
    file === '' ? flaggedCost(call) : parseManifestText(await readArgument(call.terminal, file), file);
  // What is wrong is said here, before anything is sent.
  parseCostEntries(written);
  const made = await call.client().prices.enterCosts(written);
  await print(call, made, () => made.items.map(({ id }) => `${id}\n`).join(''));
}

/** One entry, or one reversal, from the flags of the command. */
function flaggedCost(call: VerbCall): object {
  const description = call.text('about');
  const reverses = call.text('reverses');
  if (reverses !== undefined) return { kind: 'CostEntries', reversals: [{ reverses, description }] };
  const [period, purposeClass, category, amount, evidence] = (
    ['period', 'class', 'category', 'amount', 'evidence'] as const
  ).map((flag) => call.text(flag));
  const entry = { period, purposeClass, category, amount, description, evidence };
  return { kind: 'CostEntries', entries: [entry] };
}

function renderWordings(terminal: Terminal, wordings: readonly PriceWording[]): string {
  return renderTable(
    (['version', 'from', 'until', 'state', 'price'] as const).map((name) => ({
      title: worded(terminal, `price.column.${name}`),
    })),
    wordings.map(({ revision, from, to, withdrawnAt, stateLabel, charges }) => [
      String(revision),
      from,
      withdrawnAt ?? to ?? '–',
      stateLabel,
      charges.map(chargeText).join('; '),
    ]),
  );
}

/** `calls 0.004/1`: what is charged, in yuan for so many units. */
function chargeText({ basis, model, unitPrice, per, size, tiers }: PriceCharge): string {
  const units = size ?? per ?? '1';
  const price =
    tiers?.map((tier) => `≤${tier.upTo ?? '∞'}: ${tier.unitPrice}`).join(', ') ?? unitPrice ?? '0';
  return `${basis} ${model} ${price}/${units}`;
}

function renderDeviation(terminal: Terminal, item: YearDeviation): string {
  const { ceiling: ceilingId, year, working, carryOver, disputedYuan, note, task } = item;
  const { openingYuan, deductedYuan, excessYuan, closingYuan } = carryOver;
  const figures = { opening: openingYuan, deducted: deductedYuan, excess: excessYuan, closing: closingYuan };
  const lines = [
    `${ceilingId} ${year}`,
    ...working,
    worded(terminal, 'price.carryOver', figures),
    ...(disputedYuan === '0.00' ? [] : [worded(terminal, 'price.disputed', { disputed: disputedYuan })]),
    ...(note === null ? [] : [note]),
    ...(task === null ? [] : [worded(terminal, 'price.task.open', { kind: task.kind, at: task.openedAt })]),
  ];
  return `${lines.join('\n')}\n`;
}

function renderTasks(terminal: Terminal, items: readonly PriceTask[]): string {
  return renderTable(
    (['year', 'ceiling', 'task', 'opened', 'closed', 'outcome'] as const).map((name) => ({
      title: worded(terminal, `price.column.${name}`),
    })),
    items.map(({ year, ceiling: ceilingId, kind, openedAt, closedAt, outcome }) => [
      String(year),
      ceilingId,
      kind,
      openedAt,
      closedAt ?? '–',
      outcome ?? '–',
    ]),
  );
}

function renderBooks(terminal: Terminal, { classes, note }: CostBooks): string {
  const names = classes[0]?.items.map(({ category }) => category) ?? [];
  const rows = names.map((category, at) => [
    category,
    ...classes.map(({ items }) => items[at]?.amountYuan ?? ''),
  ]);
  const table = renderTable(
    [
      { title: worded(terminal, 'price.column.category') },
      ...classes.map(({ purposeClass }) => ({ title: purposeClass, align: 'right' as const })),
    ],
    [...rows, [worded(terminal, 'price.netCosts'), ...classes.map(({ netCostsYuan }) => netCostsYuan)]],
  );
  return `${table}${note}\n`;
}
