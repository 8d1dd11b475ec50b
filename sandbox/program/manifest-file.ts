/**
 * Reads prog.yaml: text or plain JSON into a `ProgramManifest` with its defaults, or CONFIG naming file, field and rule.
 *
 * Guarantee: every field is honoured or refused by name; names are such that a program can write them.
 * Not covered: whether the datasets have these columns (compile.ts), and the module itself (admission/admit.ts).
 */
import { type FieldPath, faultOf } from '../manifest/fault.ts';
import { parseManifestText, readManifestText } from '../manifest/manifest-text.ts';
import { checkAgainst } from '../manifest/schema-check.ts';
import { checkName, outputsOf } from './manifest-outputs.ts';
import {
  DEFAULT_CPU_MS,
  DEFAULT_FUEL,
  type ParamText,
  programSchema,
  type ProgramText,
} from './manifest-schema.ts';
import type { ParamSpec, ProgramInput, ProgramManifest, ProgramOutput } from './program.ts';
import { paramValueOf } from './params.ts';
import { isProgramName, isRefusedProperty } from './reserved-names.ts';

/** Reads and parses the manifest of a program. CONFIG. */
export function readProgramManifest(path: string): ProgramManifest {
  return parseProgramManifest(readManifestText(path), { path });
}

/** Parses the text (YAML or JSON) of a program's manifest; `path` names it in messages. CONFIG. */
export function parseProgramManifest(
  text: string,
  { path: file }: { readonly path: string },
): ProgramManifest {
  return programManifestOf(parseManifestText(text, file), file);
}

/** The manifest that plain JSON states. CONFIG. */
export function programManifestOf(value: unknown, file: string): ProgramManifest {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw faultOf(file, [], 'manifest.root');
  }
  const stated = checkAgainst(programSchema, value, file);
  checkMode(stated, file);
  const outputs = outputsOf(stated.outputs, { file, mode: stated.mode });
  const { blocks } = stated;
  return {
    kind: 'Program',
    name: stated.name,
    title: stated.title ?? null,
    mode: stated.mode,
    inputs: Object.entries(stated.inputs).map(([dataset, columns]) => ({
      dataset,
      columns: columnsOf(columns, ['inputs', dataset], file),
    })),
    params: Object.entries(stated.params ?? {}).map(([name, param]) => paramOf(name, param, file)),
    outputs,
    fuel: stated.fuel ?? DEFAULT_FUEL,
    blocks: blocks === undefined ? null : { count: blocks.count, cpuMs: blocks.cpuMs ?? DEFAULT_CPU_MS },
    defaults: defaultsOf(stated.defaults ?? {}, outputs, file),
    source: value,
  };
}

/** Each mode has fields of its own. */
function checkMode(stated: ProgramText, file: string): void {
  const datasets = Object.keys(stated.inputs).length;
  if (datasets === 0) throw faultOf(file, ['inputs'], 'program.empty');
  if (stated.mode === 'map') {
    if (datasets > 1) throw faultOf(file, ['inputs'], 'program.oneInput');
    for (const field of ['blocks', 'defaults'] as const) {
      if (stated[field] !== undefined) throw faultOf(file, [field], 'program.modeField', { mode: 'blocks' });
    }
    return;
  }
  if (stated.fuel !== undefined) throw faultOf(file, ['fuel'], 'program.modeField', { mode: 'map' });
  if (stated.blocks === undefined) throw faultOf(file, ['blocks'], 'manifest.missing');
}

function columnsOf(
  stated: readonly string[] | Readonly<Record<string, string>>,
  field: FieldPath,
  file: string,
): ProgramInput[] {
  const isList = Array.isArray(stated);
  const columns = isList
    ? (stated as readonly string[]).map((column) => ({ name: column, column }))
    : Object.entries(stated).map(([name, column]) => ({ name, column }));
  if (columns.length === 0) throw faultOf(file, field, 'program.empty');
  const seen = new Set<string>();
  for (const [index, { name }] of columns.entries()) {
    const at = [...field, isList ? index : name];
    if (!isList) checkName(name, at, file);
    else if (!isProgramName(name) || isRefusedProperty(name)) throw faultOf(file, at, 'program.columnName');
    if (seen.has(name)) throw faultOf(file, at, 'program.columnTwice');
    seen.add(name);
  }
  return columns;
}

function paramOf(name: string, { type, default: value }: ParamText, file: string): ParamSpec {
  const field = ['params', name];
  checkName(name, field, file);
  if (value === undefined) return { name, type, default: null };
  const fallback = paramValueOf(value, type);
  if (fallback === null) throw faultOf(file, [...field, 'default'], 'program.paramDefault');
  return { name, type, default: fallback };
}

function defaultsOf(
  stated: Readonly<Record<string, number>>,
  outputs: readonly ProgramOutput[],
  file: string,
): Record<string, number> {
  for (const [name, value] of Object.entries(stated)) {
    const output = outputs.find((candidate) => candidate.name === name);
    if (output === undefined) throw faultOf(file, ['defaults', name], 'program.defaultUnknown');
    const bounds = 'bounds' in output ? output.bounds : null;
    const isInside = bounds !== null && value >= bounds[0] && value <= bounds[1];
    if (!isInside) throw faultOf(file, ['defaults', name], 'program.defaultOutside');
  }
  return { ...stated };
}
