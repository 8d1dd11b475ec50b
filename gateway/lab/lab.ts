/**
 * `unseen lab`: one request in, one JSON object out. Reading of requests, and the form of answers.
 *
 * A refusal is a decision; a failure is a fault of file, machine or state. The object never holds a data value
 * that was not released.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type EvidenceKey, generateEvidenceKey } from '#crypto/evidence-key.ts';
import { type Profile, profileOf } from '#crypto/profile.ts';
import { checkKind } from '#policies/output-kind.ts';
import { Failure, Refusal } from '#policies/refusal.ts';
import { type Language, render, say } from '#policies/words.ts';
import { checkTogether } from '#sandbox/manifest/agreement.ts';
import { readDataset } from '#sandbox/manifest/dataset-file.ts';
import { readPolicy } from '#sandbox/manifest/policy-file.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import { type Ledger, leftOf, lineageView } from '#sandbox/release/accountant.ts';
import type { LabRequest, Rehearsal } from './rehearse.ts';
import { rehearse } from './rehearse.ts';
import { linkToCustodian } from '../custodian/link.ts';
import { ledgersOf } from '../ledgers.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { runnerDataDirOfEnvironment } from '../config.ts';
import { keyRelease } from '../keys/key-release.ts';
import { readKeysConfig } from '../keys/keys-file.ts';
import { LazyKms } from '../keys/open-kms.ts';
import { Sources } from '../runner/sources.ts';
import { readParams, readProgram } from './program-request.ts';
import { LabState } from './state.ts';

/** A request as it is written: flags of the command, or a line of a batch. */
export interface WrittenRequest {
  readonly dataset: readonly string[];
  readonly policy: string;
  readonly sql?: string | undefined;
  /** A program's module and its manifest, as paths. */
  readonly program?: string | undefined;
  readonly manifest?: string | undefined;
  /** An object, or the path of a JSON file. */
  readonly params?: unknown;
  readonly epsilon?: number | undefined;
  readonly delta?: number | undefined;
  readonly maxError?: number | undefined;
  readonly atSize?: number | undefined;
  readonly state?: string | undefined;
  /** Of the receipt: `international` or `sm`. */
  readonly cryptoProfile?: string | undefined;
}

/** The JSON object of an answer. */
export type LabAnswer = Readonly<Record<string, unknown>> & {
  readonly decision: 'released' | 'refused' | 'failed';
  readonly code: string | null;
};

/** Where `unseen key create` makes its keys unless told otherwise. */
const LAB_DATA_DIR = '.unseen';

const ABSENT_BUDGET = { rhoNanoSpent: '0', rhoNanoLeft: null, epsilonSpent: 0, delta: 0, lineage: null };

/** The answer to a request of which nothing was released. */
export function unreleased(
  error: Refusal | Failure,
  language: Language,
  budget: object = ABSENT_BUDGET,
): LabAnswer {
  return {
    decision: error instanceof Refusal ? 'refused' : 'failed',
    code: error.code,
    message: error.in(language),
    outputs: [],
    notes: [],
    budget,
    usage: {},
    receipt: null,
  };
}

/** One lab process: manifests, state directories and warm readers shared by all its requests. */
export class Lab {
  readonly #language: Language;
  readonly #kms = new LazyKms(readKeysConfig(runnerDataDirOfEnvironment() ?? LAB_DATA_DIR));
  readonly #sources = new Sources({ prepare: false, linkOf: linkToCustodian, keys: keyRelease(this.#kms) });
  readonly #workers = new WorkerPool({ warm: 0 });
  readonly #states = new Map<string, Promise<LabState>>();
  readonly #manifests = new Map<string, Dataset | ReleasePolicy>();
  /** The throw-away keys of this process. */
  readonly #keys = new Map<Profile, EvidenceKey>();

  constructor(language: Language) {
    this.#language = language;
  }

