/**
 * The rules of dataset.yaml about encrypted columns: which column is clear, which is encrypted, and what says so.
 *
 * Guarantee: a column of encrypted data is either clear, a key whose public values are listed, or encrypted, a number
 * with bounds; there is no unit and no hidden column. Nothing of it goes with another source.
 * Not covered: whether manifest.jws says the same (sandbox/encrypted/source.ts compares when the source is opened).
 */
import { dirname, resolve } from 'node:path';
import { boundColumn } from '../query/bounds.ts';
import type { DatasetText } from './dataset-schema.ts';
import type { Column, Dataset, Encryption } from './dataset.ts';
import { type FieldPath, faultOf } from './fault.ts';

/** The source with absolute paths. CONFIG where a custodian is missing, or has no place. */
export function sourceOf(
  { source: { type, path, sealed, custodian } }: DatasetText,
  file: string,
): Dataset['source'] {
  const full = (name: string): string => resolve(dirname(file), name);
  if (type !== 'encrypted') {
    if (custodian !== undefined) throw faultOf(file, ['source', 'custodian'], 'manifest.encryptedOnly');
    return { type, path: full(path), ...(sealed !== undefined && { sealed }) };
  }
  if (sealed !== undefined) throw faultOf(file, ['source', 'sealed'], 'manifest.encryptedSealed');
  if (custodian === undefined) throw faultOf(file, ['source', 'custodian'], 'manifest.missing');
  const { url, ca, cert, certKey, orderKey } = custodian;
  return {
    type,
    path: full(path),
    custodian: {
      url,
      ca: full(ca),
      cert: full(cert),
      certKey: full(certKey),
      orderKey: full(orderKey),
    },
  };
}

/** What was fixed at encryption; null for any other source. CONFIG when a field breaks a rule. */
export function encryptionOf(
  stated: DatasetText,
  columns: readonly Column[],
  file: string,
): Encryption | null {
  const { encryption, source, privacyUnit, maxRows } = stated;
  if (source.type !== 'encrypted') {
    if (encryption !== undefined) throw faultOf(file, ['encryption'], 'manifest.encryptedOnly');
    return null;
  }
  for (const [field, value] of [
    ['encryption', encryption],
    ['maxRows', maxRows],
  ] as const)
    if (value === undefined) throw faultOf(file, [field], 'manifest.missing');
  if (privacyUnit !== 'encrypted') throw faultOf(file, ['privacyUnit'], 'manifest.encryptedUnit');
  for (const column of columns) checkColumn(column, file);
  const { manifest, nullable = [], ...rest } = encryption!;
  for (const [index, name] of nullable.entries()) {
    const isEncrypted = columns.some((column) => column.name === name && column.role === 'value');
    if (!isEncrypted || nullable.indexOf(name) < index)
      throw faultOf(file, ['encryption', 'nullable', index], 'manifest.encryptedNullable');
  }
  return { ...rest, manifestDigest: manifest, nullable };
}

function checkColumn(column: Column, file: string): void {
  const field = (name: string): FieldPath => ['columns', column.name, name];
  if (column.role === 'key') {
    if (column.values === null) throw faultOf(file, field('values'), 'manifest.encryptedClear');
    return;
  }
  if (column.role !== 'value') throw faultOf(file, field('role'), 'manifest.encryptedRole');
  if (!['integer', 'number', 'decimal'].includes(column.type.kind))
    throw faultOf(file, field('type'), 'manifest.encryptedValue');
  if (boundColumn(column, { columns: [column] }) === null)
    throw faultOf(file, field('bounds'), 'manifest.encryptedBounds');
}
