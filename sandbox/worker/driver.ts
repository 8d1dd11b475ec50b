/**
 * The drivers: trusted text that runs inside an isolate, takes records apart, calls the program and reads what it returns.
 *
 * A driver is printed for one job, so that every record has one shape and every output a place of its own. It is
 * the value of a closure: a program cannot name it or anything that it uses.
 * Guarantee (`map`): every record is given a fresh, unfrozen object and the frozen parameters, with `this` undefined
 * and the fuel full. What it returns is read once, without any coercion. A record that throws, or of which `$spent()`
 * says that fuel or depth ran out, contributes nothing to any output; V8's own overflow of the stack ends the isolate; a value of the wrong type, one that is
 * not finite or a vector of another length contributes nothing to its own output only; a key that is not in its list
 * is -1. Records are taken in the order given, and results stand where the record stood in the buffer.
 * Guarantee (`blocks`): one call; either every number of every output is finite, or there is no answer.
 * Not covered: what the program does while it runs; its realm and its isolate are for that.
 */
import type { BlocksSetup, ColumnKind, MapSetup, SetupColumn, SetupOutput } from './protocol.ts';

/** Taken before the program is there, since in a block it may replace any of them. */
export const TOOLS = `
  const { parse } = JSON;
  const { isArray } = Array;
  const { freeze, getOwnPropertyDescriptor: own, values: valuesOf } = Object;
  const isOverflow = (error) => {
    const message = typeof error === 'object' && error !== null ? own(error, 'message')?.value : undefined;
    return message === 'Maximum call stack size exceeded' || (typeof message === 'string'
      && (message.endsWith(': Stack overflow') || message.endsWith('Regular expression too large')));
  };
  const Doubles = Float64Array, Integers = Int32Array, Bytes = Uint8Array, Positions = Uint16Array;
  const List = Array, Buffer = ArrayBuffer, Index = Map;
  const indexOf = (values) => new Index(values.map((value, at) => [value, at]));
  const aligned = (length) => Math.ceil(length / 8) * 8;
  const open = (bytes, header, from) => {
    const [rows, heads] = parse(header);
    let at = from;
    const columns = heads.map(([kind, texts]) => {
      const start = at;
      at += aligned(rows * (kind === 'number' ? 8 : kind === 'boolean' ? 1 : 4));
      if (kind === 'number') return { values: new Doubles(bytes, start, rows) };
      if (kind === 'boolean') return { values: new Bytes(bytes, start, rows) };
      return { values: new Integers(bytes, start, rows), texts };
    });
    return { rows, columns };
  };
  const frozen = (params) => {
    for (const value of valuesOf(params)) freeze(value);
    return freeze(params);
  };`;

/** Prepares a job: `(program, params) => (order, header, from, bytes) => result`, where `result` is one ArrayBuffer. */
export function mapDriver({ fuel, columns, outputs, keys }: MapSetup): string {
  const isBare = outputs.length === 1 && keys.length === 0;
  return `() => {
  'use strict';${TOOLS}
  ${each(keys, (key, at) => (isShort(key) ? '' : `const index${at} = indexOf(${JSON.stringify(key.values)});`))}
  return (program, paramsText) => {
    const { map, $begin, $spent } = program;
    const params = frozen(parse(paramsText));
    return (orderAt, header, from, bytes) => {
      const { rows, columns } = open(bytes, header, from);
      const order = new Positions(bytes, orderAt, rows);
      ${columnPlaces(columns, 'columns')}
      const result = new Buffer(rows * ${resultWidth(outputs, keys.length)});
      ${outputPlaces(outputs)}
      ${keyPlaces(outputs, keys.length)}
      for (let i = 0; i < rows; i += 1) {
        const at = order[i];
        $begin(${fuel});
        try {
          ${fieldReads(columns)}
          const returned = map(${rowLiteral(columns)}, params);
          ${each(outputs, (output, at) => outputRead(output, at, isBare))}
          ${each(keys, keyRead)}
          if ($spent()) continue;
          ${each(outputs, outputWrite)}
          ${each(keys, (_, at) => `codes${at}[at] = key${at};`)}
        } catch (error) {
          // How deep a call may go can depend on what ran before: such a record is run again, alone.
          if (isOverflow(error)) throw error;
        }
      }
      return result;
    };
  };
}`;
}

type Key = MapSetup['keys'][number];

/** Comparing with every value is quicker than a look-up where they are few: texts of a dictionary are compared by address. */
const SHORT_LIST = 16;

function isShort({ values }: Key): boolean {
  return values.length <= SHORT_LIST;
}

/** Reads a key once, and says where it stands in its list; -1: nowhere. */
function keyRead(key: Key, at: number): string {
  const given = `const given${at} = returned[${quoted(key.name)}];`;
  if (!isShort(key)) return `${given} const key${at} = index${at}.get(given${at}) ?? -1;`;
  const tests = key.values.map((value, code) => `given${at} === ${JSON.stringify(value)} ? ${code} : `);
  return `${given} const key${at} = ${tests.join('')}-1;`;
}

