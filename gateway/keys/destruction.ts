/**
 * The rules of the end of a key: who may do what next, from what was done so far. Nothing here reads or writes.
 *
 * Asked for by one person, agreed to by another, then a waiting period in which anybody of them may call it off and in
 * which a legal hold stops it; then the runner destroys the key and signs that it did.
 * Guarantee: the one who asked never agrees; where the data belong to an organisation, one of the two is of it; a hold
 * is not lifted by whoever asked for or agreed to the destruction.
 */
import { Refusal } from '#policies/refusal.ts';
import { say, type SentenceId } from '#policies/words.ts';
import type { KeyEvent } from '../storage/key-events.ts';

/** Somebody who acts. */
export interface Person {
  readonly account: string;
  readonly organisation: string;
}

/** How a key stands. */
export interface Standing {
  readonly state: 'kept' | 'requested' | 'waiting' | 'destroying' | 'destroyed';
  readonly requested: KeyEvent | null;
  readonly approved: KeyEvent | null;
  readonly held: KeyEvent | null;
  readonly destroyed: KeyEvent | null;
}

const KEPT: Standing = { state: 'kept', requested: null, approved: null, held: null, destroyed: null };

/** How a key stands after what was done about it. */
export function standingOf(events: readonly KeyEvent[]): Standing {
  return events.reduce<Standing>(after, KEPT);
}

function after(standing: Standing, event: KeyEvent): Standing {
  switch (event.kind) {
    case 'requested':
      return { ...standing, state: 'requested', requested: event };
    case 'approved':
      return { ...standing, state: 'waiting', approved: event };
    case 'cancelled':
      return { ...KEPT, held: standing.held };
    case 'held':
      return { ...standing, held: event };
    case 'lifted':
      return { ...standing, held: null };
    case 'destroying':
      return { ...standing, state: 'destroying' };
    case 'destroyed':
      return { ...standing, state: 'destroyed', destroyed: event };
  }
}

export type KeyAct = 'requested' | 'approved' | 'cancelled' | 'held' | 'lifted';

/** States in which an act is one. */
const FROM: Readonly<Record<KeyAct, readonly Standing['state'][]>> = {
  requested: ['kept'],
  approved: ['requested'],
  cancelled: ['requested', 'waiting'],
  held: ['kept', 'requested', 'waiting'],
  lifted: ['kept', 'requested', 'waiting'],
};

/** Why this person may not do this now; null when he may. `providers`: whose data are under the key. */
export function faultOfAct(
  standing: Standing,
  act: KeyAct,
  { by, providers }: { readonly by: Person; readonly providers: readonly string[] },
): SentenceId | null {
  if (!FROM[act].includes(standing.state)) return 'keys.notNow';
  const { requested, approved, held } = standing;
  if (act === 'held' && held !== null) return 'keys.notNow';
  if (act === 'lifted') {
    if (held === null) return 'keys.notNow';
    return [requested?.account, approved?.account].includes(by.account) ? 'keys.samePerson' : null;
  }
  if (act !== 'approved') return null;
  if (held !== null) return 'keys.onHold';
  if (requested?.account === by.account) return 'keys.samePerson';
  const sides = [requested?.organisation, by.organisation];
  return providers.every((provider) => sides.includes(provider)) ? null : 'keys.ownersSide';
}

/** Refusal PARAM where the person may not. */
export function checkAct(standing: Standing, act: KeyAct, who: Parameters<typeof faultOfAct>[2]): void {
  const fault = faultOfAct(standing, act, who);
  if (fault !== null) throw new Refusal('PARAM', say(fault));
}

/** Whether the runner may begin, or go on with, the destruction. */
export function isDue({ state, approved, held }: Standing, now: Date): boolean {
  if (state === 'destroying') return true;
  return state === 'waiting' && held === null && (approved?.dueAt?.getTime() ?? Infinity) <= now.getTime();
}
