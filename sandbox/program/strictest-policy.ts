/**
 * One policy for a run over several datasets: of every field what is strictest.
 *
 * Guarantee: what the one policy allows, each of them allows. Refuses MODE where they cannot be charged alike.
 */
import { sha256Hex } from '#crypto/canonical.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { ReleasePolicy } from '../manifest/policy.ts';
import { isPure } from '../planning.ts';

/** Absent in a policy: so many. */
export const MAX_ABORTS = 8;

export function strictestOf([first, ...others]: readonly ReleasePolicy[]): ReleasePolicy {
  if (first === undefined) throw new RangeError('a program reads a dataset');
  return others.reduce(stricter, first);
}

function stricter(a: ReleasePolicy, b: ReleasePolicy): ReleasePolicy {
  if (a.mechanism !== b.mechanism || isPure(a) !== isPure(b)) throw new Refusal('MODE', say('plan.policies'));
  const { engine: _engine, outputKinds: _kinds, ...rest } = a;
  const kinds = [a.outputKinds, b.outputKinds].filter((list) => list !== undefined);
  return {
    ...rest,
    budget: b.budget === 'unlimited' ? a.budget : b.budget,
    perJob: {
      epsilon: Math.min(a.perJob.epsilon, b.perJob.epsilon, a.perJob.max, b.perJob.max),
      max: Math.min(a.perJob.max, b.perJob.max),
      delta: Math.min(a.perJob.delta, b.perJob.delta),
      thresholdDelta: Math.min(a.perJob.thresholdDelta, b.perJob.thresholdDelta),
    },
    maxGroupsPerUnit: Math.min(a.maxGroupsPerUnit, b.maxGroupsPerUnit),
    maxRowsPerUnit: Math.min(a.maxRowsPerUnit, b.maxRowsPerUnit),
    minimumCohort: Math.max(a.minimumCohort, b.minimumCohort),
    keys: a.keys === 'listed' ? a.keys : b.keys,
    hideBelow: a.hideBelow === null ? b.hideBelow : Math.max(a.hideBelow, b.hideBelow ?? 0),
    maxCells: Math.min(a.maxCells, b.maxCells),
    quantileBins: Math.min(a.quantileBins, b.quantileBins),
    timing: stricterTiming(a.timing, b.timing),
    jail: a.jail === 'required' ? a.jail : b.jail,
    ...(a.engine === 'fast' && b.engine === 'fast' && { engine: 'fast' as const }),
    maxAborts: Math.min(a.maxAborts ?? MAX_ABORTS, b.maxAborts ?? MAX_ABORTS),
    prepare: a.prepare && b.prepare,
    repeats: a.repeats === 'stored' ? a.repeats : b.repeats,
    release: a.release === 'reviewed' ? a.release : b.release,
    ...(kinds.length > 0 && {
      outputKinds: kinds.reduce((left, right) => left.filter((kind) => right.includes(kind))),
    }),
    digest: sha256Hex(`${a.digest} ${b.digest}`),
  };
}

/** Planned times tell nothing, quanta little, exact ones most; what is not said means planned. */
function stricterTiming(a: ReleasePolicy['timing'], b: ReleasePolicy['timing']): ReleasePolicy['timing'] {
  const looseness = (timing: ReleasePolicy['timing']): number => {
    if (timing?.mode === 'exact') return Infinity;
    return timing?.mode === 'quantum' ? 1 / timing.quantumMs : timing === null ? -1 : -2;
  };
  return looseness(a) <= looseness(b) ? a : b;
}
