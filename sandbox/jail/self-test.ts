/**
 * The self-test of the jail: a probe inside tries the forbidden, the kernel is asked from outside, and each layer that
 * does not hold is named.
 *
 * Guarantee: a layer that is reported as held was observed to hold in a process started by the very command that
 * readers are started with. Whatever cannot be observed counts as missing.
 * Not covered: attacks on the kernel; a launcher that behaves for the probe and not for a reader (each reader is therefore
 * inspected from outside again when it starts).
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JAIL_USER, type JailCommand } from './bubblewrap.ts';
import { type ProcessInspection, inspectProcess } from './inspection.ts';
import { type LaunchedProcess, launchJailed } from './launch.ts';
import type { ProbeReport } from './probe-process.ts';
import type { JailProgram } from './program.ts';

/** Every layer a full jail has. A plain process has only `process` and `empty-environment`. */
export const JAIL_LAYERS = [
  'process',
  'namespaces',
  'no-network',
  'read-only-root',
  'seccomp',
  'rlimits',
  'unprivileged-user',
  'empty-environment',
] as const;

export type JailLayer = (typeof JAIL_LAYERS)[number];

/** One observation that a layer does not hold. `what` is for operators; it names no data. */
export interface Weakness {
  readonly layer: JailLayer;
  readonly what: string;
}

const PROBE_DEADLINE_MS = 10_000;
const PROBE_INPUT = '/source/probe';
/** What may stand in the root of a jail, whatever the distribution calls its library directories. */
const ROOT_ENTRIES = new Set(['app', 'lib', 'lib64', 'usr', 'scratch', 'source']);
const KINDLY_ENVIRONMENT = new Set(['PWD']); // bubblewrap sets it to the directory that it changed to

/**
 * Runs the probe by the command that `commandFor` makes. Answers the weaknesses found (none: the jail holds), or
 * null when the jail did not start at all.
 */
export async function findWeaknesses(
  commandFor: (program: JailProgram) => JailCommand | null,
): Promise<readonly Weakness[] | null> {
  const listener = createServer((socket) => socket.destroy());
  const directory = mkdtempSync(join(tmpdir(), 'unseen-probe-'));
  try {
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const command = commandFor(probeProgram(directory, portOf(listener)));
    return command === null ? null : await probe(command);
  } finally {
    listener.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * The probe as a program, with limits that any reader's are at least as large as. Its input is a file that this user
 * may write, so that only the jail can be what forbids it.
 */
function probeProgram(directory: string, port: number): JailProgram {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const [input, scratch] = [join(directory, 'input'), join(directory, 'scratch')];
  writeFileSync(input, '');
  mkdirSync(scratch);
  return {
    modules: [fileURLToPath(new URL(`./probe-process.${extension}`, import.meta.url))],
    packages: [],
    inputs: [{ from: input, to: PROBE_INPUT }],
    scratch,
    args: [String(port), PROBE_INPUT],
    nodeFlags: [],
    limits: { addressSpaceBytes: 4 * 2 ** 30, fileBytes: 2 ** 20, openFiles: 256 },
  };
}

async function probe(command: JailCommand): Promise<readonly Weakness[] | null> {
  const launched = launchJailed(command, 'drop');
  try {
    const line = await firstLine(launched);
    if (line === null) return null;
    const programId = await launched.programId;
    const inspection = programId === null ? null : inspectProcess(programId);
    return judge(JSON.parse(line) as ProbeReport, inspection);
  } finally {
    launched.kill();
    await launched.exited;
  }
}

/** Weaknesses that a probe's report and the view from outside show. */
function judge(report: ProbeReport, inspection: ProcessInspection | null): readonly Weakness[] {
  return [
    ...judgeFromOutside(inspection),
    ...when(report.connect === 'done', 'no-network', 'a connection to this machine was made'),
    ...when(report.spawn === 'done', 'seccomp', 'a process was started'),
    ...judgeFiles(report),
    ...when(
      report.environment.some((name) => !KINDLY_ENVIRONMENT.has(name)),
      'empty-environment',
      'the environment has variables',
    ),
    ...when(
      report.user !== JAIL_USER || report.group !== JAIL_USER || report.groups.some((id) => id !== JAIL_USER),
      'unprivileged-user',
      'the process has another user or group',
    ),
    ...when(report.descriptors.length > 0, 'process', 'descriptors were inherited'),
    ...judgeLimits(report),
  ];
}

function judgeFromOutside(seen: ProcessInspection | null): readonly Weakness[] {
  return [
    ...when(
      seen === null || seen.shared.length > 0,
      'namespaces',
      `shared: ${seen?.shared.join(', ') ?? 'unknown'}`,
    ),
    ...when(seen === null || seen.shared.includes('net'), 'no-network', 'the network namespace is shared'),
    ...when(seen?.filtered !== true, 'seccomp', 'no filter is in force'),
    ...when(seen?.noNewPrivileges !== true, 'unprivileged-user', 'privileges can be gained by execve'),
    ...when(seen?.powerless !== true, 'unprivileged-user', 'capabilities are left'),
  ];
}

function judgeFiles({ writes, reads, root }: ProbeReport): readonly Weakness[] {
  const written = Object.keys(writes).filter((path) => path !== '/scratch/probe' && writes[path] === 'done');
  const read = Object.keys(reads).filter((path) => reads[path] === 'done');
  const extra = root.filter((name) => !ROOT_ENTRIES.has(name));
  return [
    ...written.map((path): Weakness => ({ layer: 'read-only-root', what: `${path} was written` })),
    ...read.map((path): Weakness => ({ layer: 'read-only-root', what: `${path} was read` })),
    ...extra.map((name): Weakness => ({ layer: 'read-only-root', what: `/${name} is there` })),
    ...when(writes['/scratch/probe'] !== 'done', 'read-only-root', 'the scratch directory cannot be written'),
  ];
}

function judgeLimits({ limits }: ProbeReport): readonly Weakness[] {
  const unlimited = ['virtual_memory_bytes', 'file_size_blocks', 'open_files'].filter(
    (name) => typeof limits[name] !== 'number',
  );
  return [
    ...unlimited.map((name): Weakness => ({ layer: 'rlimits', what: `${name} is unlimited` })),
    ...when(limits['core_file_size_blocks'] !== 0, 'rlimits', 'a crash would write a core file'),
  ];
}

function when(isWeak: boolean, layer: JailLayer, what: string): readonly Weakness[] {
  return isWeak ? [{ layer, what }] : [];
}

/** The probe's line, or null when the process ended or the deadline passed without one. */
async function firstLine(launched: LaunchedProcess): Promise<string | null> {
  let text = '';
  const collected = (async (): Promise<string | null> => {
    for await (const piece of launched.stdout) {
      text += String(piece);
      const end = text.indexOf('\n');
      if (end >= 0) return text.slice(0, end);
    }
    return null;
  })();
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PROBE_DEADLINE_MS);
  });
  try {
    return await Promise.race([collected, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function portOf(listener: Server): number {
  return (listener.address() as AddressInfo).port;
}
