/**
 * A program as it is named in a request to the lab: files of module, manifest and parameters, read and admitted.
 *
 * A file that is missing or against its schema is CONFIG; a program that breaks a rule is refused with every finding.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { readProgramManifest } from '#sandbox/program/manifest-file.ts';
import { type Program, programDigestOf } from '#sandbox/program/program.ts';

/** Reads a program and admits it. Fails: CONFIG. Refuses: PROGRAM_NOT_ADMITTED. */
export function readProgram(modulePath: string, manifestPath: string | undefined): Program {
  if (manifestPath === undefined)
    throw new Failure('CONFIG', say('lab.field', { field: 'manifest', rule: 'required beside program' }));
  const module = readText(modulePath, 'program');
  const manifest = readProgramManifest(resolve(manifestPath));
  const { findings, code } = admitProgram(module, manifest.mode, manifest);
  const first = findings.find(({ severity }) => severity === 'error');
  if (code === null) throw new Refusal('PROGRAM_NOT_ADMITTED', first?.sentence ?? say('program.notAdmitted'));
  return { module, manifest, digest: programDigestOf(module, manifest.source) };
}

/** Parameters: an object as it stands in a request, or the path of a JSON file that holds one. CONFIG. */
export function readParams(written: unknown): Readonly<Record<string, unknown>> | null {
  if (written === undefined || written === null) return null;
  const value = typeof written === 'string' ? parse(readText(written, 'params'), written) : written;
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new Failure('CONFIG', say('lab.field', { field: 'params', rule: 'an object of values by name' }));
}

function readText(path: string, field: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(resolve(path)));
  } catch {
    throw new Failure('CONFIG', say('lab.field', { field, rule: `${path}: no readable UTF-8 file` }));
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure('CONFIG', say('lab.field', { field: 'params', rule: `${path}: no JSON` }));
  }
}
