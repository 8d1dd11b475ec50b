/** A worker that is hostile: it can say bounded numbers or nothing, and the jail leaves it nothing to tell. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Failure } from '#policies/refusal.ts';
import { type JailReport, PLAIN_JAIL } from '#sandbox/jail/jail.ts';
import type { MapResult } from '#sandbox/worker/protocol.ts';
import { startWorker } from '#sandbox/worker/worker.ts';
import { workerProgram } from '#sandbox/worker/worker-program.ts';
import { isJailMissing } from '../jail/jail-presence.ts';
import { mapSetup, visits } from './worker-setup.ts';

const HOSTILE = fileURLToPath(new URL('./hostile-worker.mjs', import.meta.url));
const ROWS = 100;
const DEADLINE_MS = 500;

/** What it can do, by its own account: it prints the list where nobody jails it. */
const { attempts, sayings } = JSON.parse(
  execFileSync(process.execPath, [HOSTILE, 'names'], { encoding: 'utf8', input: '' }),
) as { readonly attempts: readonly string[]; readonly sayings: readonly string[] };

async function startHostile(
  behaviour: string,
  { port = 0, jail }: { port?: number; jail?: JailReport } = {},
) {
  const program = {
    ...workerProgram('fast'),
    modules: [HOSTILE],
    packages: [],
    args: [behaviour, String(port)],
  };
  const idle = await startWorker({ engine: 'fast', program, ...(jail === undefined ? {} : { jail }) });
  const setup = mapSetup('', { keys: [{ name: 'region', values: ['north', 'south'] }] });
  return idle.employ('preferred', setup);
}

/** Whatever it says, in the time that a call may take, and what a call after that says. */
async function ask(behaviour: string): Promise<readonly (MapResult | 'died')[]> {
  const worker = await startHostile(behaviour);
  const records = visits(...Array<number>(ROWS).fill(1));
  const start = performance.now();
  const answers = [
    await worker.map(records, ROWS, DEADLINE_MS),
    await worker.map(records, ROWS, DEADLINE_MS),
  ];
  expect(performance.now() - start).toBeLessThan(2 * DEADLINE_MS + 8000);
  expect(worker.isGone).toBe(answers[1] === 'died');
  worker.kill();
  return answers;
}

test('a worker that keeps to the protocol is believed what the protocol lets it say', async () => {
  const [answer] = await ask('honest');
  expect(answer).toEqual({ values: [new Float64Array(ROWS).fill(7)], codes: [new Int32Array(ROWS).fill(1)] });
});

const NONSENSE = sayings.filter((name) => name !== 'honest' && name !== 'two answers');

test.each([...NONSENSE, 'a flood'])(
  'a worker that says %s is killed, and nothing it said is heard',
  async (name) => {
    expect(await ask(name)).toEqual(['died', 'died']);
  },
);

test('of two answers to one question the first is taken, and the process killed for the second', async () => {
  const [, after] = await ask('two answers');
  expect(after).toBe('died');
});

test('a worker that speaks before it is asked is found out at the next question, or the one after', async () => {
  const outcome = await ask('an answer before the question').catch((error: Failure) => error.code);
  expect(['MACHINE_FAULT', ['died', 'died']]).toContainEqual(outcome);
});

/** The attempts that got what they wanted, by name. */
async function attemptsOf(jail?: JailReport): Promise<readonly string[]> {
  const listener = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const worker = await startHostile('attempts', jail === undefined ? { port } : { port, jail });
  try {
    const result = await worker.map(visits(...Array<number>(ROWS).fill(1)), ROWS, 20_000);
    if (result === 'died') throw new Error('the hostile worker died');
    return attempts.filter((_, at) => result.values[0]![at] !== 0);
  } finally {
    worker.kill();
    listener.close();
  }
}

test.skipIf(isJailMissing)('a hostile process in the jail gets nothing of what it tries', async () => {
  expect(await attemptsOf()).toEqual([]);
});

test('without a jail the same process gets most of it', async () => {
  const got = await attemptsOf(PLAIN_JAIL);
  expect(got).toEqual(
    expect.arrayContaining([
      'a connection',
      'a datagram',
      'a process',
      'a shell',
      'the users of the machine',
    ]),
  );
  expect(got).toEqual(
    expect.arrayContaining(['the list of processes', 'a file', 'a file beside the program', 'a link out']),
  );
});
