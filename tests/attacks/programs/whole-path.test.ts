/**
 * Attacks on the whole path of a program: what one person's record does, and what is left of it in the Partials.
 *
 * silence.json and confusion.json are bodies of functions that only the victim's record runs; each victim has a cell of
 * its own, so that one run shows of every attack what it contributed, and that nobody else's contribution changed.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Partials, type Plan, widthOf } from '#sandbox/plan.ts';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { sized } from '#tests/support/audit-size.ts';
import { measuredOver, plannedProgram } from '#tests/support/program-path.ts';
import type { Row } from '#tests/support/reference-expression.ts';

interface Attack {
  readonly id: string;
  /** The row of the catalogue of attacks, or the group. */
  readonly row: string;
  /** `row`, `params` and `answer` are there; at the end of it the answer is returned. */
  readonly body: string;
  /** What the victim contributes: seen, spend, and the region it is placed in. */
  readonly gives: 'refused' | 'nothing' | 'all' | readonly [number, number, string | null];
  /** Ends the isolate or its process. */
  readonly deadly?: boolean;
}

const CORPUS = ['silence', 'confusion'].flatMap(
  (name) => JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')) as readonly Attack[],
);
const REFUSED = CORPUS.filter(({ gives }) => gives === 'refused');
/** They take a second or more each; quick is the first of them. */
const DEADLY = CORPUS.filter(({ deadly }) => deadly === true).slice(0, sized(1, Infinity));
const ATTACKS = CORPUS.filter(({ gives, deadly }) => gives !== 'refused' && deadly !== true);

const REGIONS = ['north', 'south', '1', '', '__proto__'];
const VICTIM_COST = 7;
const OTHERS = 40;
const SECRET = 'the victim’s diagnosis';

/** `who` 0 is everybody else. */
function moduleOf(attacks: readonly Attack[]): string {
  const functions = attacks.map(
    ({ body }, index) => `function attack${index + 1}(row, params, answer) { ${body}\nreturn answer; }`,
  );
  const list = attacks.map((_, index) => `attack${index + 1}`).join(', ');
  return `${functions.join('\n')}
const ATTACKS = [${['null', list].filter((text) => text !== '').join(', ')}];
export function map(row, params) {
  const answer = { seen: 1, spend: row.cost * params.factor, who: row.who, region: 'north' };
  return row.who === 0 ? answer : ATTACKS[row.who](row, params, answer);
}
`;
}

function planOf(attacks: readonly Attack[], policy: Readonly<Record<string, unknown>> = {}) {
  const who = [0, ...attacks.map((_, index) => index + 1)];
  const manifest = {
    name: 'attacks',
    mode: 'map',
    inputs: { people: ['who', 'cost', 'note'] },
    params: { factor: { type: 'number', default: 1 }, list: { type: 'numbers', default: [1, 2] } },
    outputs: {
      seen: { kind: 'count', by: { who } },
      spend: { kind: 'sum', bounds: [0, 100], granularity: 1, by: { who } },
      placed: { kind: 'count', by: { who, region: REGIONS } },
    },
  };
  const module = moduleOf(attacks).replaceAll('seen: 1, spend:', 'seen: 1, placed: 1, spend:');
  const columns = {
    who: { type: 'integer' },
    cost: { type: 'number', bounds: [0, 100] },
    note: { type: 'string' },
  };
  return plannedProgram({ module, manifest }, { columns, policy: { maxCells: 5_000, ...policy } });
}

const OTHER_ROWS: readonly Row[] = Array.from({ length: OTHERS }, (_, uid) => ({
  uid,
  who: 0,
  cost: uid % 10,
  note: ["'; throw 1; //", '${1}', '</script>', '__proto__', '\u2028', '"', '\\'][uid % 7]!,
}));
const rowsWith = (attacks: readonly Attack[]): readonly Row[] => [
  ...OTHER_ROWS,
  ...attacks.map((_, index) => ({ uid: 1000 + index, who: index + 1, cost: VICTIM_COST, note: SECRET })),
];

type Given = readonly [seen: number, spend: number, region: string | null];

/** What cell `who` holds. */
function givenBy(partials: Partials, plan: Plan, who: number): Given {
  const [seen, spend, placed] = partials.vectors.map((vector, index) => {
    expect(widthOf(plan.measures[index]!)).toBe(1);
    return vector.map(Number);
  }) as [number[], number[], number[]];
  const regions = placed.slice(who * REGIONS.length, (who + 1) * REGIONS.length);
  return [
    seen[who]!,
    spend[who]!,
    regions.some((count) => count > 0) ? REGIONS[regions.findIndex((count) => count > 0)]! : null,
  ];
}

function expected({ gives }: Attack): Given {
  if (gives === 'all') return [1, VICTIM_COST, 'north'];
  return gives === 'nothing' || gives === 'refused' ? [0, 0, null] : gives;
}

const pool = new WorkerPool({ warm: 2 });
afterAll(() => pool.close());

describe.each(sized(['strict'], ['strict', 'fast']))('in engine %s', (engine) => {
  const plan = planOf(ATTACKS, { engine });
  let withVictims: Partials;
  let without: Partials;
  beforeAll(async () => {
    [withVictims, without] = await Promise.all([
      measuredOver(plan, rowsWith(ATTACKS), pool),
      measuredOver(plan, OTHER_ROWS, pool),
    ]);
  });

  test('an attack contributes what it is said to, and most of them nothing', () => {
    const given = ATTACKS.map(({ id }, index) => [id, givenBy(withVictims, plan.plan, index + 1)] as const);
    expect(given).toEqual(ATTACKS.map((attack) => [attack.id, expected(attack)]));
  });

  test('what everybody else contributes is the same with all victims and without', () => {
    const others = (partials: Partials) =>
      partials.vectors.map((vector, index) => vector.slice(0, index === 2 ? REGIONS.length : 1));
    expect(others(withVictims)).toEqual(others(without));
    expect(givenBy(without, plan.plan, 0)).toEqual([OTHERS, 180, 'north']);
  });
});

test.for(DEADLY)(
  '$row: $id ends the isolate of its record, which alone contributes nothing',
  async (attack) => {
    const planned = planOf([attack], { engine: 'fast' });
    const few = OTHER_ROWS.slice(0, 3);
    const victims = rowsWith([attack]).slice(OTHERS);
    const [withVictim, without] = await Promise.all([
      measuredOver(planned, [...few, ...victims], pool),
      measuredOver(planned, few, pool),
    ]);
    expect(withVictim).toEqual(without);
    expect(givenBy(without, planned.plan, 0)).toEqual([3, 3, 'north']);
  },
);

describe('attacks that admission refuses', () => {
  test.for(REFUSED)('$row: $id is refused', (attack) => {
    expect(admitProgram(moduleOf([attack]), 'map', null).admitted).toBe(false);
  });
});
