/** A receipt payload with every field filled in, and a log to put receipts into. */
import type { Digest } from '#crypto/canonical.ts';
import { outputDigestOf } from '#crypto/commitment.ts';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { type Checkpoint, signNextCheckpoint } from '#crypto/log/checkpoint.ts';
import { EMPTY_FRONTIER, appendLeaf, rootOfFrontier } from '#crypto/log/frontier.ts';
import { consistencyProof, inclusionProof } from '#crypto/log/merkle.ts';
import { type NoteSigner, renderVerifier, verifierOf } from '#crypto/log/note.ts';
import { renderTlogProof } from '#crypto/log/tlog-proof.ts';
import { receiptLeaf } from '#crypto/receipt.ts';
import type { ReceiptPayload } from '#crypto/receipt-payload.ts';

const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;

export const SALT = '00112233445566778899aabbccddeeff';
export const CELLS = [
  { key: ['北京'], values: [[{ value: 1234.5, exact: '1234.50', stddev: 3.1, low: 1228, high: 1241 }]] },
];

/** A released run over one dataset. */
export const RELEASED: ReceiptPayload = {
  version: '1',
  issuer: 'log.example/unseen',
  jobId: 'job-1',
  decision: 'released',
  code: null,
  repeat: false,
  releaseId: 'release-1',
  request: { frontEnd: 'sql', digest: digest('1') },
  grantId: 'grant-1',
  purpose: '公共卫生研究 public health',
  policyDecision: { effect: 'permit', policies: ['grant-1', 'default deny'], policySet: digest('2') },
  policyDigest: digest('3'),
  datasets: [
    {
      name: 'visits',
      lineage: '就诊',
      versionId: '0123456789abcdef0123456789abcdef',
      commitment: `hmac-sha256:${'4'.repeat(64)}`,
    },
  ],
  planDigest: digest('5'),
  program: { digest: digest('6'), profile: 'strict' },
  mechanism: {
    name: 'gaussian',
    measures: [
      { kind: 'sum', entries: '2', grid: '10^-2', sensitivity: '8000000', scale: '1234567/89' },
      { kind: 'units', entries: '2', grid: '2^0', sensitivity: '1.5', scale: '2.25e3' },
    ],
    keySelection: { minimumCohort: '10', threshold: '31.5' },
  },
  cost: { unit: 'rho', nano: '7', thresholdDeltaYocto: '11', epsilon: '0.25', delta: '1e-7' },
  budget: [
    {
      lineage: '就诊',
      unit: 'rho',
      capacity: { nano: '1000', thresholdDeltaYocto: '500000000000000000' },
      before: { nano: '93', thresholdDeltaYocto: '1' },
      after: { nano: '100', thresholdDeltaYocto: '12' },
    },
  ],
  output: { digest: outputDigestOf(SALT, CELLS), saltId: 'salt-1' },
  usage: { calls: '1', nominalRows: '16777216', cpuUnits: '12.5' },
  jail: { demanded: 'required', layers: ['process', 'namespaces', 'seccomp'] },
  separation: 'processes',
  timing: { mode: 'quantum', quantumMs: '125' },
  releasedAt: '2026-11-20T08:30:00.125+08:00',
  bitsOut: '17.25',
};

/** A request that policy refused before anything was opened. */
export const REFUSED: ReceiptPayload = {
  ...RELEASED,
  decision: 'refused',
  code: 'BUDGET',
  releaseId: null,
  mechanism: null,
  cost: null,
  budget: [
    {
      ...(RELEASED.budget[0] as ReceiptPayload['budget'][0]),
      after: { nano: '93', thresholdDeltaYocto: '1' },
    },
  ],
  output: null,
  jail: null,
  timing: null,
  releasedAt: null,
  bitsOut: null,
};

/** A log of receipts with checkpoints and proofs at every size. */
export interface SampleLog {
  readonly signer: NoteSigner;
  readonly logKey: string;
  noteAt(size: number): string;
  proofOf(index: number, size: number): string;
  consistencyOf(first: number, second: number): Uint8Array[];
}

/** Puts receipts into a new log, in order. */
export function logOf(receipts: readonly string[], signer = logSigner()): SampleLog {
  const nodes = new Map<string, Uint8Array>();
  const roots = [rootOfFrontier(EMPTY_FRONTIER)];
  let frontier = EMPTY_FRONTIER;
  for (const receipt of receipts) {
    const step = appendLeaf(frontier, receiptLeaf(receipt));
    for (const { level, index, hash } of step.newNodes) nodes.set(`${level}/${index}`, hash);
    frontier = step.frontier;
    roots.push(rootOfFrontier(frontier));
  }
  const nodeAt = (level: number, index: bigint): Uint8Array => nodes.get(`${level}/${index}`) as Uint8Array;
  const checkpointAt = (size: number): Checkpoint => ({
    origin: signer.name,
    size: BigInt(size),
    root: roots[size] as Uint8Array,
  });
  const noteAt = (size: number): string =>
    signNextCheckpoint({ previous: null, next: checkpointAt(size), path: [] }, signer);
  return {
    signer,
    logKey: renderVerifier(verifierOf(signer)),
    noteAt,
    proofOf: (index, size) =>
      renderTlogProof({
        index: BigInt(index),
        path: inclusionProof(BigInt(index), BigInt(size), nodeAt),
        checkpoint: noteAt(size),
        extra: null,
      }),
    consistencyOf: (first, second) => consistencyProof(BigInt(first), BigInt(second), nodeAt),
  };
}

/** A new key under the name of the sample log. */
export function logSigner(): NoteSigner {
  return { name: 'log.example/unseen', key: generateSigningKey() };
}
