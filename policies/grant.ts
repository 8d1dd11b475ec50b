/**
 * A grant: who may ask, of which datasets and columns, for which purpose, in which manner, until when.
 *
 * Guarantee: a value of type `Grant` states every term; a file that leaves one out, or says more than a grant
 * has, is refused with the name of the field. The value is plain JSON, so that what is stored, digested and
 * compared is what was parsed.
 * Not covered: whether the grant is in force now. Approvals, revocation, suspension and what is left of the
 * quota are state; terms.ts puts them beside the grant for a decision.
 */
import { z } from 'zod';
import { PURPOSE_CLASSES, PURPOSES, type Purpose, purposeClass, purposePath } from './purpose.ts';
import type { QuotaUnit } from './quota.ts';
import { Failure } from './refusal.ts';
import { type Sentence, type SentenceId, say } from './words.ts';

export const RIGHT_KINDS = ['hold', 'process_use', 'operate_product'] as const;
export const CHANNELS = ['open', 'operation', 'exchange'] as const;
export const OUTPUT_KINDS = [
  'verification',
  'model',
  'index',
  'statistic',
  'report',
  'interface',
  'application',
] as const;

/** How a job is run, and the technique that its run record names. */
export const MANNERS = {
  sql: { technique: 'sandbox', en: 'SQL in the sandbox', zh: '数据沙箱内 SQL' },
  program: { technique: 'sandbox', en: 'a program in the sandbox', zh: '数据沙箱内程序' },
  encrypted: { technique: 'mpc', en: 'computation on encrypted columns', zh: '密文计算' },
  intersection: { technique: 'mpc', en: 'private set intersection', zh: '隐私求交' },
  federated: { technique: 'federated', en: 'federated aggregation', zh: '联邦聚合' },
} as const;

export type RightKind = (typeof RIGHT_KINDS)[number];
export type Channel = (typeof CHANNELS)[number];
export type OutputKind = (typeof OUTPUT_KINDS)[number];
export type Manner = keyof typeof MANNERS;

/** The longest name of a cost centre, in characters. */
export const COST_CENTRE_MAX = 100;

// The message of a check is the name of the sentence that explains it; parameters travel beside it.
const fault = (id: SentenceId, args: Readonly<Record<string, string>> = {}) => ({ params: { id, args } });

const namesOf = <Name extends string>(table: Readonly<Record<Name, unknown>>): [Name, ...Name[]] =>
  Object.keys(table) as [Name, ...Name[]];

const text = z.string().trim().min(1).max(4096);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const programDigest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const instant = z.iso.datetime({ offset: true }).transform((at) => new Date(at).toISOString());
const purpose = z.enum(namesOf<Purpose>(PURPOSES));
/** As a run names it: a line of text that a bill can show. */
const costCentre = z
  .string()
  .trim()
  .min(1)
  .max(COST_CENTRE_MAX)
  .refine((name) => !/\p{C}/u.test(name), fault('grant.field.line'));
const amount = z.union([z.int().nonnegative(), z.string().regex(/^(0|[1-9]\d{0,37})$/)]).transform(String);

/** A non-empty list without repetition. */
function listOf<Item extends z.ZodType<string>>(item: Item) {
  return z
    .array(item)
    .min(1)
    .superRefine((items, context) => {
      const twice = items.find((name, index) => items.indexOf(name) !== index);
      if (twice !== undefined)
        context.addIssue({ code: 'custom', ...fault('grant.field.twice', { name: twice }) });
    });
}

const limit = amount.nullable().default(null);
const limits = {
  calls: limit,
  rows: limit,
  outputs: limit,
  computeUnits: limit,
  epsilonNano: limit,
  spendNano: limit,
} satisfies Record<Exclude<QuotaUnit, 'runs'>, z.ZodType>;
const partLimits = { runs: limit, ...limits };

/** What is allowed without an accepted quote. Of money it says how much: no ceiling would be none at all. */
const ceiling = z.strictObject({ spendNano: amount, epsilonNano: limit });

/** A non-empty list whose entries have different names in a field. */
function namedList<Name extends string, Item extends z.ZodType<Readonly<Record<Name, string>>>>(
  field: Name,
  item: Item,
) {
  return z
    .array(item)
    .min(1)
    .superRefine((items, context) => {
      const names = items.map((entry) => entry[field]);
      const at = names.findIndex((name, index) => names.indexOf(name) !== index);
      if (at >= 0)
        context.addIssue({
          code: 'custom',
          path: [at, field],
          ...fault('grant.field.twice', { name: names[at] ?? '' }),
        });
    });
}

const person = z.strictObject({ name: text, contact: text });

/** A privacy parameter below 1e10: what a policy may state at most. */
const epsilonAmount = z.number().positive().max(1e10);
const deltaAmount = z.number().min(0).lt(1);

