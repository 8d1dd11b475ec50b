/**
 * Partials whose noise a key custodian added: what makes them fit for Release without any of our own.
 *
 * A custodian decrypts masked sums, adds the noise that the Plan demands, and signs what it returned. Here its
 * signature, the order that it answered and the noise that it names are compared with the Plan; then the masks are
 * taken off. Only what went through `attestedPartials` is known to Release (`isAttested`), so that sums without noise
 * have no way out, whatever they are called.
 * Not covered: a custodian that signs and adds nothing: it holds the key, and the provider chose it.
 */
import { type PublicJwk, thumbprintOf } from '#crypto/ed25519-key.ts';
import {
  type Attestation,
  type AttestedAnswer,
  openAttestation,
  openOrder,
  OrderError,
} from '#crypto/he/order.ts';
import { centred, profileOf } from '#crypto/he/profiles.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { cellsOf, type Partials, type Plan, type PlannedEncryption } from '../plan.ts';
import { noiseText } from './noise.ts';
import { noiseOfPlan } from './planned-noise.ts';
import { planDigestOf } from './statement.ts';

/** What whoever asked a custodian knows. */
export interface Asked {
  /** The order as it was sent, and whose key signed it. */
  readonly order: string;
  readonly orderKey: PublicJwk;
  /** For each output of the order, the sum of its mask modulo t. */
  readonly maskSums: readonly bigint[];
}

/** Noisy integers, with the noise that is in them. */
export interface AttestedPartials {
  readonly partials: Partials;
  readonly attestation: Attestation;
}

/** The Plans that partials were attested for. */
const attested = new WeakMap<Partials, string>();

/** Whether these very partials carry the noise of this Plan, by the signature of its custodian. */
export function isAttested(plan: Plan, partials: Partials): boolean {
  return attested.get(partials) === planDigestOf(plan);
}

/**
 * The partials in a custodian's answer. Fails CUSTODIAN_REFUSED: an answer that is not signed by the Plan's custodian,
 * for this order and Plan, over these values, with exactly the Plan's noise.
 */
export async function attestedPartials(
  plan: Plan & { readonly encrypted: PlannedEncryption },
  answer: AttestedAnswer,
  asked: Asked,
): Promise<AttestedPartials> {
  const custodian: PublicJwk = { kty: 'OKP', crv: 'Ed25519', x: plan.encrypted.custodian };
  const attestation = await verified(plan, answer, { ...asked, custodian });
  const profile = profileOf(plan.encrypted.profile);
  const { values } = answer;
  const cells = cellsOf(plan, {}) ?? 0;
  const isWhole =
    values.length === plan.measures.length * cells &&
    values.length === asked.maskSums.length &&
    values.every((value) => 0n <= value && value < profile.plainModulus);
  if (!isWhole || !isOfPlan(plan, attestation)) throw unattested();
  const unmasked = values.map((value, at) => centred(profile, value - asked.maskSums[at]!));
  const partials: Partials = {
    keys: null,
    vectors: plan.measures.map((_, index) => unmasked.slice(index * cells, (index + 1) * cells)),
  };
  attested.set(partials, planDigestOf(plan));
  return { partials, attestation };
}

async function verified(
  plan: Plan,
  answer: AttestedAnswer,
  { order: orderJws, orderKey, custodian }: Asked & { readonly custodian: PublicJwk },
): Promise<Attestation> {
  try {
    const audience = thumbprintOf(custodian);
    const { order } = await openOrder(orderJws, { keys: [orderKey], audience });
    if (order.planDigest !== planDigestOf(plan)) throw unattested();
    return await openAttestation(answer, { keys: [custodian], orderJws });
  } catch (error) {
    throw error instanceof OrderError ? unattested() : error;
  }
}

function isOfPlan(plan: Plan & { readonly encrypted: PlannedEncryption }, attestation: Attestation): boolean {
  const noise = noiseOfPlan(plan).map(noiseText);
  return (
    attestation.keyId === plan.encrypted.keyId &&
    attestation.manifestDigest === `sha256:${plan.encrypted.manifestDigest}` &&
    attestation.mechanism === plan.mechanism &&
    attestation.noise.length === noise.length &&
    attestation.noise.every((text, index) => text === noise[index])
  );
}

function unattested(): Failure {
  return new Failure('CUSTODIAN_REFUSED', say('encrypted.attestation'));
}
