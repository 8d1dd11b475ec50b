/**
 * The driver of trials: runs a program on made-up records as the driver of a job does, and tells what went wrong, in words.
 *
 * Guarantee: a record contributes here exactly where it would in a job (tests/program/trial.test.ts compares the two).
 * What was thrown or returned is described in at most 200 characters, for the applicant who wrote it.
 * Not covered: a program of mode `blocks` runs in a realm that it may change, this driver's included: it can spoil its
 * own trial.
 */
import { columnPlaces, each, fieldReads, isVector, rowLiteral, TOOLS } from './driver.ts';
import type { BlocksSetup, MapSetup } from './protocol.ts';
import {
  FAULT_KINDS,
  FAULT_TEXT_MAX,
  FAULTS_MAX,
  FAULTS_PER_PLACE,
  type TrialOutput,
  type TrialSetup,
} from './trial-protocol.ts';

/** Prepares a trial: `(program, params) => (first, ...[header, from, bytes]) => report`, the JSON of a TrialPart in UTF-16. */
export function trialDriver({ job, outputs }: TrialSetup): string {
  return job.mode === 'map' ? mapTrial(job, outputs) : blockTrial(job, outputs);
}

function mapTrial(job: MapSetup, outputs: readonly TrialOutput[]): string {
  const { fuel, columns, keys } = job;
  return `() => {
  'use strict';${TOOLS}${tools(job, outputs)}
  const keys = ${JSON.stringify(keys)}.map(({ name, values }) => ({ name, index: indexOf(values) }));
  const isBare = outputs.length === 1 && keys.length === 0;
  return (program, paramsText) => {
    const { map, $begin, $spent, $line } = program;
    const params = frozen(parse(paramsText));
    return (first, header, from, bytes) => {
      const { rows, columns } = open(bytes, header, from);
      ${columnPlaces(columns, 'columns')}
      const log = logOf(rows, keys);
      for (let at = 0; at < rows; at += 1) {
        const record = first + at;
        let hasReturned = false;
        const fault = (kind, text) => {
          log.fault({ kind, record, line: $line(hasReturned), name: null, text });
          log.nothing();
        };
        $begin(${fuel});
        try {
          ${fieldReads(columns)}
          const returned = map(${rowLiteral(columns)}, params);
          hasReturned = true;
          if (!isBare && (returned === null || returned === undefined)) {
            fault('type', shown(returned));
            continue;
          }
          const read = readAll(returned, isBare);
          const codes = keys.map(({ name, index }) => {
            const value = returned[name];
            return index.has(value) ? null : shown(value);
          });
          if ($spent()) fault('fuel', '');
          else log.take({ record, line: $line(true), read, codes });
        } catch (error) {
          if ($spent()) fault('fuel', '');
          else fault('throw', described(error));
        }
      }
      return log.end();
    };
  };
}`;
}

function blockTrial(job: BlocksSetup, outputs: readonly TrialOutput[]): string {
  const tables = job.inputs.map(
    ({ columns }, input) => `({ rows, columns }) => {
      ${columnPlaces(columns, 'columns')}
      const table = new List(rows);
      for (let at = 0; at < rows; at += 1) {
        ${fieldReads(columns)}
        table[at] = ${rowLiteral(columns)};
      }
      return [${JSON.stringify(job.inputs[input]!.dataset)}, table];
    }`,
  );
  return `() => {
  'use strict';${TOOLS}${tools(job, outputs)}
  const tables = [${tables.join(',\n')}];
  const { fromEntries } = Object;
  return (program, paramsText) => (record, ...parts) => {
    const log = logOf(1, []);
    try {
      const given = tables.map((read, input) => read(open(parts[3 * input + 2], parts[3 * input], parts[3 * input + 1])));
      const returned = program.run(given.length === 1 ? given[0][1] : fromEntries(given), parse(paramsText));
      const isBare = outputs.length === 1;
      if (!isBare && (returned === null || returned === undefined)) {
        log.fault({ kind: 'type', record, line: 0, name: null, text: shown(returned) });
        log.nothing();
      } else log.takeWhole({ record, line: 0, read: readAll(returned, isBare), codes: [] });
    } catch (error) {
      log.fault({ kind: 'throw', record, line: thrownAt(error), name: null, text: described(error) });
      log.nothing();
    }
    return log.end();
  };
}`;
}

/** What both share: reading values as a job's driver does, describing them, and counting. */
function tools({ outputs: widths }: MapSetup | BlocksSetup, outputs: readonly TrialOutput[]): string {
  const places = outputs.map((output, at) => ({
    ...output,
    width: widths[at]!.width,
    isVector: isVector(widths[at]!),
  }));
  return `
  const outputs = ${JSON.stringify(places)};${WORDS}${READING}${logging()}`;
}

