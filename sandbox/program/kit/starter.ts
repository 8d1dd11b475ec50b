/**
 * A first program for a dataset: module and manifest that are admitted, type-check and go through their trial without a
 * finding, from the public schema alone.
 *
 * It counts, adds up or averages the first column that can be, by the first key with a short list: something to change.
 */
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Scalar } from '../../expression.ts';
import type { Column } from '../../manifest/dataset.ts';
import type { TrialDataset } from '../mock.ts';
import type { ProgramInput, ProgramMode } from '../program.ts';
import { isProgramName, isRefusedProperty } from '../reserved-names.ts';
import { literalOf } from './literal.ts';

export interface Starter {
  readonly module: string;
  readonly manifest: string;
}

/** Values of a key that a first program lists. */
const LISTED_MAX = 50;
/** The file beside the module. Put together here, or it would pass for an import of ours. */
const TYPES_FILE = 'types.d.ts';
const TYPES = `import('./${TYPES_FILE}')`;

/** Refuses nothing; Failure CONFIG where a dataset has no column that a program may read. */
export function starterOf(
  dataset: TrialDataset,
  { name, mode }: { readonly name: string; readonly mode: ProgramMode },
): Starter {
  const columns = dataset.columns.filter(({ role }) => role === 'key' || role === 'value');
  if (columns.length === 0) throw new Failure('CONFIG', say('kit.noColumn', { dataset: dataset.name }));
  const inputs = inputsOf(columns);
  const draft = { inputs, amount: amountOf(columns, inputs), key: keyOf(columns, inputs) };
  const { module, fields } = mode === 'map' ? mapStarter(draft) : blocksStarter(draft);
  const head = [
    '# docs/programs/manifest.md has every field.',
    'kind: Program',
    `name: ${literalOf(name)}`,
    `mode: ${mode}`,
    `inputs:\n  ${literalOf(dataset.name)}: ${printInputs(inputs)}`,
  ];
  return { module, manifest: `${[...head, ...fields].join('\n')}\n` };
}

/** Every column, under its own name where a program can write that. */
function inputsOf(columns: readonly Column[]): readonly ProgramInput[] {
  const taken = new Set(columns.map(({ name }) => name));
  return columns.map(({ name: column }, at) => {
    const isPlain = isProgramName(column) && !isRefusedProperty(column);
    return { name: isPlain ? column : freeName(`column${at + 1}`, taken), column };
  });
}

/** A name that nobody has, which is then taken. */
function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  while (taken.has(name)) name += '_';
  taken.add(name);
  return name;
}

function printInputs(inputs: readonly ProgramInput[]): string {
  if (inputs.every(({ name, column }) => name === column))
    return `[${inputs.map(({ name }) => literalOf(name)).join(', ')}]`;
  return `{ ${inputs.map(({ name, column }) => `${literalOf(name)}: ${literalOf(column)}`).join(', ')} }`;
}

interface Amount {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly granularity: number | null;
}

interface Key {
  readonly name: string;
  readonly values: readonly Scalar[];
}

interface Draft {
  readonly inputs: readonly ProgramInput[];
  readonly amount: Amount | null;
  readonly key: Key | null;
}

/** The first number whose bounds hold 0, which is what a missing one counts as. */
function amountOf(columns: readonly Column[], inputs: readonly ProgramInput[]): Amount | null {
  for (const [at, { type, bounds, granularity }] of columns.entries()) {
    const [low, high] = bounds ?? [];
    if (typeof low !== 'number' || typeof high !== 'number' || low > 0 || high < 0 || low === high) continue;
    const own = type.kind === 'integer' ? 1 : type.kind === 'decimal' ? 10 ** -type.scale : null;
    return { name: inputs[at]!.name, low, high, granularity: granularity ?? own };
  }
  return null;
}

/** The first key with a short list, to which everything else is added as null. */
function keyOf(columns: readonly Column[], inputs: readonly ProgramInput[]): Key | null {
  for (const [at, { role, values }] of columns.entries()) {
    const isShort = role === 'key' && values !== null && values.length <= LISTED_MAX;
    if (!isShort || values.every((value) => value === null)) continue;
    return { name: inputs[at]!.name, values: [...new Set([...values, null])] };
  }
  return null;
}

