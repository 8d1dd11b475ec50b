/** Products: what is stated; and that no parameter, whatever it holds, changes the question of a template. */
import fc from 'fast-check';
import { parseSync } from 'libpg-query';
import { expect, test } from 'vitest';

import {
  fillTemplate,
  findParameterFaults,
  findProductFaults,
  parseProduct,
  type Product,
  programParameters,
} from '#gateway/billing/product.ts';
import { Refusal } from '#policies/refusal.ts';
// Compiles the parser.
import '#sandbox/query/parse.ts';
import { productFile } from '#tests/support/document-files.ts';

const idsOf = (value: unknown) => findProductFaults(value).map(({ id, args }) => `${id} ${args['field']}`);

const PARAMETERS = {
  month: { type: 'month', earliest: '2024-01', latest: '2026-12' },
  day: { type: 'date', earliest: null, latest: '2026-12-31' },
  age: { type: 'integer', min: -5, max: 120 },
  cost: { type: 'number', min: -1.5, max: 5000 },
  kind: { type: 'choice', choices: ['flu', "O'Brien", "a''b", '流感', '); DROP TABLE x; --', '/* ’'] },
} as const;
const TEMPLATE = `SELECT region, COUNT(*) AS visits FROM visits
  WHERE day >= {{month.from}} AND day < {{month.to}} AND label = {{month}} AND day <> {{day}}
    AND age <= {{age}} AND cost >= -{{cost}} AND kind = {{kind}} AND note = 'a b ''c''' GROUP BY region`;
const CHOSEN = { month: '2026-12', day: '2026-02-28', age: -5, cost: '12.50', kind: 'flu' };

function productOf(changes: Readonly<Record<string, unknown>> = {}): Product {
  return parseProduct(productFile({ sql: { template: TEMPLATE, parameters: PARAMETERS, ...changes } }));
}

/** The tree of a statement without its constants and places; the parser works the sign of a number into it. */
function shapeOf(sql: string): string {
  const { stmts } = parseSync(sql) as { stmts: unknown };
  return JSON.stringify(stmts, (name, value: unknown) =>
    name === 'location' || name === 'stmt_len' || name === 'A_Const' ? 0 : value,
  );
}

type Fill = (product: Product, chosen: Readonly<Record<string, unknown>>) => string;

/** Whether a way of filling refuses these values, or writes nothing but constants where the template has its places. */
function isKept(fill: Fill, chosen: Readonly<Record<string, unknown>>): boolean {
  const product = productOf();
  try {
    return shapeOf(fill(product, chosen)) === shapeOf(fillTemplate(product, CHOSEN));
  } catch (error) {
    return error instanceof Refusal;
  }
}

/** The broken variant: quotes where they seem to be needed, and no checks. */
const naiveFill: Fill = ({ sql }, chosen) =>
  (sql?.template ?? '').replaceAll(/\{\{(\w+)(?:\.\w+)?\}\}/g, (_, name: string) => {
    const value = chosen[name];
    return typeof value === 'number' ? String(value) : `'${String(value)}'`;
  });

const ATTACKS = [
  "x' OR '1'='1",
  "'; DROP TABLE visits; --",
  "2026-10' --",
  "2026-10'/*",
  '1 OR 1=1',
  '1)--',
  '1e3',
  '0x10',
  '--5',
  '-0',
  ' 5',
  '5 ',
  '５',
  '\uFF07 OR 1=1',
  'ʼ OR 1=1',
  "\\' OR 1=1 --",
  'flu\n--',
  'flu\0',
  '\uD800',
  "E'\\x27'",
  '$$x$$',
  '{{age}}',
  '$&',
  "$'",
  '2026-13',
  '2026-00',
  '2026-1',
  '2026-02-30',
  '9999-12',
  '1e400',
  '',
  '__proto__',
];
const ODD = [Number.NaN, Number.POSITIVE_INFINITY, 1e21, 1e-7, 2 ** 53, 0.1, null, true, ['flu'], { a: 1 }];

test('values stand in the question as literals', () => {
  expect(fillTemplate(productOf(), CHOSEN)).toBe(`SELECT region, COUNT(*) AS visits FROM visits
  WHERE day >= DATE '2026-12-01' AND day < DATE '2027-01-01' AND label = '2026-12' AND day <> DATE '2026-02-28'
    AND age <= (-5) AND cost >= -12.50 AND kind = 'flu' AND note = 'a b ''c''' GROUP BY region`);
});

test.for(Object.keys(PARAMETERS))('nothing that is given for %s changes the question', (name) => {
  for (const value of [...ATTACKS, ...ODD, -1.5]) {
    const chosen = { ...CHOSEN, [name]: value };
    expect({ value, kept: isKept(fillTemplate, chosen) }).toEqual({ value, kept: true });
  }
});

test('a filler that trusts its values is found out', () => {
  const broken = ATTACKS.filter((value) => !isKept(naiveFill, { ...CHOSEN, kind: value }));
  expect(broken).toContain("x' OR '1'='1");
  expect(broken).toContain("'; DROP TABLE visits; --");
});

test('no text at all changes the question', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[-0-9.e'"();*/\\$ ]{0,12}$/));
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(PARAMETERS)), text, (name, value) =>
      isKept(fillTemplate, { ...CHOSEN, [name]: value }),
    ),
    { numRuns: 500 },
  );
});

