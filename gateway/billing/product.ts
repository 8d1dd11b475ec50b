/**
 * Data products: a code, what comes out, by which unit it is metered, and a dataset or a fixed question behind it.
 *
 * Guarantee: a product that parses states its code, output kind and schema, scene and meter unit. What a buyer gives is
 * checked by type and limits before it is used; `fillTemplate` writes it into SQL as one literal of our own printing, in
 * a place that is neither a quoted text nor a comment, so that no value changes the question.
 * Not covered: whether the SQL has a Plan and the program is approved; the caller compiles what comes of it.
 */
import { z } from 'zod';

import { OUTPUT_KINDS } from '#policies/grant.ts';
import { type Purpose, PURPOSES } from '#policies/purpose.ts';
import { Refusal } from '#policies/refusal.ts';
import { type Sentence, say } from '#policies/words.ts';

import {
  documentId,
  documentInstant,
  documentText,
  fault,
  findDocumentFaults,
  listOf,
  parseDocument,
} from './document-form.ts';
import { BASES } from './facts.ts';

/** `verification` is no kind that anything is released as (policies/grant.ts). */
const PRODUCT_KINDS = OUTPUT_KINDS.filter((kind) => kind !== 'verification');
const COLUMN_TYPES = ['text', 'integer', 'number', 'boolean', 'date'] as const;

const MONTH = /^(?:19|20|21)\d\d-(?:0[1-9]|1[0-2])$/;
const INTEGER = /^(?:0|-?[1-9]\d{0,14})$/;
const NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?$/;

const month = z.string().regex(MONTH);
const date = z.iso.date().refine((text) => MONTH.test(text.slice(0, 7)), {
  params: fault('product.date').params,
});
/** One line of text without control characters, as a literal holds it. */
const choice = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{C}\\]+$/u);

const parameter = z
  .discriminatedUnion('type', [
    /** `2026-10`; in SQL the text, or its first day and the first day after it. */
    z.strictObject({
      type: z.literal('month'),
      earliest: month.nullable().default(null),
      latest: month.nullable().default(null),
    }),
    z.strictObject({
      type: z.literal('date'),
      earliest: date.nullable().default(null),
      latest: date.nullable().default(null),
    }),
    z.strictObject({ type: z.literal('integer'), min: z.int().min(-1e15).max(1e15), max: z.int().max(1e15) }),
    z.strictObject({ type: z.literal('number'), min: z.number().min(-1e15), max: z.number().max(1e15) }),
    /** One of the texts that are listed. */
    z.strictObject({ type: z.literal('choice'), choices: listOf(choice) }),
  ])
  .superRefine((spec, context) => {
    if (isEmptyRange(spec)) context.addIssue(fault('product.range'));
  });

export type Parameter = z.output<typeof parameter>;

function isEmptyRange(spec: Parameter): boolean {
  if (spec.type === 'choice') return false;
  if ('min' in spec) return spec.min > spec.max;
  return spec.earliest !== null && spec.latest !== null && spec.earliest > spec.latest;
}

const parameters = z.record(z.string().regex(/^[a-z][a-z0-9_]{0,62}$/), parameter).default({});

const sqlTemplate = z
  .strictObject({ template: z.string().min(1).max(20_000), parameters })
  .superRefine(({ template, parameters: declared }, context) => {
    for (const found of findTemplateFaults(template, declared))
      context.addIssue({ ...found, path: ['template'] });
  });

const PRODUCT = z
  .strictObject({
    kind: z.literal('Product'),
    /** Its code: unique among products. */
    id: z.string().regex(/^P-\d{4,12}$/),
    title: documentText,
    description: documentText,
    outputKind: z.enum(PRODUCT_KINDS),
    /** The columns of what comes out. */
    outputSchema: z
      .array(
        z.strictObject({ name: documentText, type: z.enum(COLUMN_TYPES), unit: documentText.nullable() }),
      )
      .min(1)
      .superRefine((columns, context) => {
        const names = columns.map(({ name }) => name);
        const twice = names.find((name, index) => names.indexOf(name) !== index);
        if (twice !== undefined) context.addIssue(fault('billing.field.twice', { name: twice }));
      }),
    /** The scene for which it is called. */
    scene: documentText,
    meterUnit: z.enum(BASES),
    from: documentInstant,
    to: documentInstant.nullable(),
    /** What is asked: a question of the buyer's own about a dataset, or a question that stands, with parameters. */
    dataset: documentId.optional(),
    sql: sqlTemplate.optional(),
    program: z
      .strictObject({
        digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
        parameters,
        /** Parameters of the program that no buyer chooses. */
        fixed: z
          .record(z.string().min(1).max(200), z.union([z.number(), z.boolean(), documentText]))
          .default({}),
      })
      .optional(),
    /** What a call costs in privacy. */
    epsilon: z.number().positive().max(1e10),
    delta: z.number().min(0).lt(1).nullable().default(null),
    /** Each covers everything below it in the purpose tree. */
    purposes: listOf(z.enum(Object.keys(PURPOSES) as [Purpose, ...Purpose[]])),
  })
  .superRefine((product, context) => {
    const { from, to, dataset, sql, program } = product;
    const asked = [dataset, sql, program].filter((one) => one !== undefined).length;
    if (asked !== 1) context.addIssue({ ...fault('product.oneQuestion'), path: ['sql'] });
    if (to !== null && Date.parse(to) <= Date.parse(from))
      context.addIssue({ ...fault('billing.field.endsBeforeStart'), path: ['to'] });
    const twice = Object.keys(program?.fixed ?? {}).find((name) => name in (program?.parameters ?? {}));
    if (twice !== undefined)
      context.addIssue({ ...fault('billing.field.twice', { name: twice }), path: ['program', 'fixed'] });
  });

