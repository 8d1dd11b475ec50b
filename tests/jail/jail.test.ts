/** The self-test of the jail: it holds as it is, and each layer that is taken away is named. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type JailCommand, findJailCommand } from '#sandbox/jail/bubblewrap.ts';
import { checkJail, describeJail, PLAIN_JAIL, startConfined, testJail } from '#sandbox/jail/jail.ts';
import { launchJailed } from '#sandbox/jail/launch.ts';
import type { JailProgram } from '#sandbox/jail/program.ts';
import { findWeaknesses, JAIL_LAYERS, type JailLayer } from '#sandbox/jail/self-test.ts';
import { isJailMissing } from './jail-presence.ts';

/** Our command with one change, as a careless edit or another launcher would make it. */
function amended(change: (args: readonly string[]) => readonly string[]) {
  return (program: JailProgram): JailCommand | null => {
    const command = findJailCommand(program);
    return command === null ? null : { ...command, args: change(command.args) };
  };
}

/** Replaces `taken` (an option with its values) by `given`. */
function replace(taken: readonly string[], given: readonly string[]) {
  return amended((args) => {
    const at = args.indexOf(taken[0]!);
    if (at < 0) throw new RangeError(`the command has no ${taken[0]}`);
    return args.toSpliced(at, taken.length, ...given);
  });
}

async function weakLayers(
  commandFor: Parameters<typeof findWeaknesses>[0],
): Promise<readonly JailLayer[] | null> {
  const weaknesses = await findWeaknesses(commandFor);
  return weaknesses === null ? null : [...new Set(weaknesses.map(({ layer }) => layer))];
}

test.skipIf(isJailMissing)('the jail as it is has no weakness and every layer', async () => {
  expect(await findWeaknesses(findJailCommand)).toEqual([]);
  expect(await describeJail()).toEqual({ mode: 'bubblewrap', layers: [...JAIL_LAYERS], missing: [] });
});

const CONTROLS: readonly {
  readonly name: string;
  readonly commandFor: (program: JailProgram) => JailCommand | null;
  readonly weak: readonly JailLayer[];
}[] = [
  {
    name: 'a shared network, although the filter still stops every socket',
    commandFor: replace(['--unshare-all'], ['--unshare-all', '--share-net']),
    weak: ['namespaces', 'no-network'],
  },
  {
    name: 'a shared network without the filter',
    commandFor: amended((args) =>
      args
        .toSpliced(args.indexOf('--seccomp'), 2)
        .toSpliced(args.indexOf('--unshare-all') + 1, 0, '--share-net'),
    ),
    weak: ['namespaces', 'no-network', 'seccomp', 'process'],
  },
  {
    name: 'shared process ids',
    commandFor: amended((args) =>
      args
        .toSpliced(args.indexOf('--as-pid-1'), 1)
        .toSpliced(
          args.indexOf('--unshare-all'),
          1,
          '--unshare-net',
          '--unshare-ipc',
          '--unshare-uts',
          '--unshare-cgroup',
        ),
    ),
    weak: ['namespaces'],
  },
  {
    name: 'no filter, whose descriptor then stays open',
    commandFor: amended((args) => args.toSpliced(args.indexOf('--seccomp'), 2)),
    weak: ['seccomp', 'process'],
  },
  {
    name: '/etc in the root',
    commandFor: replace(['--remount-ro'], ['--ro-bind', '/etc', '/etc', '--remount-ro']),
    weak: ['read-only-root'],
  },
  {
    name: 'a writable root',
    commandFor: replace(['--remount-ro', '/'], []),
    weak: ['read-only-root'],
  },
  {
    name: 'process information in the root',
    commandFor: replace(['--remount-ro'], ['--proc', '/proc', '--remount-ro']),
    weak: ['read-only-root'],
  },
  {
    name: 'a writable input',
    commandFor: amended((args) => args.with(args.indexOf('/source/probe') - 2, '--bind')),
    weak: ['read-only-root'],
  },
  {
    name: 'a variable in the environment',
    commandFor: replace(['--clearenv'], ['--setenv', 'SECRET', 'x']),
    weak: ['empty-environment'],
  },
  {
    name: 'the user root',
    commandFor: replace(['--uid', '65534'], ['--uid', '0']),
    weak: ['unprivileged-user'],
  },
  {
    name: 'a capability',
    commandFor: replace(['--cap-drop', 'ALL'], ['--cap-add', 'CAP_NET_ADMIN']),
    weak: ['unprivileged-user'],
  },
  {
    name: 'no limits',
    commandFor: (program) => {
      const command = findJailCommand(program)!;
      const at = command.args.indexOf('--') + 1;
      return { ...command, file: command.args[at]!, args: command.args.slice(at + 1) };
    },
    weak: ['rlimits'],
  },
  {
    name: 'an inherited descriptor',
    commandFor: (program) => {
      const { file, args, feeds } = findJailCommand(program)!;
      return { file: '/bin/sh', args: ['-c', 'exec 9</etc/passwd; exec "$@"', 'sh', file, ...args], feeds };
    },
    weak: ['process'],
  },
];

