/**
 * What a custodian lets out of a key: limits of its own, whoever signed the order and whatever the platform's ledger says.
 *
 * Costs are counted as nano-ρ (zCDP), those of a pure ledger by ε·tanh(ε/2), rounded up; limits are rounded down.
 * Guarantee: what is reserved under a key together is (ε, δ)-differentially private per unit for the key's limit.
 */
import { OrderError, type OrderPlan } from '#crypto/he/order.ts';
import { capacityNanoRho, costNanoRho, nanoUp, NANO, pureRho } from '#sandbox/release/privacy-loss.ts';
import { numberOf, rational } from '#sandbox/release/rational.ts';
import type { Reservation } from './journal.ts';

/** An amount of privacy loss. */
export interface Loss {
  readonly epsilon: number;
  readonly delta: number;
}

export interface Limits {
  readonly perOrder: Loss & { /** Integers that one order may ask for. */ readonly outputs: number };
  readonly perKey: Loss & {
    readonly orders: number;
    /** Integers that may leave under a key, of all orders. */
    readonly releases: number;
  };
}

/** What was reserved under a key. */
export interface KeyUse {
  readonly orders: number;
  readonly values: number;
  readonly rhoNano: bigint;
}

export const UNUSED: KeyUse = { orders: 0, values: 0, rhoNano: 0n };

/** A relative margin far above the rounding of a few double operations. */
const MARGIN = 2 ** -40;

/** The use of a key after one more order. OrderError LIMIT_ORDER, LIMIT_KEY. */
export function useAfter(
  use: KeyUse,
  { cost }: Pick<OrderPlan, 'cost'>,
  values: number,
  { perOrder, perKey }: Limits,
): KeyUse {
  const nano = BigInt(cost.nano);
  const most = cost.unit === 'rho' ? costNanoRho(perOrder.epsilon, perOrder.delta) : nanoUp(perOrder.epsilon);
  if (nano > most || values > perOrder.outputs) throw new OrderError('LIMIT_ORDER');
  const after = {
    orders: use.orders + 1,
    values: use.values + values,
    rhoNano: use.rhoNano + rhoNanoOf(cost.unit, nano),
  };
  const fits =
    after.orders <= perKey.orders &&
    after.values <= perKey.releases &&
    after.rhoNano <= capacityNanoRho(perKey.epsilon, perKey.delta);
  if (!fits) throw new OrderError('LIMIT_KEY');
  return after;
}

/** The use of a key once a reservation that was recorded is counted. */
export function useWith(use: KeyUse, { values, rhoNano }: Pick<Reservation, 'values' | 'rhoNano'>): KeyUse {
  return { orders: use.orders + 1, values: use.values + values, rhoNano: use.rhoNano + BigInt(rhoNano) };
}

function rhoNanoOf(unit: OrderPlan['cost']['unit'], nano: bigint): bigint {
  if (unit === 'rho') return nano;
  const rho = pureRho(numberOf(rational(nano, NANO)));
  return BigInt(Math.ceil(rho * 1e9 * (1 + MARGIN)));
}