const grantedDataset = z.strictObject({
  dataset: text,
  /** `latest`: whatever version is current when a job starts; or one version by its id. */
  version: z.union([z.literal('latest'), z.strictObject({ id: text })]),
  columns: listOf(text),
  /** `all` rows, or a filter that the reader applies before anything else. */
  rowScope: z.union([z.literal('all'), z.strictObject({ where: text })]),
  /**
   * A part of the budget that is set aside for this grant while it is in force: as much as one answer of this ε and δ
   * costs. Its jobs draw on it first; nobody else's do.
   */
  budgetShare: z
    .strictObject({ epsilon: epsilonAmount, delta: deltaAmount, thresholdDelta: deltaAmount.optional() })
    .optional(),
});

const GRANT = z
  .strictObject({
    kind: z.literal('Grant'),
    id: text,
    /** The organisation that grants; never the holder. */
    authoriser: text,
    /** The organisation that may use the data. */
    holder: text,
    /** The operation agreement that this grant rests on. */
    parentAgreement: text,
    datasets: z.array(grantedDataset).min(1),
    /** Running needs `process_use`, reselling a result `operate_product`. */
    rights: listOf(z.enum(RIGHT_KINDS)),
    scene: z.strictObject({ id: text, description: text }),
    purposeClass: z.enum(PURPOSE_CLASSES),
    /** Each covers everything below it in the purpose tree. */
    purposes: listOf(purpose),
    channel: z.enum(CHANNELS),
    manners: listOf(z.enum(namesOf<Manner>(MANNERS))),
    /** Where programs may run: only these, by digest; absent: any approved program of the holder. */
    programs: listOf(programDigest).optional(),
    outputKinds: listOf(z.enum(OUTPUT_KINDS)),
    /** First instant of validity, and the first instant after it. */
    start: instant,
    end: instant,
    /** See quota.ts. Of the scene: a grant has one. What was added later is optional, so that old wordings stand. */
    quota: z.strictObject({
      total: z.strictObject({ runs: amount, ...limits }),
      perDay: z.strictObject(partLimits).nullable().default(null),
      perMonth: z.strictObject(partLimits).nullable().optional(),
      perPurpose: namedList('purpose', z.strictObject({ purpose, ...partLimits })).optional(),
      costCentres: namedList('id', z.strictObject({ id: costCentre, ...partLimits })).optional(),
      standing: z.strictObject({ perCall: ceiling, perDay: ceiling }).nullable().optional(),
    }),
    restrictions: z.strictObject({
      /** Regions and sectors the holder must belong to. */
      regions: z.union([z.literal('any'), listOf(text)]),
      sectors: z.union([z.literal('any'), listOf(text)]),
      /** Restrictions by law, for people to read. */
      legal: z.array(text),
    }),
    confidentiality: text,
    securityMeasures: listOf(text),
    responsible: z.strictObject({ authoriser: person, holder: person }),
    legalBasis: text,
    personalData: z.boolean(),
    /** Required when the data are about persons. */
    consentReference: text.nullable().default(null),
    prohibitedTerms: listOf(text),
    liability: text,
    disputeResolution: text,
    disposalAfterExpiry: text,
    usageFeedbackDue: z.iso.date(),
    useAgreement: z.strictObject({ id: text, version: text, sha256 }),
    /** The holder's signed word that the scene is true, lawful and safe. */
    undertaking: z.strictObject({ version: text, sha256, signedBy: text, signedAt: instant }),
    evidenceDocument: z.strictObject({ id: text, sha256 }),
  })
  .superRefine((grant, context) => {
    for (const { path, id, args } of contradictions(grant)) {
      context.addIssue({ code: 'custom', path, ...fault(id, args) });
    }
  });

export type Grant = Readonly<z.output<typeof GRANT>>;

interface Contradiction {
  readonly path: (string | number)[];
  readonly id: SentenceId;
  readonly args?: Readonly<Record<string, string>>;
}