export type Product = Readonly<z.output<typeof PRODUCT>>;

const FORMS = {
  id: 'P-0012',
  digest: 'sha256:64 × [0-9a-f]',
  earliest: '2026-01 | 2026-01-31',
  latest: '2026-12 | 2026-12-31',
  type: 'month | date | integer | number | choice',
};

/** Parses a product; throws a Failure CONFIG that names the first field at fault. */
export function parseProduct(value: unknown): Product {
  return parseDocument(PRODUCT, value, FORMS);
}

/** Every field at fault in what should become a product; empty when it is one. */
export function findProductFaults(value: unknown): readonly Sentence[] {
  return findDocumentFaults(PRODUCT, value, FORMS);
}

/** A placeholder in a template: `{{name}}`, and for months `{{name.from}}` and `{{name.to}}`. */
const PLACEHOLDER = /\{\{([a-z][a-z0-9_]{0,62})(?:\.(from|to))?\}\}/gu;
/** Quoted text, quoted names, and a placeholder; whatever else is one character. */
const PIECES = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\{\{[a-z][a-z0-9_]{0,62}(?:\.(?:from|to))?\}\}|[\s\S]/gu;
/** What may stand beside a literal, so that it stays one. */
const NEIGHBOUR = /^[\s(),<>=+*/%:-]$/u;

/**
 * What is wrong with a template. Comments, `$`-quoted text and backslashes have no place in it, so that quotes can be
 * told without a parser and every placeholder stands where a literal may.
 */