/** Puts what was thrown or returned in few words, those that a console would use. */
const WORDS = `
  const { stringify } = JSON;
  const Text = String, Codes = Uint16Array;
  const cut = (text) => text.length > ${FAULT_TEXT_MAX} ? text.slice(0, ${FAULT_TEXT_MAX - 1}) + '…' : text;
  const shown = (value) => {
    if (typeof value === 'string') return cut(stringify(value.slice(0, ${FAULT_TEXT_MAX})));
    if (typeof value === 'function') return 'Function';
    if (typeof value === 'bigint') return cut(Text(value) + 'n');
    if (isArray(value)) return 'Array(' + value.length + ')';
    return typeof value === 'object' && value !== null ? 'Object' : Text(value);
  };
  const described = (error) => {
    try {
      if (typeof error !== 'object' || error === null) return shown(error);
      return cut(Text(error.name) + ': ' + Text(error.message));
    } catch {
      return 'Object';
    }
  };
  const thrownAt = (error) => {
    try {
      const [, line] = /<isolated-vm>:(\\d+):\\d+/.exec(Text(error.stack)) ?? [];
      return line === undefined ? 0 : +line;
    } catch {
      return 0;
    }
  };
`;

/** Reads what was returned as the driver of a job does, and says what is wrong with it. */
const READING = `
  const wrong = (value) => {
    if (value === undefined) return { kind: 'missing', text: '' };
    return { kind: typeof value === 'number' ? 'nan' : 'type', text: shown(value) };
  };
  const isNumber = (value) => typeof value === 'number' && value - value === 0;
  const isOver = ({ limit }, numbers) => 'clip' in limit
    ? numbers.reduce((sum, number) => sum + number * number, 0) > limit.clip ** 2
    : numbers.some((number) => number < limit.low || number > limit.high);
  const readOne = (output, value) => {
    if (!output.isVector) return isNumber(value) ? { numbers: [value], text: shown(value) } : wrong(value);
    if (value !== undefined && !isArray(value)) return { kind: 'type', text: shown(value) };
    if (value === undefined) return wrong(value);
    if (value.length !== output.width) return { kind: 'length', text: Text(value.length) };
    const numbers = [];
    for (let entry = 0; entry < output.width; entry += 1) {
      const number = value[entry];
      if (!isNumber(number)) return { kind: typeof number === 'number' ? 'nan' : 'type', text: '[' + entry + ']: ' + shown(number) };
      numbers.push(number);
    }
    return { numbers, text: 'Array(' + output.width + ')' };
  };
  const readAll = (returned, isBare) => outputs.map((output) => {
    const isObject = typeof returned === 'object' && returned !== null && !isArray(returned);
    return readOne(output, isBare && !isObject ? returned : returned[output.name]);
  });
`;

/** Counts every fault, and keeps the first of each place. */
function logging(): string {
  return `
  const logOf = (records, keys) => {
    const counts = {};
    ${each(FAULT_KINDS, (kind) => `counts.${kind} = 0;`)}
    const faults = [];
    const told = new Index();
    const totals = outputs.map(() => ({ gave: 0, defaulted: 0, clamped: 0 }));
    let empty = 0;
    const fault = (found) => {
      counts[found.kind] += 1;
      const place = [found.kind, found.line, found.name].join();
      const before = told.get(place) ?? 0;
      told.set(place, before + 1);
      if (before < ${FAULTS_PER_PLACE} && faults.length < ${FAULTS_MAX}) faults.push(found);
    };
    const take = ({ record, line, read, codes }, isWhole) => {
      codes.forEach((text, key) => {
        if (text !== null) fault({ kind: 'key', record, line, name: keys[key].name, text });
      });
      const isLost = isWhole && read.some(({ numbers }) => numbers === undefined);
      let gave = 0;
      outputs.forEach((output, at) => {
        const { kind, numbers, text } = read[at];
        const total = totals[at];
        if (numbers === undefined) fault({ kind, record, line, name: output.name, text });
        if (numbers === undefined || isLost) {
          total.defaulted += 1;
          return;
        }
        if (isOver(output, numbers)) {
          total.clamped += 1;
          fault({ kind: 'clamped', record, line, name: output.name, text });
        }
        if (output.keys.some((key) => codes[key] !== null)) return;
        total.gave += 1;
        gave += 1;
      });
      if (gave === 0) empty += 1;
    };
    return {
      fault,
      take: (found) => take(found, false),
      takeWhole: (found) => take(found, true),
      nothing: () => {
        empty += 1;
        for (const total of totals) total.defaulted += 1;
      },
      end: () => {
        const text = stringify({ faults, counts, records, nothing: empty, outputs: totals });
        return Codes.from({ length: text.length }, (_, at) => text.charCodeAt(at)).buffer;
      },
    };
  };`;
}
