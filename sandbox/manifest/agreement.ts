/**
 * Load rules that need a dataset and a policy together.
 *
 * Guarantee: a budget without end and fresh noise for a repeated request, each of which gives the data away in
 * time, go only with data that were made up.
 * Not covered: threshold mode, which grade important excludes: no policy of this version can state it.
 */
import type { Dataset } from './dataset.ts';
import { faultOf } from './fault.ts';
import type { ReleasePolicy } from './policy.ts';

/** Refuses a policy that the dataset's origin does not allow; `file` names the policy in the message. CONFIG. */
export function checkTogether(
  dataset: Pick<Dataset, 'origin'>,
  policy: Pick<ReleasePolicy, 'budget' | 'repeats'>,
  file = 'policy.yaml',
): void {
  if (dataset.origin === 'synthetic') return;
  if (policy.budget === 'unlimited') {
    throw faultOf(file, ['budget'], 'manifest.syntheticOnly', { value: 'unlimited' });
  }
  if (policy.repeats === 'fresh') {
    throw faultOf(file, ['repeats'], 'manifest.syntheticOnly', { value: 'fresh' });
  }
}