/** Terms that are each well-formed but cannot stand together. */
function contradictions(grant: Grant): Contradiction[] {
  const found: Contradiction[] = [];
  const names = grant.datasets.map(({ dataset }) => dataset);
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice >= 0) {
    found.push({ path: ['datasets'], id: 'grant.field.twice', args: { name: names[twice] ?? '' } });
  }
  if (grant.holder === grant.authoriser) found.push({ path: ['holder'], id: 'grant.self' });
  if (Date.parse(grant.end) <= Date.parse(grant.start))
    found.push({ path: ['end'], id: 'grant.endsBeforeStart' });
  for (const purpose of grant.purposes) {
    if (purposeClass(purpose) === grant.purposeClass) continue;
    const args = { purpose, purposeClass: grant.purposeClass };
    found.push({ path: ['purposes'], id: 'grant.otherClass', args });
  }
  for (const [index, { purpose: limited }] of (grant.quota.perPurpose ?? []).entries()) {
    const isReached = grant.purposes.some(
      (granted) => purposePath(granted).includes(limited) || purposePath(limited).includes(granted),
    );
    if (isReached) continue;
    const args = { purpose: limited, granted: grant.purposes.join(', ') };
    found.push({ path: ['quota', 'perPurpose', index, 'purpose'], id: 'grant.limitsNoPurpose', args });
  }
  if (grant.programs !== undefined && !grant.manners.includes('program'))
    found.push({ path: ['programs'], id: 'grant.programsManner' });
  if (grant.outputKinds.includes('verification')) {
    found.push({ path: ['outputKinds'], id: 'grant.verification' });
  }
  if (grant.personalData && grant.consentReference === null) {
    found.push({ path: ['consentReference'], id: 'grant.consentMissing' });
  }
  return found;
}

/** Parses a grant; throws a Failure CONFIG that names the first field at fault. */
export function parseGrant(value: unknown): Grant {
  const parsed = GRANT.safeParse(value);
  if (parsed.success) return parsed.data;
  const first = sentencesOf(parsed.error.issues, value)[0];
  throw new Failure('CONFIG', first ?? say('grant.field.kind', { field: 'Grant', expected: 'object' }));
}

/** Every field at fault in what should become a grant, for a form to show; empty when it is one. */
export function findGrantFaults(value: unknown): readonly Sentence[] {
  const parsed = GRANT.safeParse(value);
  return parsed.success ? [] : sentencesOf(parsed.error.issues, value);
}

function sentencesOf(issues: readonly z.core.$ZodIssue[], value: unknown): readonly Sentence[] {
  return issues.map((issue) => sentenceOf(issue, value));
}

function sentenceOf(issue: z.core.$ZodIssue, value: unknown): Sentence {
  const field = fieldName(issue.path);
  if (issue.code === 'custom') {
    const { id, args } = issue.params as ReturnType<typeof fault>['params'];
    return say(id, { field, ...args });
  }
  if (issue.code === 'unrecognized_keys') {
    return say('grant.field.unknown', { field: fieldName([...issue.path, issue.keys[0] ?? '']) });
  }
  if (valueAt(value, issue.path) === undefined) return say('grant.field.missing', { field });
  if (issue.code === 'invalid_type') return say('grant.field.kind', { field, expected: issue.expected });
  if (issue.code === 'invalid_value') {
    return say('grant.field.oneOf', { field, values: issue.values.map(String).join(', ') });
  }
  // A number out of range is no amount; a text or list out of range is empty or too long.
  const sized = 'origin' in issue && (issue.origin === 'string' || issue.origin === 'array');
  if (sized && issue.code === 'too_small') return say('grant.field.empty', { field });
  if (sized && issue.code === 'too_big') {
    return say('grant.field.long', { field, limit: Number(issue.maximum) });
  }
  return say('grant.field.form', { field, form: formOf(issue.path.at(-1)) });
}

/** How fields with a form of their own are written; all others with a form are amounts. */
const FORMS: Readonly<Record<string, string>> = {
  start: '2026-01-31T00:00:00+08:00',
  end: '2026-01-31T00:00:00+08:00',
  signedAt: '2026-01-31T00:00:00+08:00',
  usageFeedbackDue: '2026-01-31',
  sha256: '64 × [0-9a-f]',
  version: 'latest | { id }',
  rowScope: 'all | { where }',
  epsilon: '0.5',
  delta: '1e-6',
  thresholdDelta: '1e-9',
  programs: 'sha256:64 × [0-9a-f]',
  regions: 'any | [ … ]',
  sectors: 'any | [ … ]',
};

function formOf(field: PropertyKey | undefined): string {
  return FORMS[String(field)] ?? '0, 1, 2, …';
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, step) => {
    if (typeof step === 'number') return `${name}[${step}]`;
    return name === '' ? String(step) : `${name}.${String(step)}`;
  }, '');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[step];
  }
  return at;
}

/**
 * When a grant really ends: the earliest of its own end and the ends of everything it rests on (use
 * agreement, operation agreement, certificate). Instants are ISO 8601 with a zone; the answer is UTC.
 */
export function effectiveEnd(grant: Pick<Grant, 'end'>, upstreamEnds: readonly string[]): string {
  const ends = [grant.end, ...upstreamEnds].map((end) => Date.parse(end));
  if (ends.some(Number.isNaN)) throw new RangeError('an end is an instant with a zone');
  return new Date(Math.min(...ends)).toISOString();
}