function findTemplateFaults(
  template: string,
  declared: Readonly<Record<string, Parameter>>,
): readonly ReturnType<typeof fault>[] {
  const forbidden = ['--', '/*', '$', '\\', '\0'].filter((text) => template.includes(text));
  const pieces = template.match(PIECES) ?? [];
  const inside = pieces.filter(
    (piece) => /^['"]/.test(piece) && (piece.length === 1 || piece.includes('{{')),
  );
  const stray = pieces.filter((piece) => piece === '{' || piece === '}');
  const crowded = pieces.filter(
    (piece, index) =>
      piece.startsWith('{{') &&
      [pieces[index - 1], pieces[index + 1]].some((next) => next !== undefined && !NEIGHBOUR.test(next)),
  );
  const used = [...template.matchAll(PLACEHOLDER)];
  const unknown = used.filter(
    ([, name = '', bound]) =>
      !(name in declared) || (bound !== undefined && declared[name]?.type !== 'month'),
  );
  const unused = Object.keys(declared).filter((name) => !used.some((one) => one[1] === name));
  return [
    ...forbidden.map((text) => fault('product.forbidden', { text: text === '\0' ? 'NUL' : text })),
    ...(inside.length > 0 ? [fault('product.quotes')] : []),
    ...(stray.length > 0 ? [fault('product.braces', { placeholder: '{{month}}' })] : []),
    ...crowded.map((placeholder) => fault('product.crowded', { placeholder })),
    ...unknown.map(([placeholder]) => fault('product.undeclared', { placeholder })),
    ...unused.map((name) => fault('product.unused', { name })),
  ];
}

/** What a buyer chose, by name: text, or numbers. */
export type Chosen = Readonly<Record<string, unknown>>;

/** A call with parameters that are allowed: for looking at the question before anybody asks it. */
export function sampleOf(product: Product): Chosen {
  return Object.fromEntries(
    Object.entries(parametersOf(product)).map(([name, spec]) => [name, sampleValue(spec)]),
  );
}

function sampleValue(spec: Parameter): string | number {
  switch (spec.type) {
    case 'choice':
      return spec.choices[0] ?? '';
    case 'month':
      return spec.earliest ?? spec.latest ?? '2026-01';
    case 'date':
      return spec.earliest ?? spec.latest ?? '2026-01-01';
    case 'integer':
    case 'number':
      return spec.min;
  }
}

/** What is wrong with the parameters of a call, each a sentence whose argument `field` names it. */
export function findParameterFaults(product: Product, chosen: Chosen): readonly Sentence[] {
  const declared = parametersOf(product);
  const known = Object.keys(declared).join(', ');
  return [
    ...Object.keys(chosen)
      .filter((name) => !Object.hasOwn(declared, name))
      .map((name) => say('product.unknownParameter', { field: name.slice(0, 80), known })),
    ...Object.entries(declared)
      .filter(([name, spec]) => textOf(spec, valueOf(chosen, name)) === null)
      .map(([name, spec]) => say('product.parameter', { field: name, form: formOf(spec) })),
  ];
}

/**
 * The SQL of a product with the chosen values in it, each as a literal: months and dates as DATE literals, a month itself
 * as text `'2026-10'`, numbers in digits and in parentheses when below zero, a choice as text. Refusal PARAM.
 */
export function fillTemplate(product: Product, chosen: Chosen): string {
  const { sql } = product;
  if (sql === undefined) throw new RangeError('a product without a template has nothing to fill');
  const texts = chosenTexts(product, chosen);
  return sql.template.replaceAll(PLACEHOLDER, (_, name: string, bound?: string) =>
    literalOf(sql.parameters[name]?.type, texts[name] ?? '', bound),
  );
}

/** The parameters of a product's program: those that are fixed, and those that were chosen. Refusal PARAM. */
export function programParameters(
  product: Product,
  chosen: Chosen,
): Readonly<Record<string, string | number | boolean>> {
  const { program } = product;
  if (program === undefined) throw new RangeError('a product without a program has no parameters of one');
  const values = Object.entries(chosenTexts(product, chosen)).map(([name, text]) => {
    const type = program.parameters[name]?.type;
    return [name, type === 'integer' || type === 'number' ? Number(text) : text] as const;
  });
  return { ...program.fixed, ...Object.fromEntries(values) };
}

function parametersOf({ sql, program }: Product): Readonly<Record<string, Parameter>> {
  return sql?.parameters ?? program?.parameters ?? {};
}

function valueOf(chosen: Chosen, name: string): unknown {
  return Object.hasOwn(chosen, name) ? chosen[name] : undefined;
}

function chosenTexts(product: Product, chosen: Chosen): Readonly<Record<string, string>> {
  const [first] = findParameterFaults(product, chosen);
  if (first !== undefined) throw new Refusal('PARAM', first);
  return Object.fromEntries(
    Object.entries(parametersOf(product)).map(([name, spec]) => [
      name,
      textOf(spec, valueOf(chosen, name)) ?? '',
    ]),
  );
}

/** A value as the text of its type, or null when it is none that the parameter allows. */
function textOf(spec: Parameter, value: unknown): string | null {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return null;
  switch (spec.type) {
    case 'choice':
      return spec.choices.includes(text) ? text : null;
    case 'month':
      return MONTH.test(text) && isWithin(text, spec) ? text : null;
    case 'date':
      return date.safeParse(text).success && isWithin(text, spec) ? text : null;
    case 'integer':
      return INTEGER.test(text) && Number(text) >= spec.min && Number(text) <= spec.max ? text : null;
    case 'number':
      return NUMBER.test(text) && Number(text) >= spec.min && Number(text) <= spec.max ? text : null;
  }
}

/** ISO dates and months are in the order of their text. */
function isWithin(
  text: string,
  { earliest, latest }: { readonly earliest: string | null; readonly latest: string | null },
): boolean {
  return (earliest === null || text >= earliest) && (latest === null || text <= latest);
}

function formOf(spec: Parameter): string {
  switch (spec.type) {
    case 'choice':
      return spec.choices.join(' | ');
    case 'month':
      return `2026-10${rangeOf(spec.earliest, spec.latest)}`;
    case 'date':
      return `2026-10-31${rangeOf(spec.earliest, spec.latest)}`;
    case 'integer':
    case 'number':
      return `${spec.type}${rangeOf(spec.min, spec.max)}`;
  }
}

function rangeOf(from: string | number | null, to: string | number | null): string {
  return from === null && to === null ? '' : `, ${from ?? ''} … ${to ?? ''}`;
}

function literalOf(type: Parameter['type'] | undefined, text: string, bound: string | undefined): string {
  switch (type) {
    case 'integer':
    case 'number':
      return text.startsWith('-') ? `(${text})` : text;
    case 'date':
      return `DATE '${text}'`;
    case 'month':
      return bound === undefined ? `'${text}'` : `DATE '${bound === 'from' ? text : nextMonth(text)}-01'`;
    case 'choice':
      return `'${text.replaceAll("'", "''")}'`;
    case undefined:
      throw new RangeError('every placeholder of a product that parsed is declared');
  }
}

function nextMonth(text: string): string {
  const [year, number] = [Number(text.slice(0, 4)), Number(text.slice(5))];
  return number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
}
