/**
 * An evaluator as the runner sees it: a jailed process for one job, which adds ciphertexts up and masks the sums.
 *
 * Guarantee: what comes back are ciphertexts of the one length that the profile has, as many as were asked for, or a
 * Failure without any text of the library; after a Failure the process has been killed.
 * Not covered: what the ciphertexts hold. The custodian is shown masked ones only, and Release checks ranges.
 */
import { profileOf } from '#crypto/he/profiles.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { FramePipe } from '../jail/frame-pipe.ts';
import { frameOf } from '../jail/frames.ts';
import { checkConfined, type ConfinedProcess, type JailDemand, startConfined } from '../jail/jail.ts';
import type { JailLayer } from '../jail/self-test.ts';
import { ANSWER, ASK, type CellMeasure, encodeAsk, encodeCell } from './evaluator-protocol.ts';
import { directoryFor, evaluatorProgram } from './evaluator-program.ts';
import type { EncryptedFiles } from './files.ts';

export interface Evaluator {
  /** Layers of isolation in force, for the receipt. */
  readonly layers: readonly JailLayer[];
  /** One masked ciphertext per measure. `masks`: a residue per slot, each used once. Fails: SOURCE_CHANGED, RUN_LIMIT, MACHINE_FAULT. */
  cell(measures: readonly CellMeasure[], masks: readonly BigUint64Array[]): Promise<readonly Uint8Array[]>;
  close(): void;
}

const START_MS = 30_000;
/** A block of a product takes 60 ms on a slow machine. */
const CELL_MS = 10 * 60_000;
/** Of one cell: what all measures of a Plan may be. */
const MAX_ANSWER_BYTES = 256 * 2 ** 20;

/** Starts an evaluator. Refuses: JAIL when a required layer is missing. Fails: SOURCE_CHANGED, MACHINE_FAULT, KILLED. */
export async function startEvaluator(
  files: EncryptedFiles,
  { jail, signal }: { readonly jail: JailDemand; readonly signal?: AbortSignal | undefined },
): Promise<Evaluator> {
  const confined = await startConfined(evaluatorProgram(files.directory), jail);
  const evaluator = new JailedEvaluator(confined, files, signal);
  try {
    await evaluator.open(files);
    await checkConfined(confined, jail);
    return evaluator;
  } catch (error) {
    evaluator.close();
    throw error;
  }
}

class JailedEvaluator implements Evaluator {
  readonly layers: readonly JailLayer[];
  readonly #confined: ConfinedProcess;
  readonly #pipe: FramePipe;
  readonly #length: number;
  readonly #signal: AbortSignal | undefined;

  constructor(confined: ConfinedProcess, { manifest }: EncryptedFiles, signal: AbortSignal | undefined) {
    this.layers = confined.layers;
    this.#confined = confined;
    this.#pipe = new FramePipe(confined, MAX_ANSWER_BYTES);
    this.#length = profileOf(manifest.profile).bytes.ciphertext.release;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#stop, { once: true });
    if (signal?.aborted === true) this.close();
  }

  readonly #stop = (): void => this.close();

  async open({ directory, manifest }: EncryptedFiles): Promise<void> {
    const setup = { directory: directoryFor(this.#confined.mode, directory), manifest };
    const answer = await this.#ask(encodeAsk(ASK.setup, setup), START_MS);
    if (answer.length !== 1 || answer[0] !== ANSWER.ready) throw this.#fault();
  }

  async cell(
    measures: readonly CellMeasure[],
    masks: readonly BigUint64Array[],
  ): Promise<readonly Uint8Array[]> {
    const answer = await this.#ask(encodeCell(measures, masks), CELL_MS);
    if (answer[0] !== ANSWER.masked || answer.length !== 1 + measures.length * this.#length)
      throw this.#fault();
    return measures.map((_, index) => {
      const from = 1 + index * this.#length;
      return Uint8Array.from(answer.subarray(from, from + this.#length));
    });
  }

  close(): void {
    this.#signal?.removeEventListener('abort', this.#stop);
    this.#pipe.close();
  }

  async #ask(body: readonly Uint8Array[], deadlineMs: number): Promise<Buffer> {
    const answer = await this.#pipe.ask(frameOf(body), deadlineMs);
    if (this.#signal?.aborted === true) throw new Failure('KILLED', say('storage.killed'));
    if (answer === 'DEADLINE') throw new Failure('RUN_LIMIT', say('source.timeLimit'));
    if (answer === 'GONE') throw this.#fault();
    if (answer[0] === ANSWER.sourceChanged) {
      this.close();
      throw new Failure('SOURCE_CHANGED', say('encrypted.changed'));
    }
    return answer;
  }

  #fault(): Failure {
    this.close();
    return new Failure('MACHINE_FAULT', say('source.fault'));
  }
}
