/** The dataset.yaml with which an encrypted dataset is registered, as plain values. */
import type { Column, ColumnType, CustodianAddress } from '../manifest/dataset.ts';
import { inverseOf } from '../query/bounds.ts';
import { type EncryptionPlan, rowsPerUnitOf } from './encryption-plan.ts';

/** What came out of an encryption, and who keeps its key. */
export interface Registered {
  /** Directory of the files. */
  readonly path: string;
  /** `sha256:…` of the signed manifest. */
  readonly manifestDigest: string;
  /** Public keys, as `x` of their JWK. */
  readonly provider: string;
  readonly custodianKey: string;
  readonly custodian: CustodianAddress;
}

/** The manifest. Its name is that of the dataset after `encrypted_`; ledger, grade and origin are the dataset's own. */
export function registrationOf(plan: EncryptionPlan, made: Registered): object {
  const { dataset, clear, encrypted, choice } = plan;
  const { lineage, population, timeZone, origin, grade, maxRows, unitDomain } = dataset;
  return {
    kind: 'Dataset',
    name: `encrypted_${dataset.name}`,
    ...(dataset.title !== null && { title: dataset.title }),
    source: { type: 'encrypted', path: made.path, custodian: made.custodian },
    encryption: {
      manifest: made.manifestDigest.replace('sha256:', ''),
      provider: made.provider,
      custodian: made.custodianKey,
      keyId: choice.keyId,
      profile: choice.profile,
      rowsPerUnit: rowsPerUnitOf(plan),
      nullable: choice.nullable,
    },
    lineage,
    ...(population !== null && { population }),
    timeZone,
    privacyUnit: 'encrypted',
    unitDomain,
    origin,
    grade,
    maxRows,
    columns: {
      ...Object.fromEntries(clear.map((column) => [column.name, clearColumn(column)])),
      ...Object.fromEntries(
        encrypted.map(({ column, argument: { low, high, grid } }) => [
          column.name,
          { type: typeText(column.type), bounds: [low, high], granularity: 1 / inverseOf(grid) },
        ]),
      ),
    },
  };
}

function clearColumn({ type, values, bounds }: Column): object {
  return { type: typeText(type), role: 'key', ...(bounds !== null && { bounds }), values };
}

function typeText(type: ColumnType): string {
  return type.kind === 'decimal' ? `decimal(${type.scale})` : type.kind;
}
