/** What a reader may see of runs is decided for each pair of parties, and remembered for no other. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callerOf } from '#gateway/auth/authenticate.ts';
import { type Reading, readingOf } from '#gateway/services/permission.ts';
import { findAccount } from '#gateway/storage/parties.ts';
import { makeWorld, type Person, type World } from '#tests/support/gateway-world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

async function readingAs(person: Person): Promise<Reading> {
  const account = await findAccount(world.db, person);
  return readingOf(world.shell, callerOf(account!).principal);
}

test.for([
  ['ben', { buyer: 'city-university' }, { buyer: 'rival-lab' }],
  ['petra', { providers: ['health-bureau'] }, { providers: ['another-bureau'] }],
] as const)(
  '%s reads what his organisation had part in, whatever was asked before',
  async ([person, own, foreign]) => {
    const parties = { buyer: 'somebody', providers: ['some-bureau'] };
    for (const order of [
      [own, foreign],
      [foreign, own],
    ]) {
      const reading = await readingAs(person);
      const seen = [...order, ...order].map((some) => reading.may('read_usage', { ...parties, ...some }));
      expect(seen).toEqual([...order, ...order].map((some) => some === own));
    }
  },
);
