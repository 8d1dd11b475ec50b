/**
 * Fields and values that manifests know from the start and this version does not honour: refused by name.
 *
 * INVARIANT: nothing that an author would rely on for protection is read and ignored. A field leaves this table
 * in the commit that makes it work. What holds by construction (`engine: strict`, `noise: own`,
 * `version: fixed`) is accepted.
 */
import { type FieldPath, type ManifestRule, faultOf } from './fault.ts';
import { valueAt } from './schema-check.ts';

interface Unhonoured {
  readonly field: FieldPath;
  readonly rule: ManifestRule;
  /** Whether this value is refused. The field is there: the value is never undefined. */
  readonly refuses: (value: unknown) => boolean;
}

const always = (): boolean => true;
const only =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);
const allBut =
  (honoured: unknown) =>
  (value: unknown): boolean =>
    value !== honoured;

export const UNHONOURED_IN_DATASET: readonly Unhonoured[] = [
  { field: ['version'], rule: 'manifest.laterVersion', refuses: allBut('fixed') },
  { field: ['privacyUnit'], rule: 'manifest.laterReference', refuses: only('none') },
  { field: ['privacyUnit', 'period'], rule: 'manifest.laterPeriod', refuses: always },
  { field: ['privacyUnit', 'time'], rule: 'manifest.laterPeriod', refuses: always },
  { field: ['source', 'type'], rule: 'manifest.laterSource', refuses: only('postgres', 'postgresql') },
  { field: ['grade'], rule: 'manifest.gradeCore', refuses: only('core') },
];

export const UNHONOURED_IN_POLICY: readonly Unhonoured[] = [
  { field: ['mechanism'], rule: 'manifest.laterThreshold', refuses: only('threshold') },
  { field: ['threshold'], rule: 'manifest.laterThreshold', refuses: always },
  { field: ['minimumEnterprises'], rule: 'manifest.laterEnterprises', refuses: always },
  { field: ['joinRowsPerUnit'], rule: 'manifest.laterJoins', refuses: always },
  { field: ['noise'], rule: 'manifest.laterNoise', refuses: only('shared') },
  { field: ['budget', 'renew'], rule: 'manifest.laterRenewal', refuses: always },
  { field: ['outputKinds'], rule: 'manifest.verification', refuses: lists('verification') },
];

function lists(kind: string): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && value.includes(kind);
}

/** Refuses what the table names, before anything else is said about the file. CONFIG, with what to do instead. */
export function refuseUnhonoured(value: unknown, table: readonly Unhonoured[], file: string): void {
  for (const { field, rule, refuses } of table) {
    const found = valueAt(value, field);
    if (found !== undefined && refuses(found)) throw faultOf(file, field, rule);
  }
}
