/** The noise of a Plan: of each measured vector, from mechanism, cost and sensitivities alone, whoever adds it. */
import type { Plan } from '../plan.ts';
import { noiseOf, type NoiseSpec } from './noise.ts';
import { sensitivityOf } from './sensitivity.ts';

/** The noise of each measured vector of a Plan. */
export function noiseOfPlan(plan: Plan): readonly NoiseSpec[] {
  return plan.measures.map((measure) =>
    noiseOf(plan.mechanism, plan.cost, plan.measures.length, sensitivityOf(plan, measure)),
  );
}