  /** Answers a request; throws only for our own bugs. */
  async answer(written: WrittenRequest): Promise<LabAnswer> {
    let known: { state: LabState; request: LabRequest } | null = null;
    try {
      const request = this.#read(written);
      const state = await this.#state(written.state, cryptoProfileOf(written));
      known = { state, request };
      const rehearsal = await rehearse(request, state, { sources: this.#sources, workers: this.#workers });
      return this.#released(rehearsal, request, state);
    } catch (error) {
      if (!(error instanceof Refusal) && !(error instanceof Failure)) throw error;
      const budget = known === null ? ABSENT_BUDGET : this.#budget(known.state, known.request, null);
      return unreleased(error, this.#language, budget);
    }
  }

  async close(): Promise<void> {
    await this.#workers.close();
    await this.#sources.close();
    await this.#kms.close();
    for (const state of await Promise.allSettled(this.#states.values()))
      if (state.status === 'fulfilled') await state.value.close();
  }

  #read(written: WrittenRequest): LabRequest {
    const datasets = written.dataset.map((path) => this.#manifest(path, readDataset) as Dataset);
    const policy = this.#manifest(written.policy, readPolicy) as ReleasePolicy;
    for (const dataset of datasets) checkTogether(dataset, policy, resolve(written.policy));
    const repeated = datasets.find(
      (dataset, index) => datasets.findIndex((other) => other.name === dataset.name) < index,
    );
    if (repeated !== undefined)
      throw new Failure('CONFIG', say('lab.field', { field: 'name', rule: `${repeated.name}: twice` }));
    // A result that nobody looked at must not leave where the policy says that somebody does.
    if (policy.release === 'reviewed') throw new Refusal('MODE', say('review.nobodyHere'));
    checkKind('statistic', { listed: policy.outputKinds, plannedOutputs: 0n });
    return { datasets, policy, ask: this.#ask(written) };
  }

  #ask(written: WrittenRequest): LabRequest['ask'] {
    const price = {
      epsilon: written.epsilon ?? null,
      delta: written.delta ?? null,
      maxError: written.maxError ?? null,
      atSize: written.atSize ?? null,
    };
    if (written.program === undefined) return { sql: written.sql ?? '', ...price };
    const program = readProgram(written.program, written.manifest);
    return { program, params: readParams(written.params), ...price };
  }

  /** A manifest, read again only when its file has changed. */
  #manifest(path: string, read: (path: string) => Dataset | ReleasePolicy): Dataset | ReleasePolicy {
    const full = resolve(path);
    const stat = statSync(full, { throwIfNoEntry: false, bigint: true });
    const name = JSON.stringify([
      read.name,
      full,
      String(stat?.mtimeNs),
      String(stat?.size),
      String(stat?.ino),
    ]);
    const known = this.#manifests.get(name);
    if (known !== undefined) return known;
    const manifest = read(full);
    this.#manifests.set(name, manifest);
    return manifest;
  }

  async #state(directory: string | undefined, cryptoProfile: Profile): Promise<LabState> {
    if (directory === undefined) return LabState.inMemory(this.#key(cryptoProfile));
    const path = resolve(directory);
    const opened = this.#states.get(path) ?? LabState.open(path, { cryptoProfile });
    this.#states.set(path, opened);
    opened.catch(() => this.#states.delete(path));
    const state = await opened;
    state.checkProfile(path, cryptoProfile);
    return state;
  }

  #key(profile: Profile): EvidenceKey {
    const key = this.#keys.get(profile) ?? generateEvidenceKey(profile);
    this.#keys.set(profile, key);
    return key;
  }

  #released(rehearsal: Rehearsal, request: LabRequest, state: LabState): LabAnswer {
    return {
      decision: 'released',
      code: null,
      message: render(say(rehearsal.repeat ? 'lab.repeat' : 'lab.released'), this.#language),
      repeat: rehearsal.repeat,
      releaseId: rehearsal.releaseId,
      outputs: rehearsal.outputs,
      notes: rehearsal.notes.map((note) => render(note, this.#language)),
      budget: this.#budget(state, request, rehearsal),
      usage: rehearsal.usage,
      receipt: rehearsal.receipt,
    };
  }

  /** This job's part (nothing for a refusal or a repeat), and what is left of its ledgers after it. */
  #budget(state: LabState, request: LabRequest, rehearsal: Rehearsal | null): object {
    const { policy } = request;
    const dataset = rehearsal?.dataset ?? request.datasets[0];
    if (dataset === undefined) return ABSENT_BUDGET;
    const { lineage, population } = ledgersOf(dataset, policy);
    const after = state.peek(lineage);
    const shared = population === null ? null : state.peek(population);
    const cost = rehearsal === null || rehearsal.repeat ? null : rehearsal.cost;
    return {
      unit: lineage.capacity?.unit ?? 'rho',
      rhoNanoSpent: String(cost?.nano ?? 0n),
      rhoNanoLeft: nanoLeft(after, policy),
      epsilonSpent: cost?.epsilon ?? 0,
      delta: cost?.delta ?? 0,
      lineage: ledgerView(after, policy),
      ...(population !== null && {
        population: { rhoNanoLeft: nanoLeft(shared, policy), ...ledgerView(shared, policy) },
      }),
    };
  }
}

function cryptoProfileOf({ cryptoProfile: value = 'international' }: WrittenRequest): Profile {
  const profile = profileOf(value);
  if (profile === null) throw new Failure('CONFIG', say('crypto.profileUnknown', { value }));
  return profile;
}

/** Null where the policy sets no limit, whatever limit an earlier one left behind. */
function nanoLeft(ledger: Ledger | null, { budget }: ReleasePolicy): string | null {
  return ledger === null || budget === 'unlimited' ? null : String(leftOf(ledger).nano);
}

/** What all jobs spent of a ledger and left. */
function ledgerView(ledger: Ledger | null, { budget }: ReleasePolicy): object | null {
  if (ledger === null || budget === 'unlimited') return null;
  return { ...lineageView(ledger, budget), delta: budget.delta };
}