interface Printed {
  readonly module: string;
  /** The rest of the manifest. */
  readonly fields: readonly string[];
}

function mapStarter({ amount, key }: Draft): Printed {
  const taken = new Set(key === null ? [] : [key.name]);
  const [records, total] = [freeName('records', taken), freeName('total', taken)];
  const by = key === null ? '' : `by: { ${literalOf(key.name)}: [${key.values.map(literalOf).join(', ')}] }`;
  const listed = key?.values
    .filter((value) => value !== null)
    .map((value) => `[${literalOf(value)}, ${literalOf(value)}]`);
  const lines = [
    ...(key === null || listed === undefined
      ? []
      : [
          '/**',
          ' * What the manifest lists; everything else counts as null.',
          ` * @type {ReadonlyMap<unknown, ${TYPES}.Outputs[${literalOf(key.name)}]>}`,
          ' */',
          `const LISTED = new Map([${listed.join(', ')}]);`,
          '',
        ]),
    '/**',
    ' * One record in; a number for every output, and a value for every key, out.',
    ` * @param {${TYPES}.Row} row`,
    ` * @param {${TYPES}.Params} params`,
    ` * @returns {${TYPES}.Returned}`,
    ' */',
    'export function map(row, params) {',
    ...(amount === null
      ? []
      : [
          `  const amount = row.${amount.name} === null ? 0 : ${clamped(`row.${amount.name}`, amount.low, 'params.cap')};`,
        ]),
    '  return {',
    `    ${records}: 1,`,
    ...(amount === null ? [] : [`    ${total}: amount,`]),
    ...(key === null ? [] : [`    ${key.name}: LISTED.get(row.${key.name}) ?? null,`]),
    '  };',
    '}',
    '',
  ];
  const fields = [
    ...(amount === null ? [] : [`params:\n  cap: { type: number, default: ${amount.high} }`]),
    'outputs:',
    `  ${records}: { ${['kind: count', ...(by === '' ? [] : [by])].join(', ')} }`,
    ...(amount === null
      ? []
      : [`  ${total}: { ${[`kind: sum, ${boundsText(amount)}`, ...(by === '' ? [] : [by])].join(', ')} }`]),
  ];
  return { module: lines.join('\n'), fields };
}

function blocksStarter({ amount, inputs }: Draft): Printed {
  const { name } = amount ?? inputs[0]!;
  const [low, high] = amount === null ? [0, 1] : [amount.low, amount.high];
  const value = amount === null ? `row.${name} === null ? 0 : 1` : clamped(`row.${name}`, low, String(high));
  const lines = [
    '/**',
    ' * The records of one block of people in; one answer for every output, which is averaged over all blocks, out.',
    ` * @param {${TYPES}.Table} table`,
    ` * @param {${TYPES}.Params} params`,
    ` * @returns {${TYPES}.Returned}`,
    ' */',
    'export function run(table, params) {',
    '  let sum = 0;',
    '  let count = 0;',
    '  for (const row of table) {',
    ...(amount === null ? [] : [`    if (row.${name} === null) continue;`]),
    `    sum += ${value};`,
    '    count += 1;',
    '  }',
    `  return { average: count === 0 ? ${(low + high) / 2} : sum / count };`,
    '}',
    '',
  ];
  const fields = [
    'outputs:',
    `  average: { kind: mean, bounds: [${low}, ${high}] }`,
    'blocks: { count: 100, cpuMs: 500 }',
  ];
  return { module: lines.join('\n'), fields };
}

function clamped(value: string, low: number, high: string): string {
  return `Math.min(${high}, Math.max(${low}, ${value}))`;
}

function boundsText({ low, high, granularity }: Amount): string {
  return `bounds: [${low}, ${high}]${granularity === null ? '' : `, granularity: ${granularity}`}`;
}
