/**
 * The outputs of prog.yaml: what each kind must, may and may not state, and the keys they share.
 *
 * Guarantee: bounds are finite and in order, a stated grid holds them, every kind has what it needs and nothing that
 * would be ignored, and a key that two outputs name has one list.
 */
import type { Scalar } from '../expression.ts';
import { checkDefaultGrid, checkGranularity } from '../manifest/column.ts';
import { type FieldPath, faultOf } from '../manifest/fault.ts';
import type { OutputText } from './manifest-schema.ts';
import { isProgramName, isRefusedProperty } from './reserved-names.ts';
import type { ByColumn, ProgramMode, ProgramOutput } from './program.ts';

type Kind = OutputText['kind'];
type Field = Exclude<keyof OutputText, 'kind'>;

/** Fields that a kind requires and, after them, fields that it may have. */
interface Fields {
  readonly needs: readonly Field[];
  readonly may: readonly Field[];
}

const ANY: readonly Field[] = ['by', 'quality'];
const NUMBER: Fields = { needs: ['bounds'], may: ['granularity', ...ANY] };

const MAP_FIELDS: Readonly<Record<Kind, Fields>> = {
  count: { needs: [], may: ANY },
  sum: NUMBER,
  mean: NUMBER,
  variance: NUMBER,
  histogram: { needs: ['bounds', 'bins'], may: ANY },
  quantile: { needs: ['bounds', 'q'], may: ANY },
  vector: { needs: ['length', 'clip'], may: ['granularity', ...ANY] },
};

const BLOCK_FIELDS: Readonly<Partial<Record<Kind, Fields>>> = {
  mean: { needs: ['bounds'], may: ['granularity', 'by'] },
  vector: { needs: ['length', 'bounds'], may: ['granularity', 'by'] },
};

interface Place {
  readonly file: string;
  readonly mode: ProgramMode;
}

/** The outputs in the order of the file. CONFIG when one breaks a rule. */
export function outputsOf(stated: Readonly<Record<string, OutputText>>, place: Place): ProgramOutput[] {
  const { file } = place;
  const names = Object.keys(stated);
  if (names.length === 0) throw faultOf(file, ['outputs'], 'program.empty');
  for (const name of names) checkName(name, ['outputs', name], file);
  const lists = new Map<string, string>();
  return Object.entries(stated).map(([name, text]) => {
    checkFields(name, text, place);
    return outputOf(name, text, { ...place, names, lists });
  });
}

/** A name that the program writes: CONFIG unless it can and may. */
export function checkName(name: string, field: FieldPath, file: string): void {
  if (isRefusedProperty(name)) throw faultOf(file, field, 'program.reservedName');
  if (!isProgramName(name)) throw faultOf(file, field, 'program.identifier');
}

function checkFields(name: string, text: OutputText, { file, mode }: Place): void {
  const at = (field: string): FieldPath => ['outputs', name, field];
  const fields = mode === 'map' ? MAP_FIELDS[text.kind] : BLOCK_FIELDS[text.kind];
  if (fields === undefined) throw faultOf(file, at('kind'), 'program.blocksKind');
  const { kind, ...rest } = text;
  for (const field of fields.needs) {
    if (text[field] === undefined) throw faultOf(file, at(field), 'program.outputNeeds', { kind, mode });
  }
  for (const field of Object.keys(rest) as Field[]) {
    if (fields.needs.includes(field) || fields.may.includes(field)) continue;
    throw faultOf(file, at(field), 'program.outputField', { kind, mode });
  }
}

interface Context extends Place {
  readonly names: readonly string[];
  /** The list of every key column so far, as JSON. */
  readonly lists: Map<string, string>;
}

function outputOf(name: string, text: OutputText, context: Context): ProgramOutput {
  const { file } = context;
  const field: FieldPath = ['outputs', name];
  const base = { name, by: byOf(text.by ?? {}, field, context), quality: text.quality ?? false };
  const bounds = text.bounds ? boundsOf(text.bounds, [...field, 'bounds'], file) : null;
  const granularity = text.granularity ?? null;
  checkGrid(text, bounds, { file, field });
  switch (text.kind) {
    case 'count':
      return { ...base, kind: text.kind };
    case 'sum':
    case 'mean':
    case 'variance':
      return { ...base, kind: text.kind, bounds: bounds!, granularity };
    case 'histogram':
      return { ...base, kind: text.kind, bounds: spread(bounds!, field, file), bins: text.bins! };
    case 'quantile':
      return { ...base, kind: text.kind, bounds: spread(bounds!, field, file), q: text.q! };
    case 'vector':
      return { ...base, kind: text.kind, length: text.length!, clip: text.clip ?? null, bounds, granularity };
  }
}

function boundsOf(stated: readonly [number, number], field: FieldPath, file: string): [number, number] {
  for (const [index, bound] of stated.entries()) {
    if (!Number.isFinite(bound)) throw faultOf(file, [...field, index], 'manifest.mustBeFinite');
  }
  if (stated[0] > stated[1]) throw faultOf(file, field, 'manifest.boundsOrder');
  return [stated[0] + 0, stated[1] + 0];
}

function spread(bounds: [number, number], field: FieldPath, file: string): [number, number] {
  if (bounds[0] === bounds[1]) throw faultOf(file, [...field, 'bounds'], 'program.boundsEqual');
  return bounds;
}

/** A clipped vector lies within its clip on either side. */
function checkGrid(
  { granularity, clip }: OutputText,
  bounds: [number, number] | null,
  { file, field }: { readonly file: string; readonly field: FieldPath },
): void {
  const range: [number, number] | null = clip === undefined ? bounds : [-clip, clip];
  const type = { kind: 'number' } as const;
  if (granularity !== undefined) {
    checkGranularity(granularity, { type, bounds: range }, { file, field: [...field, 'granularity'] });
  } else if (range !== null) {
    checkDefaultGrid(range, type, { file, field: [...field, clip === undefined ? 'bounds' : 'clip'] });
  }
}

function byOf(
  stated: Readonly<Record<string, readonly Scalar[]>>,
  field: FieldPath,
  { file, names, lists }: Context,
): ByColumn[] {
  return Object.entries(stated).map(([name, values]) => {
    const at: FieldPath = [...field, 'by', name];
    checkName(name, at, file);
    if (names.includes(name)) throw faultOf(file, at, 'program.nameTwice');
    if (values.length === 0) throw faultOf(file, at, 'manifest.valuesEmpty');
    const list = values.map((value) => (typeof value === 'number' ? value + 0 : value));
    for (const [index, value] of list.entries()) {
      if (list.indexOf(value) !== index) throw faultOf(file, [...at, index], 'manifest.valuesTwice');
    }
    const known = lists.get(name);
    const written = JSON.stringify(list);
    if (known !== undefined && known !== written) throw faultOf(file, at, 'program.byDiffers');
    lists.set(name, written);
    return { name, values: list };
  });
}
