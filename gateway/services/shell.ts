/** The shell: everything a service of the gateway works with, given once at start. Services keep no other state. */
import type { SigningKey } from '#crypto/ed25519-key.ts';
import type { EvidenceJwk, EvidenceKey } from '#crypto/evidence-key.ts';
import type { NoteSigner } from '#crypto/log/note.ts';
import type { PolicyEngine } from '#policies/decide.ts';
import type { Channel } from '#policies/grant.ts';
import type { Database, Tx } from '../storage/database.ts';
import type { ProgramTrial } from './program-trial.ts';

export interface GatewayKeys {
  /** Signs access tokens and cursors. */
  readonly token: SigningKey;
  /** Signs checkpoints of the log; its name is the log's origin. */
  readonly log: NoteSigner;
  /** Whose receipts a reader should trust: the runner signs them. */
  readonly receipts: readonly EvidenceJwk[];
  /** Signs statements. */
  readonly statement: EvidenceKey;
}

export interface Shell {
  readonly db: Database;
  readonly policies: PolicyEngine;
  /** Tries what is submitted on made-up records; null: nothing is tried. */
  readonly trial: ProgramTrial | null;
  readonly keys: GatewayKeys;
  /** Issuer and audience of tokens, without a slash at its end. */
  readonly publicUrl: string;
  /** In which times are shown. */
  readonly timeZone: string;
  /** The channel through which requests to this deployment come. */
  readonly channel: Channel;
  /** Requests per account and minute. */
  readonly ratePerMinute: number;
  /** Milliseconds since 1970; tests set it. */
  readonly now: () => number;
  /** Where a bug is told in full; the caller is told nothing. */
  readonly reportBug: (error: unknown, requestId: string) => void;
}

/** A transaction in the place of a database: what is called inside joins it instead of opening another. */
export function joined(db: Database, tx: Tx): Database {
  return {
    kind: db.kind,
    durable: db.durable,
    label: db.label,
    orm: tx.orm,
    rows: (statement) => tx.rows(statement),
    transact: (work) => work(tx),
    notify: () => Promise.resolve(),
    listen: () => Promise.reject(new RangeError('a transaction hears nothing')),
    close: () => Promise.reject(new RangeError('a transaction is ended by its own work')),
  };
}
