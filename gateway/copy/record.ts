/** One usage event of a copy or of a server, and how two of them differ. */

export interface CopyRecord {
  /** Its place in the operator's log. */
  readonly leaf: bigint;
  readonly id: string;
  /** When it came to be seen, ISO 8601. */
  readonly time: string;
  /** The event as it was written. */
  readonly line: string;
}

/** A record from its line; null for what is no usage event. */
export function readRecord(line: string): CopyRecord | null {
  const event = parsed(line);
  const { id, time, data } = (event ?? {}) as Readonly<Record<string, unknown>>;
  const { leafIndex } = (data ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' || typeof time !== 'string' || Number.isNaN(Date.parse(time))) return null;
  if (typeof leafIndex !== 'string' || !/^\d{1,18}$/.test(leafIndex)) return null;
  return { leaf: BigInt(leafIndex), id, time, line };
}

/** A field that says one thing here and another there; null where it is missing. */
export interface FieldDifference {
  /** With dots: `data.planned.calls`. */
  readonly field: string;
  readonly left: string | null;
  readonly right: string | null;
}

/** A record that is on one side only, or differs. */
export interface Difference {
  readonly id: string;
  readonly leaf: string;
  readonly kind: 'leftOnly' | 'rightOnly' | 'differs';
  /** Empty unless it differs. */
  readonly fields: readonly FieldDifference[];
}

/** The differences of two rows of records, each in the order of the log. Holds one record of each at a time. */
export async function* compareRecords(
  left: AsyncIterator<CopyRecord>,
  right: AsyncIterator<CopyRecord>,
): AsyncGenerator<Difference> {
  let [a, b] = [await nextOf(left), await nextOf(right)];
  while (a !== null || b !== null) {
    const order = orderOf(a, b);
    if (order === 0 && a !== null && b !== null && a.line !== b.line) {
      const fields = differingFields(parsed(a.line), parsed(b.line));
      if (fields.length > 0) yield { id: a.id, leaf: String(a.leaf), kind: 'differs', fields };
    }
    if (order < 0 && a !== null) yield { id: a.id, leaf: String(a.leaf), kind: 'leftOnly', fields: [] };
    if (order > 0 && b !== null) yield { id: b.id, leaf: String(b.leaf), kind: 'rightOnly', fields: [] };
    if (order <= 0) a = await nextOf(left);
    if (order >= 0) b = await nextOf(right);
  }
}

async function nextOf(records: AsyncIterator<CopyRecord>): Promise<CopyRecord | null> {
  const { done, value } = await records.next();
  return done === true ? null : value;
}

/** By leaf, then by id: the same leaf with another id is another record. The end comes after everything. */
function orderOf(a: CopyRecord | null, b: CopyRecord | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (a.leaf !== b.leaf) return a.leaf < b.leaf ? -1 : 1;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

function differingFields(left: unknown, right: unknown): readonly FieldDifference[] {
  const [before, after] = [new Map(fieldsOf(left, '')), new Map(fieldsOf(right, ''))];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((field) => before.get(field) !== after.get(field))
    .map((field) => ({ field, left: before.get(field) ?? null, right: after.get(field) ?? null }));
}

/** Every leaf of a JSON value with the path to it. */
function fieldsOf(value: unknown, path: string): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[path, JSON.stringify(value)]];
  const members = Object.entries(value);
  if (members.length === 0) return [[path, JSON.stringify(value)]];
  return members.flatMap(([name, member]) => fieldsOf(member, path === '' ? name : `${path}.${name}`));
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return null;
  }
}
