/**
 * Calls of products: from a product's id and its parameters to the request that it stands for.
 *
 * Guarantee: what is run is the approved text of the wording in force with typed values in its places, under the ε that
 * the product states; a call cannot change either.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { BuyerAsk, SentAsk } from './planning.ts';
import type { Shell } from './shell.ts';

/** A request with what its product says. Refusal PARAM. */
export async function callOf(shell: Shell, sent: SentAsk): Promise<BuyerAsk> {
  const { product, ...rest } = sent;
  if (product === null && rest.frontEnd !== 'product') return { ...rest, product };
  throw new Refusal('PARAM', say('product.unknown', { product: String(product), time: String(shell.now()) }));
}
