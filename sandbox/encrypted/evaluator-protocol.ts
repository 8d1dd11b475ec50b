/**
 * What the runner and its evaluator say to one another: which sums of which blocks, under which masks; masked bytes back.
 *
 * Asks: `setup` (JSON), `cell` (masks, then JSON). Answers: `ready`, `masked` (ciphertexts of one length, one per
 * measure), or one of two words about what went wrong.
 */
import type { DatasetManifest } from '#crypto/he/dataset-manifest.ts';

export const ASK = { setup: 1, cell: 2 } as const;
export const ANSWER = { ready: 1, masked: 2, sourceChanged: 3, fault: 4 } as const;

export interface EvaluatorSetup {
  /** Where the files are for the process. */
  readonly directory: string;
  /** As it was verified: the digest of every byte that the process will read. */
  readonly manifest: DatasetManifest;
}

/** A sum over the rows of some blocks; block numbers are `from` up to, and not with, `to`. */
export interface CellMeasure {
  /** weight · Π factors; weights in decimal. */
  readonly terms: readonly { readonly weight: string; readonly factors: readonly string[] }[];
  readonly ranges: readonly { readonly from: number; readonly to: number }[];
}

/** Kind and number of masks, so that masks begin at a multiple of eight bytes. */
const CELL_HEAD_BYTES = 8;

export function encodeAsk(kind: number, body: object): readonly Uint8Array[] {
  return [Uint8Array.of(kind), Buffer.from(JSON.stringify(body))];
}

/** `masks`: one per measure, a residue for each slot. */
export function encodeCell(
  measures: readonly CellMeasure[],
  masks: readonly BigUint64Array[],
): readonly Uint8Array[] {
  const head = Buffer.alloc(CELL_HEAD_BYTES);
  head.writeUInt8(ASK.cell, 0);
  head.writeUInt32LE(masks.length, 4);
  const bytes = masks.map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  return [head, ...bytes, Buffer.from(JSON.stringify(measures))];
}

export function decodeCell(
  frame: Uint8Array,
  slots: number,
): { readonly measures: readonly CellMeasure[]; readonly masks: readonly BigUint64Array[] } {
  const count = new DataView(frame.buffer, frame.byteOffset).getUint32(4, true);
  const maskBytes = slots * BigUint64Array.BYTES_PER_ELEMENT;
  const masks = Array.from({ length: count }, (_, index) => {
    const from = CELL_HEAD_BYTES + index * maskBytes;
    return new BigUint64Array(Uint8Array.from(frame.subarray(from, from + maskBytes)).buffer);
  });
  const text = Buffer.from(frame.subarray(CELL_HEAD_BYTES + count * maskBytes)).toString('utf8');
  return { measures: JSON.parse(text) as readonly CellMeasure[], masks };
}
