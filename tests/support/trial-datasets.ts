/** Small public schemas for trials of programs: one with every type of column, and those of the accepted programs. */
import type { Column, ColumnType } from '#sandbox/manifest/dataset.ts';
import type { ProgramManifest } from '#sandbox/program/program.ts';
import type { TrialDataset } from '#sandbox/program/mock.ts';

function column(
  name: string,
  kind: Exclude<ColumnType['kind'], 'decimal'>,
  more: Partial<Column> = {},
): Column {
  return { name, type: { kind }, role: 'value', bounds: null, granularity: null, values: null, ...more };
}

export const VISITS: TrialDataset = {
  name: 'visits',
  columns: [
    column('patient', 'string', { role: 'unit' }),
    column('region', 'string', { role: 'key', values: ['north', 'south'] }),
    column('age', 'integer', { bounds: [0, 120] }),
    column('cost', 'number', { bounds: [0, 500], granularity: 0.01 }),
    column('insured', 'boolean'),
    column('day', 'date', { bounds: ['2024-01-01', '2024-12-31'] }),
    column('note', 'string'),
    column('secret', 'string', { role: 'hidden' }),
  ],
};

/** A schema for a program, its types those of some records. */
export function schemaOf(
  { inputs }: ProgramManifest,
  records: readonly Readonly<Record<string, unknown>>[],
): readonly TrialDataset[] {
  return inputs.map(({ dataset, columns }) => ({
    name: dataset,
    columns: columns.map(({ name, column: stored }) => {
      const value = records.map((record) => record[name]).find((some) => some !== null && some !== undefined);
      if (typeof value === 'number') return column(stored, 'number', { bounds: [0, 200] });
      return column(stored, typeof value === 'boolean' ? 'boolean' : 'string');
    }),
  }));
}
