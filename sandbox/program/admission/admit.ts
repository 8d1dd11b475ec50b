/**
 * Admission: whether a program may be run, why not, and the code that runs in its place.
 *
 * Guarantee: a program of mode `map` that is admitted has no place where one record could leave anything for the next:
 * rules/ says why for each hazard. What runs is printed from its tree, never its text. Pure, and total for any text.
 * Not covered: what the program computes, and whether it is worth its privacy cost.
 */
import type { ProgramManifest, ProgramMode } from '../program.ts';
import { blocksFindings } from './blocks.ts';
import { type Finding, FINDINGS_MAX, findingAt, type Report, type Subject } from './finding.ts';
import type { Reading } from './parse.ts';
import { printProgram } from './print/module.ts';
import { TREE_RULES } from './rules.ts';
import { unknownNames } from './rules/manifest-names.ts';
import { readText } from './rules/text.ts';
import { scopesOf } from './scope.ts';
import { syntaxRule } from './syntax.ts';

export type { Finding };

export interface Admission {
  readonly admitted: boolean;
  readonly findings: readonly Finding[];
  /** What runs: an ES module. Null where the program is refused. */
  readonly code: string | null;
}

/** Decides on a module. With its manifest also warns of names that the manifest does not have. */
export function admitProgram(module: string, mode: ProgramMode, manifest: ProgramManifest | null): Admission {
  const { findings, reading } = readText(module);
  if (reading === null) return refused(findings);
  return mode === 'map' ? admitMap(reading, manifest) : admitBlocks(reading);
}

function admitMap(reading: Reading, manifest: ProgramManifest | null): Admission {
  const strange = gather(reading.text, syntaxRule.id, (report) => {
    // Scopes are made of accepted syntax only, which this rule establishes.
    syntaxRule.check(reading, report);
  });
  if (strange.length > 0) return refused(strange);
  const subject: Subject = { ...reading, scopes: scopesOf(reading.tree) };
  const errors = TREE_RULES.flatMap(({ id, check }) =>
    gather(reading.text, id, (report) => check(subject, report)),
  );
  const warnings = manifest === null ? [] : unknownNames(subject, manifest);
  if (errors.length > 0) return refused([...errors, ...warnings]);
  return { admitted: true, findings: inOrder(warnings), code: printProgram(subject) };
}

function admitBlocks(reading: Reading): Admission {
  const errors = blocksFindings(reading);
  if (errors.length > 0) return refused(errors);
  return { admitted: true, findings: [], code: reading.text };
}

/** What a rule reports, as findings. */
function gather(text: string, rule: string, check: (report: Report) => void): Finding[] {
  const findings: Finding[] = [];
  check((node, sentence, args) => {
    if (findings.length >= FINDINGS_MAX) return;
    findings.push(findingAt(rule, { text, offset: node.start }, sentence, args));
  });
  return findings;
}

function refused(findings: readonly Finding[]): Admission {
  return { admitted: false, findings: inOrder(findings), code: null };
}

function inOrder(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((one, other) => one.line - other.line || one.column - other.column);
}