test.skipIf(isJailMissing).for(CONTROLS)('the self-test sees $name', async ({ commandFor, weak }) => {
  const found = await weakLayers(commandFor);
  expect(found?.toSorted()).toEqual(weak.toSorted());
});

test('a launcher that is missing, fails or says nothing leaves a plain process', async () => {
  const fails = (): JailCommand => ({ file: '/bin/false', args: [], feeds: [] });
  const absent = (): JailCommand => ({ file: '/nowhere/bwrap', args: [], feeds: [] });
  for (const commandFor of [() => null, fails, absent]) {
    expect(await testJail(commandFor)).toEqual({
      mode: 'plain',
      layers: ['process', 'empty-environment'],
      missing: ['namespaces', 'no-network', 'read-only-root', 'seccomp', 'rlimits', 'unprivileged-user'],
    });
  }
});

test('a dataset that demands a jail is refused by the names of the missing layers; one that prefers it is not', () => {
  expect(() => checkJail('required', PLAIN_JAIL)).toThrow(
    expect.objectContaining({
      name: 'Refusal',
      code: 'JAIL',
      message: expect.stringContaining(
        'namespaces, no-network, read-only-root, seccomp, rlimits, unprivileged-user',
      ),
    }),
  );
  expect(() => checkJail('preferred', PLAIN_JAIL)).not.toThrow();
  expect(() =>
    checkJail('required', { mode: 'bubblewrap', layers: [...JAIL_LAYERS], missing: [] }),
  ).not.toThrow();
});

test('nothing is started for a refused demand', async () => {
  const started = startConfined({ modules: [] } as unknown as JailProgram, 'required', { jail: PLAIN_JAIL });
  await expect(started).rejects.toMatchObject({ code: 'JAIL' });
});

/** The probe as the self-test starts it, caught on the way, without the files that are gone by then. */
async function probeCommand(): Promise<JailCommand> {
  const commands: (JailCommand | null)[] = [];
  await findWeaknesses((program) => {
    commands.push(findJailCommand({ ...program, inputs: [], scratch: null }));
    return null;
  });
  return commands[0]!;
}

test.skipIf(isJailMissing)(
  'kill ends the program inside, and so does the end of the process that launched it',
  async () => {
    const launched = launchJailed(await probeCommand(), 'drop');
    await once(launched.stdout, 'data');
    const inside = (await launched.programId)!;
    expect(isRunning(inside)).toBe(true);
    launched.kill();
    await launched.exited;
    expect(existsSync(`/proc/${inside}`)).toBe(false); // Waited for by its launcher, not left as a zombie.

    const script = fileURLToPath(new URL('./abandoning-launcher.ts', import.meta.url));
    const launcher = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(launcher.stdout, 'data')) as [Buffer];
    const abandoned = Number(String(line));
    expect(isRunning(abandoned)).toBe(true);
    launcher.kill('SIGKILL');
    await expectGone(abandoned);
  },
);

async function expectGone(processId: number): Promise<void> {
  for (let tries = 0; tries < 100 && isRunning(processId); tries += 1) await sleep(20);
  expect(isRunning(processId)).toBe(false);
}

/** A zombie is a process that has ended and whose new parent has not looked yet. */
function isRunning(processId: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${processId}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test.skipIf(isJailMissing)('a descriptor that this process inherited does not reach the jail', () => {
  const script = fileURLToPath(new URL('./inheriting-launcher.ts', import.meta.url));
  const secret = openSync(script, 'r');
  // Node marks what it inherits below 16 as close-on-exec; a higher one stays inheritable after a gap.
  const gap = Array.from({ length: 37 }, () => 'ignore' as const);
  const { stdout } = spawnSync(process.execPath, [script], {
    stdio: ['ignore', 'pipe', 'inherit', ...gap, secret],
    encoding: 'utf8',
  });
  closeSync(secret);
  expect(JSON.parse(stdout)).toEqual({ inherited: true, weaknesses: [] });
});
