/**
 * The evaluator: runs in the jail, reads the ciphertexts of one encrypted dataset and adds them up, for one job.
 *
 * It holds public keys alone. Nothing that it reads is used before its digest is that of the signed manifest, and
 * nothing leaves but ciphertexts under a mask. It ends when stdin closes, and at a trap of the library.
 */
import { DatasetFiles } from '#crypto/he/dataset-files.ts';
import { Evaluation, type EvaluationKeys, type Term } from '#crypto/he/evaluate.ts';
import { HeError } from '#crypto/he/he-error.ts';
import { type Cipher, Seal } from '#crypto/he/seal.ts';
import { readFrame, writeFrame } from '../jail/frame-io.ts';
import { frameOf } from '../jail/frames.ts';
import { ANSWER, ASK, type CellMeasure, decodeCell, type EvaluatorSetup } from './evaluator-protocol.ts';

interface Opened {
  readonly seal: Seal;
  readonly files: DatasetFiles;
  readonly keys: EvaluationKeys;
}

/** The files are not what the manifest says. */
const OF_THE_SOURCE: readonly string[] = ['DIGEST', 'FILE_LENGTH', 'FILE_ABSENT', 'LENGTH', 'HEADER'];

let opened: Opened | null = null;

async function answer(frame: Buffer): Promise<readonly Uint8Array[]> {
  try {
    if (frame[0] === ASK.setup) {
      opened = await open(JSON.parse(frame.subarray(1).toString('utf8')) as EvaluatorSetup);
      return [Uint8Array.of(ANSWER.ready)];
    }
    if (opened === null) throw new RangeError('the first request opens the dataset');
    const { measures, masks } = decodeCell(frame, opened.seal.profile.slots);
    return [Uint8Array.of(ANSWER.masked), ...(await maskedSums(opened, measures, masks))];
  } catch (error) {
    const isSource = error instanceof HeError && OF_THE_SOURCE.includes(error.code);
    return [Uint8Array.of(isSource ? ANSWER.sourceChanged : ANSWER.fault)];
  }
}

async function open({ directory, manifest }: EvaluatorSetup): Promise<Opened> {
  const files = new DatasetFiles(directory, manifest);
  const keys = { publicKey: await files.publicKey(), relinKeys: await files.relinKeys() };
  return { seal: await Seal.open(manifest.profile), files, keys };
}

/** One masked ciphertext per measure of a cell. */
async function maskedSums(
  { seal, files, keys }: Opened,
  measures: readonly CellMeasure[],
  masks: readonly BigUint64Array[],
): Promise<readonly Uint8Array[]> {
  using evaluation = new Evaluation(seal, keys);
  const cell = new Cell(evaluation, files);
  const masked: Uint8Array[] = [];
  for (const [index, measure] of measures.entries()) {
    const sum = isEmpty(measure) ? zero(seal, keys) : await cell.sumOf(measure);
    masked.push(evaluation.mask(sum, masks[index]!));
  }
  return masked;
}

/** No row can be in the cell; what leaves for it looks like any other. */
function isEmpty({ ranges }: CellMeasure): boolean {
  return ranges.every(({ from, to }) => from === to);
}

function zero(seal: Seal, { publicKey }: EvaluationKeys): Cipher {
  using key = seal.loadPublicKey(publicKey);
  return seal.encryptZero(key);
}

/** The sums of one cell; measures that read the same column share its sum. */
class Cell {
  readonly #evaluation: Evaluation;
  readonly #files: DatasetFiles;
  readonly #sums = new Map<string, Cipher>();

  constructor(evaluation: Evaluation, files: DatasetFiles) {
    this.#evaluation = evaluation;
    this.#files = files;
  }

  /** Σ weight·Π factors over the blocks of a measure. */
  async sumOf({ terms, ranges }: CellMeasure): Promise<Cipher> {
    const summed: Term[] = [];
    for (const { weight, factors } of terms)
      summed.push({ weight: BigInt(weight), sum: await this.#sum(factors, ranges) });
    return this.#evaluation.linearCombination(summed);
  }

  async #sum(factors: readonly string[], ranges: CellMeasure['ranges']): Promise<Cipher> {
    const name = JSON.stringify([factors, ranges]);
    const known = this.#sums.get(name);
    if (known !== undefined) return known;
    const sum = await this.#added(factors, ranges);
    this.#sums.set(name, sum);
    return sum;
  }

  async #added([first, second]: readonly string[], ranges: CellMeasure['ranges']): Promise<Cipher> {
    const sum = this.#evaluation.startSum();
    const products = second === undefined ? null : this.#evaluation.startProducts();
    for (const { from, to } of ranges)
      for (let at = from; at < to; at += 1) {
        const left = await this.#files.block(first!, at);
        if (products === null) sum.add(left);
        else products.add(left, second === first ? left : await this.#files.block(second!, at));
      }
    return products === null ? sum.finish() : products.finish();
  }
}

for (let frame = readFrame(); frame !== null; frame = readFrame()) writeFrame(frameOf(await answer(frame)));
