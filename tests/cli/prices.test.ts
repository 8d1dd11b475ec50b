/** The verbs of prices that need no server: the calculator, and what is said of a file before it is sent. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CEILING_INPUTS, ceilingFile } from '#tests/support/price-files.ts';
import { commandLine } from './captured-terminal.ts';

const line = commandLine();
afterAll(() => line.remove());

function written(name: string, value: object): string {
  const file = join(line.directory, name);
  writeFileSync(file, JSON.stringify(value));
  return file;
}

test('the calculator shows its working from the inputs alone, and asks no server', async () => {
  const { code, out } = await line.run(['price', 'ceiling', written('inputs.json', CEILING_INPUTS)]);
  expect(code).toBe(0);
  expect(out.split('\n').slice(-6)).toEqual([
    'C = costs 20000000.00 − subsidy 1500000.00 = 18500000.00 yuan (industry products only)',
    'r = ten-year government bonds, average of 2025, 2.30 % + margin 6.00 points = 8.30 %',
    'P = C × r = 18500000.00 × 8.30 % = 1535500.00 yuan',
    'T = 0.00 yuan, as entered',
    'ceiling = C + P + T = 18500000.00 + 1535500.00 + 0.00 = 20035500.00, rounded down to the fen: 20035500.00 yuan a year',
    '',
  ]);
});

test('of a whole ceiling it shows every year of the cycle, less what is carried over, in both languages', async () => {
  const file = written('ceiling.json', ceilingFile({ carryOver: { opening: '3000000.00', cycles: 2 } }));
  const { code, value } = await line.json(['price', 'ceiling', file]);
  expect(code).toBe(0);
  expect(value).toMatchObject({
    costYuan: '18500000.00',
    ratePercent: '8.30',
    profitYuan: '1535500.00',
    ceilingYuan: '20035500.00',
  });
  const { working } = value as { working: Readonly<Record<'en' | 'zh', readonly string[]>> };
  expect(working.en.slice(-4)).toEqual([
    'carried over from earlier cycles 3000000.00, over 2 cycles: 1500000.00 deducted in this one, 1500000.00 left',
    ...[2027, 2028, 2029].map((year) => `${year}: 20035500.00 − 500000.00 = 19535500.00 yuan`),
  ]);
  expect(working.zh).toHaveLength(working.en.length);
  expect(working.zh.at(-1)).toContain('19535500.00');
});

test.for([
  ['a margin above six points', ['price', 'ceiling'], { ...CEILING_INPUTS, margin: '6.01' }, 'margin'],
  ['a ceiling without a cycle', ['price', 'ceiling'], ceilingFile({ cycle: undefined }), 'cycle'],
  [
    'costs of no class',
    ['price', 'cost', 'add'],
    {
      kind: 'CostEntries',
      entries: [{ period: '2026-05', category: 'staff', amount: '1', description: 'x' }],
    },
    'entries[0].purposeClass',
  ],
  ['costs that are none', ['price', 'cost', 'add'], { kind: 'CostEntries' }, 'entries'],
] as const)('%s end with 2 and the name of the field', async ([name, verb, value, field]) => {
  const { code, err } = await line.run([...verb, written(`${name}.json`, value)]);
  expect(code).toBe(2);
  expect(err).toContain(`\`${field}\``);
});

test('a year that is none, and a task that is closed without saying what came of it, are told at once', async () => {
  const cases = [
    [['costs', '--year', '26'], '--year'],
    [['deviation', '--year', 'next'], '--year'],
    [['tasks', '--close', 'RCL-city', '--year', '2027'], '--outcome'],
    [['tasks', '--close', 'RCL-city', '--outcome', 'x'], '--year'],
  ] as const;
  for (const [args, flag] of cases) {
    const { code, err } = await line.run(['price', ...args]);
    expect([code, err.includes(flag)]).toEqual([2, true]);
  }
});
