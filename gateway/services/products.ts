/**
 * Calls of products: from a product's code and its parameters to the request that it stands for.
 *
 * Guarantee: what is run is the approved text of the wording in force with typed values in its places, under the ε that
 * the product states; a call cannot change either. A call says for which scene and purposes the product is.
 */
import { isPurpose, purposePath } from '#policies/purpose.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { fillTemplate, parseProduct, type Product, programParameters } from '../billing/product.ts';
import { documentsInForce } from '../storage/documents.ts';
import type { BuyerAsk, ProductCall, SentAsk } from './planning.ts';
import type { Shell } from './shell.ts';

/**
 * A request with what its product says; one that names none, as it is. Refusal PARAM for a product that is not in force,
 * is not called so, or is not for this purpose and scene.
 */
export async function callOf(shell: Shell, sent: SentAsk): Promise<BuyerAsk> {
  const { product: code, ...asked } = sent;
  if (code === null) {
    if (asked.frontEnd === 'product') throw new RangeError('a call names its product');
    return { ...asked, product: null };
  }
  const { product, revision } = await productInForce(shell, code);
  checkTerms(product, sent);
  const { scene, outputKind, epsilon, delta, dataset = null } = product;
  const fixed = { scene, outputKind, epsilon, delta };
  const call = { id: code, revision, dataset, parameters: {} };
  if (asked.frontEnd !== 'product') {
    if (dataset === null) throw refusal('product.ownQuestion', code);
    return { ...asked, ...fixed, product: call };
  }
  if (dataset !== null) throw refusal('product.noQuestion', code);
  return filled(product, { ...asked, ...fixed }, { ...call, parameters: asked.parameters });
}

async function productInForce(
  shell: Shell,
  code: string,
): Promise<{ readonly product: Product; readonly revision: number }> {
  const products = await documentsInForce(shell.db, 'Product', new Date(shell.now()));
  const found = products.find(({ id }) => id === code);
  if (found === undefined) throw refusal('product.notInForce', code.slice(0, 80));
  return { product: parseProduct(found.body), revision: found.revision };
}

type Called = Extract<SentAsk, { frontEnd: 'product' }>;

/** The question of a product with the parameters of a call in it. */
function filled(product: Product, asked: Omit<Called, 'product'>, call: ProductCall): BuyerAsk {
  const { parameters, ...terms } = asked;
  if (product.program === undefined)
    return { ...terms, frontEnd: 'sql', sql: fillTemplate(product, parameters), product: call };
  const params = programParameters(product, parameters);
  return { ...terms, frontEnd: 'program', program: product.program.digest, params, product: call };
}

/** What a product fixes is not for its caller to say; what it is for, is. */
function checkTerms({ id, scene, purposes }: Product, sent: SentAsk): void {
  const { epsilon, delta, maxError, atSize, purpose } = sent;
  if ([epsilon, delta, maxError, atSize].some((given) => given !== null)) throw refusal('product.fixed', id);
  if (sent.scene !== null && sent.scene !== scene)
    throw new Refusal('PARAM', say('product.scene', { product: id, scene }));
  const isCovered = isPurpose(purpose) && purposePath(purpose).some((above) => purposes.includes(above));
  if (!isCovered)
    throw new Refusal(
      'PURPOSE_NOT_GRANTED',
      say('product.purpose', { product: id, purposes: purposes.join(', ') }),
    );
}

function refusal(
  rule: 'product.notInForce' | 'product.ownQuestion' | 'product.noQuestion' | 'product.fixed',
  product: string,
): Refusal {
  return new Refusal('PARAM', say(rule, { product }));
}