test('a choice comes out of the parser as it was listed', () => {
  const listed = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((text) => /^[^\p{C}\\]+$/u.test(text));
  fc.assert(
    fc.property(listed, (value) => {
      const parameters = { kind: { type: 'choice', choices: [value] } };
      const product = parseProduct(productFile({ sql: { template: 'SELECT {{kind}}', parameters } }));
      const constants: unknown[] = [];
      JSON.stringify(parseSync(fillTemplate(product, { kind: value })), (name, part: unknown) => {
        if (name === 'sval' && typeof part === 'string') constants.push(part);
        return part;
      });
      expect(constants).toEqual([value]);
    }),
  );
});

test.for([
  ['a missing one', { ...CHOSEN, age: undefined }, 'product.parameter age'],
  ['one too many', { ...CHOSEN, extra: 1 }, 'product.unknownParameter extra'],
  ['an inherited name', { ...CHOSEN, constructor: 1 }, 'product.unknownParameter constructor'],
  ['a month before the first', { ...CHOSEN, month: '2023-12' }, 'product.parameter month'],
  ['a day after the last', { ...CHOSEN, day: '2027-01-01' }, 'product.parameter day'],
  ['a number above its limit', { ...CHOSEN, age: 121 }, 'product.parameter age'],
  ['half a year', { ...CHOSEN, age: '1.5' }, 'product.parameter age'],
  ['a choice that is not listed', { ...CHOSEN, kind: 'cold' }, 'product.parameter kind'],
] as const)('of the parameters %s is named', ([, chosen, fault]) => {
  const found = findParameterFaults(productOf(), chosen).map(({ id, args }) => `${id} ${args['field']}`);
  expect(found).toEqual([fault]);
  expect(() => fillTemplate(productOf(), chosen)).toThrow(Refusal);
});

test('parameters of a program keep their types, and what is fixed is not for the buyer', () => {
  const parameters = { age: PARAMETERS.age, month: PARAMETERS.month };
  const program = { digest: `sha256:${'0'.repeat(64)}`, parameters, fixed: { groups: 4 } };
  const product = parseProduct(productFile({ sql: undefined, program }));
  expect(programParameters(product, { age: '7', month: '2026-10' })).toEqual({
    groups: 4,
    age: 7,
    month: '2026-10',
  });
  expect(() => programParameters(product, { age: 7, month: '2026-10', groups: 5 })).toThrow(Refusal);
});

test.for(['id', 'outputKind', 'outputSchema', 'meterUnit', 'scene', 'epsilon', 'purposes'])(
  'a product without %s is refused by that name',
  (field) => {
    expect(idsOf(productFile({ [field]: undefined }))).toContain(`billing.field.missing ${field}`);
  },
);

const sqlOf = (template: string, parameters: object = { age: PARAMETERS.age, month: PARAMETERS.month }) => ({
  sql: { template, parameters },
});
const parameterOf = (spec: object) => sqlOf('SELECT {{n}}', { n: spec });
const both = '{{age}} {{month}}';

test.for([
  ['a code of another form', { id: 'visits' }, 'billing.field.form id'],
  ['an output kind that is not released', { outputKind: 'verification' }, 'billing.field.oneOf outputKind'],
  ['no output column', { outputSchema: [] }, 'billing.field.small outputSchema'],
  ['another unit', { meterUnit: 'smiles' }, 'billing.field.oneOf meterUnit'],
  ['no question', { sql: undefined }, 'product.oneQuestion sql'],
  ['two questions', { dataset: 'visits' }, 'product.oneQuestion sql'],
  ['a comment', sqlOf(`SELECT ${both} -- x`), 'product.forbidden sql.template'],
  ['a longer comment', sqlOf(`SELECT ${both} /* x */`), 'product.forbidden sql.template'],
  ['dollar quotes', sqlOf(`SELECT ${both}, $$x$$`), 'product.forbidden sql.template'],
  ['a backslash', sqlOf(`SELECT ${both}, E'\\''`), 'product.forbidden sql.template'],
  ['a placeholder in quotes', sqlOf("SELECT '{{age}}', {{month}}"), 'product.quotes sql.template'],
  ['a placeholder in a name', sqlOf('SELECT "{{age}}", {{month}}'), 'product.quotes sql.template'],
  ['an open quote', sqlOf(`SELECT ${both} 'x`), 'product.quotes sql.template'],
  ['a placeholder in a word', sqlOf('SELECT age{{age}}, {{month}}'), 'product.crowded sql.template'],
  ['two placeholders in a row', sqlOf('SELECT {{age}}{{month}}'), 'product.crowded sql.template'],
  ['a letter before a quoted text', sqlOf('SELECT N{{month}} , {{age}}'), 'product.crowded sql.template'],
  ['a stray brace', sqlOf(`SELECT ${both} {{ age }}`), 'product.braces sql.template'],
  ['an undeclared placeholder', sqlOf(`SELECT ${both}, {{day}}`), 'product.undeclared sql.template'],
  ['the month of a number', sqlOf(`SELECT ${both}, {{age.from}}`), 'product.undeclared sql.template'],
  ['a parameter that nothing asks for', sqlOf('SELECT {{age}}'), 'product.unused sql.template'],
  ['an empty range', parameterOf({ type: 'integer', min: 2, max: 1 }), 'product.range sql.parameters.n'],
  [
    'a choice with a line end',
    parameterOf({ type: 'choice', choices: ['a\nb'] }),
    'billing.field.form sql.parameters.n.choices[0]',
  ],
  [
    'the same choice twice',
    parameterOf({ type: 'choice', choices: ['a', 'a'] }),
    'billing.field.twice sql.parameters.n.choices',
  ],
  ['an end before its beginning', { to: '2025-01-01T00:00:00+08:00' }, 'billing.field.endsBeforeStart to'],
] as const)('a product with %s is refused', ([, changes, fault]) => {
  expect(idsOf(productFile(changes))).toContain(fault);
});
