/** Keyed hashes that choose cells and rows: any good one, and the engine's own, asked of the engine itself. */
import { createHash } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Plan } from '#sandbox/plan.ts';
import { type Scalar, type ScalarType, typeOf } from '#sandbox/expression.ts';
import { type Cell, type Rank, exactPartials, tokenOf } from './reference-engine.ts';
import type { Row } from './reference-expression.ts';

const ENGINE_TYPES: Readonly<Record<ScalarType, string>> = {
  number: 'DOUBLE',
  string: 'VARCHAR',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
};

/** Any seed gives another, equally good choice. */
export function sha256Rank(seed: string): Rank {
  return (unit, cell, ordinal) => {
    return createHash('sha256')
      .update(requestToken(seed, unit, cell, ordinal))
      .digest()
      .readBigUInt64BE();
  };
}

function requestToken(...[seed, unit, cell, ordinal]: [string, Scalar, Cell, number | null]): string {
  return JSON.stringify([seed, tokenOf([unit]), tokenOf(cell.key), ordinal]);
}

/** What DuckDB's hash is to be asked with: the seed of the lineage and the stored type of the unit column. */
export interface HashKey {
  readonly seed: string;
  readonly unitType: string;
}

/**
 * DuckDB's own hash of (unit, cell, ordinal, seed), for everything that a Plan could choose among these rows. The
 * oracle first runs with a rank that only takes notes; the notes become one query.
 */
export async function engineRank(
  connection: DuckDBConnection,
  plan: Plan,
  rows: readonly Row[],
  { seed, unitType }: HashKey,
): Promise<Rank> {
  const requests = new Map<string, { unit: Scalar; cell: Cell; ordinal: number | null }>();
  const notes: Rank = (unit, cell, ordinal) => {
    requests.set(requestToken(seed, unit, cell, ordinal), { unit, cell, ordinal });
    return 0n;
  };
  exactPartials(plan, rows, notes);
  exactPartials({ ...plan, bounding: { ...plan.bounding, chooseCells: false } }, rows, notes);
  const types =
    plan.keys.mode === 'thresholded'
      ? plan.keys.keys.map((key) => ENGINE_TYPES[typeOf(key.expr)])
      : ['BIGINT'];
  const hashes = [...requests.values()].map(({ unit, cell, ordinal }) => {
    const place = cell.index === null ? cell.key : [cell.index];
    const items = [
      `hash(${cast(unit, unitType)})`,
      ...place.map((value, i) => cast(value, types[i] as string)),
    ];
    return `hash(${[...items, ...(ordinal === null ? [] : [cast(ordinal, 'BIGINT')]), '$1'].join(', ')})`;
  });
  const ranks = new Map<string, bigint>();
  if (hashes.length > 0) {
    const result = await connection.runAndReadAll(`SELECT unnest([${hashes.join(', ')}])`, [seed]);
    for (const [i, token] of [...requests.keys()].entries())
      ranks.set(token, result.getColumns()[0]?.[i] as bigint);
  }
  return (unit, cell, ordinal) => {
    const rank = ranks.get(requestToken(seed, unit, cell, ordinal));
    if (rank === undefined) throw new RangeError('a rank that was never asked for');
    return rank;
  };
}

function cast(value: Scalar, type: string): string {
  return `CAST('${String(value).replaceAll("'", "''")}' AS ${type})`;
}
