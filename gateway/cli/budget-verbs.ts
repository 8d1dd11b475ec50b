/** The verb `budget explain`: what a dataset's ledgers hold, and each charge on them with its reason. */
import type { BudgetCharge, BudgetLedger } from '../client/resources.ts';
import { renderTable } from './table.ts';
import { type Terminal, worded } from './terminal.ts';
import { defineGroup, defineVerb, print, type VerbHost } from './verb.ts';

export function registerBudgetVerbs(parent: VerbHost): void {
  defineVerb(
    defineGroup(parent, 'budget', 'cli.budget'),
    {
      name: 'explain <dataset>',
      about: 'cli.budget.explain',
      examples: ['unseen budget explain visits', 'unseen budget explain visits --json'],
    },
    async (call) => {
      const budget = await call.client().budget(call.argument(0));
      const { terminal } = call;
      await print(
        call,
        budget,
        () => `${renderLedgers(terminal, budget.ledgers)}\n${renderCharges(terminal, budget.items)}`,
      );
    },
  );
}

function renderLedgers(terminal: Terminal, ledgers: readonly BudgetLedger[]): string {
  return renderTable(
    [
      { title: worded(terminal, 'cli.column.ledger') },
      { title: worded(terminal, 'cli.column.unit') },
      { title: worded(terminal, 'cli.column.capacity'), align: 'right' },
      { title: worded(terminal, 'cli.column.spent'), align: 'right' },
      { title: worded(terminal, 'cli.column.setAside'), align: 'right' },
      { title: worded(terminal, 'cli.column.rest'), align: 'right' },
    ],
    ledgers.map(({ ledger, unit, capacity, spent, setAside, left }) => [
      ledger,
      `nano-${unit}`,
      capacity?.nano ?? '∞',
      spent.nano,
      setAside.nano,
      left?.nano ?? '∞',
    ]),
  );
}

function renderCharges(terminal: Terminal, charges: readonly BudgetCharge[]): string {
  return renderTable(
    [
      { title: worded(terminal, 'cli.column.submittedAt') },
      { title: worded(terminal, 'cli.column.job') },
      { title: worded(terminal, 'cli.column.ledger') },
      { title: worded(terminal, 'cli.column.grant') },
      { title: worded(terminal, 'cli.column.spent'), align: 'right' },
      { title: 'ε', align: 'right' },
      { title: worded(terminal, 'cli.column.why') },
    ],
    charges.map(({ submittedAt, job, ledger, grant, nano, asked, why }) => [
      submittedAt,
      job,
      ledger,
      grant ?? '',
      nano,
      asked.epsilon ?? '',
      why,
    ]),
  );
}
