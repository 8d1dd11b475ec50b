/** policy.yaml as a type: what may be released about a dataset, at what privacy cost, and when. */
import type { OutputKind } from '#policies/grant.ts';

export interface ReleasePolicy {
  readonly kind: 'ReleasePolicy';
  readonly mechanism: 'gaussian' | 'laplace';
  /** Of the lineage, for its lifetime. `unlimited` only for synthetic data. */
  readonly budget: { readonly epsilon: number; readonly delta: number } | 'unlimited';
  readonly perJob: {
    readonly epsilon: number;
    readonly max: number;
    readonly delta: number;
    readonly thresholdDelta: number;
  };
  readonly maxGroupsPerUnit: number;
  readonly maxRowsPerUnit: number;
  readonly minimumCohort: number;
  readonly keys: 'listed' | 'thresholded';
  readonly hideBelow: number | null;
  readonly maxCells: number;
  readonly quantileBins: number;
  /** Null when the file does not say: exact in the lab, the default of the front end in a server. */
  readonly timing:
    | { readonly mode: 'exact' }
    | { readonly mode: 'planned' }
    | { readonly mode: 'quantum'; readonly quantumMs: number }
    | null;
  readonly jail: 'required' | 'preferred';
  /** Programs: `fast` compiles them to machine code, for grade general only. Absent: strict. */
  readonly engine?: 'fast';
  /** Programs (`map`): records that kill an isolate before the job fails. Absent: 8. */
  readonly maxAborts?: number;
  readonly prepare: boolean;
  readonly repeats: 'stored' | 'fresh';
  /** `reviewed`: every answer waits for a person. */
  readonly release: 'automatic' | 'reviewed';
  /** Kinds that may be asked for; absent: whatever a grant names. */
  readonly outputKinds?: readonly OutputKind[];
  /** SHA-256 (hex) of the canonical JSON of the policy: its revision. */
  readonly digest: string;
}