/** Prepares a job: `(program, params) => (...[header, from, bytes]) => result`; undefined is a failure. */
export function blockDriver({ inputs, outputs }: BlocksSetup): string {
  const tables = inputs.map(
    ({ columns }, input) => `const table${input} = (parts) => {
      const { rows, columns } = open(parts[${3 * input + 2}], parts[${3 * input}], parts[${3 * input + 1}]);
      ${columnPlaces(columns, 'columns')}
      const table = new List(rows);
      for (let at = 0; at < rows; at += 1) {
        ${fieldReads(columns)}
        table[at] = ${rowLiteral(columns)};
      }
      return table;
    };`,
  );
  const whole =
    inputs.length === 1
      ? 'table0(parts)'
      : `{ ${inputs.map(({ dataset }, input) => `[${quoted(dataset)}]: table${input}(parts)`).join(', ')} }`;
  return `() => {
  'use strict';${TOOLS}
  ${tables.join('\n  ')}
  return (program, paramsText) => (...parts) => {
    try {
      const result = new Buffer(${resultWidth(outputs, 0)});
      const rows = 1, at = 0;
      ${outputPlaces(outputs)}
      const returned = program.run(${whole}, parse(paramsText));
      ${each(outputs, (output, at) => outputRead(output, at, outputs.length === 1))}
      if (!(${outputs.map(isRead).join(' && ')})) return undefined;
      ${each(outputs, outputWrite)}
      return result;
    } catch {
      return undefined;
    }
  };
}`;
}

export function each<T>(items: readonly T[], print: (item: T, at: number) => string): string {
  return items.map(print).join('\n');
}

export function columnPlaces(columns: readonly SetupColumn[], from: string): string {
  return each(columns, ({ kind }, at) =>
    kind === 'text'
      ? `const { values: column${at}, texts: texts${at} } = ${from}[${at}];`
      : `const column${at} = ${from}[${at}].values;`,
  );
}

export function fieldReads(columns: readonly SetupColumn[]): string {
  return each(columns, (_, at) => `const field${at} = column${at}[at];`);
}

/** Plain names make the object from its shape, at once; a plain `__proto__` would be no property. */
export function rowLiteral(columns: readonly SetupColumn[]): string {
  return `{ ${columns.map(({ name, kind }, at) => `${fieldName(name)}: ${FIELDS[kind](at)}`).join(', ')} }`;
}

/** NULL as the buffer writes it becomes null. */
const FIELDS: Readonly<Record<ColumnKind, (at: number) => string>> = {
  number: (at) => `field${at} === field${at} ? field${at} : null`,
  boolean: (at) => `field${at} === 2 ? null : field${at} === 1`,
  text: (at) => `field${at} < 0 ? null : texts${at}[field${at}]`,
};

function resultWidth(outputs: readonly SetupOutput[], keys: number): number {
  return outputs.reduce((sum, { width }) => sum + 8 * width, 4 * keys);
}

function outputPlaces(outputs: readonly SetupOutput[]): string {
  let before = 0;
  return each(outputs, (output, at) => {
    const place = `const values${at} = new Doubles(result, rows * ${8 * before}, rows * ${output.width}).fill(NaN);`;
    before += output.width;
    return isVector(output) ? `${place}\nconst read${at} = new Doubles(${output.width});` : place;
  });
}

function keyPlaces(outputs: readonly SetupOutput[], keys: number): string {
  const numbers = resultWidth(outputs, 0);
  return Array.from(
    { length: keys },
    (_, at) => `const codes${at} = new Integers(result, rows * ${numbers + 4 * at}, rows).fill(-1);`,
  ).join('\n');
}

/** A bare value will do where there is one output and no key; an array that is asked for as such is bare too. */
function outputRead(output: SetupOutput, at: number, isBare: boolean): string {
  const { name, width } = output;
  const named = `returned[${quoted(name)}]`;
  const isObject = `typeof returned === 'object' && returned !== null && !isArray(returned)`;
  const value = `const value${at} = ${isBare ? `${isObject} ? ${named} : returned` : named};`;
  if (!isVector(output)) return value;
  return `${value}
    let count${at} = 0;
    if (isArray(value${at}) && value${at}.length === ${width}) {
      for (; count${at} < ${width}; count${at} += 1) {
        const entry = value${at}[count${at}];
        if (typeof entry !== 'number' || entry - entry !== 0) break;
        read${at}[count${at}] = entry + 0;
      }
    }`;
}

/** Whether output `at` was read as what it should be. Infinity - Infinity is NaN, as is NaN - NaN. */
function isRead(output: SetupOutput, at: number): string {
  if (isVector(output)) return `count${at} === ${output.width}`;
  return `typeof value${at} === 'number' && value${at} - value${at} === 0`;
}

/** Zero has one sign: what is added to it loses the other. */
function outputWrite(output: SetupOutput, at: number): string {
  const { width } = output;
  const write = isVector(output)
    ? `for (let entry = 0; entry < ${width}; entry += 1) values${at}[at * ${width} + entry] = read${at}[entry];`
    : `values${at}[at] = value${at} + 0;`;
  return `if (${isRead(output, at)}) ${write}`;
}

export function isVector({ width, isVector: isNamed }: SetupOutput): boolean {
  return isNamed ?? width > 1;
}

function fieldName(name: string): string {
  return name === '__proto__' ? `[${quoted(name)}]` : quoted(name);
}

/** JSON is JavaScript. */
function quoted(name: string): string {
  return JSON.stringify(name);
}
