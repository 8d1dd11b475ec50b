/**
 * Starts a jailed program, or a plain one where there is no jail, with one pipe each way and nothing else.
 *
 * Guarantee: the child gets no environment and no descriptor but stdin, stdout, stderr and what the launcher itself
 * reads; a descriptor that some library opened here without close-on-exec is covered with /dev/null.
 * `kill` ends program and launcher with SIGKILL, and a jail ends with the process that started it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { FIRST_FEED, INFO_FD, type JailCommand } from './bubblewrap.ts';
import { type JailProgram, stageProgram } from './program.ts';

/** Where stderr goes: to nobody, or to a stream that only an operator may read. It may hold data values. */
export type StderrUse = 'drop' | 'keep';

export interface LaunchedProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable | null;
  /** The program's own process id as this machine sees it; null when it never started. */
  readonly programId: Promise<number | null>;
  /** Resolves when the process is gone, for whatever reason. */
  readonly exited: Promise<void>;
  kill(): void;
}

/** Starts the command of a jail. Never throws for a launcher that fails: the process is then just gone. */
export function launchJailed(command: JailCommand, stderr: StderrUse): LaunchedProcess {
  const extra = Array.from({ length: 1 + command.feeds.length }, () => 'pipe' as const);
  const child = spawn(command.file, command.args, {
    cwd: '/',
    env: {},
    detached: true,
    stdio: coverInherited(['pipe', 'pipe', stderr === 'keep' ? 'pipe' : 'ignore', ...extra]),
  });
  for (const [index, bytes] of command.feeds.entries()) {
    const pipe = child.stdio[FIRST_FEED + index] as Writable | null | undefined;
    pipe?.on('error', ignore).end(bytes);
  }
  const info = child.stdio[INFO_FD] as Readable | null | undefined;
  return launched(child, info ? readProgramId(info) : Promise.resolve(null));
}

/** Starts the program as an ordinary child: the only layers are the process and the empty environment. */
export function launchPlain(program: JailProgram, stderr: StderrUse): LaunchedProcess {
  const { directory, entry } = stageProgram(program);
  const child = spawn(process.execPath, [...program.nodeFlags, entry, ...program.args], {
    cwd: '/',
    env: {},
    detached: true,
    stdio: coverInherited(['pipe', 'pipe', stderr === 'keep' ? 'pipe' : 'ignore']),
  });
  const started = launched(child, Promise.resolve(child.pid ?? null));
  void started.exited.then(() => rmSync(directory, { recursive: true, force: true }));
  return started;
}

function launched(child: ChildProcess, programId: Promise<number | null>): LaunchedProcess {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null) throw new RangeError('a launched process has a pipe each way');
  stdin.on('error', ignore);
  stdout.on('error', ignore);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  let program: number | null = null;
  const learn = async (): Promise<void> => {
    program = await programId;
  };
  void learn();
  return { stdin, stdout, stderr, programId, exited, kill: () => kill(child, program) };
}

/**
 * The program first: bubblewrap then waits for it and ends. Killed the other way round, the program would be left for
 * whoever is process 1 to wait for, which in a container may be nobody.
 */
function kill(child: ChildProcess, program: number | null): void {
  if (program === null || program === child.pid || parentOf(program) !== child.pid) return killGroup(child);
  sendKill(program);
  setTimeout(() => killGroup(child), LAST_WAIT_MS).unref();
}

/** A process id means what it meant only as long as its parent is the one we know. */
function parentOf(processId: number): number | null {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1]);
  } catch {
    return null;
  }
}

/** The id is only used while the child has not been waited for, so it cannot belong to another process yet. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (!sendKill(-child.pid)) child.kill('SIGKILL');
}

function sendKill(processId: number): boolean {
  try {
    return process.kill(processId, 'SIGKILL');
  } catch {
    return false; // It ended by itself.
  }
}

/** bubblewrap writes one JSON object and closes the descriptor. */
async function readProgramId(info: Readable): Promise<number | null> {
  try {
    let text = '';
    for await (const piece of info) text += String(piece);
    const id: unknown = (JSON.parse(text) as Record<string, unknown>)['child-pid'];
    return typeof id === 'number' ? id : null;
  } catch {
    return null;
  }
}

/** What bubblewrap may take to notice that its program has ended. */
const LAST_WAIT_MS = 1000;

const CLOSE_ON_EXEC = 0o2000000;
/** More would mean that something here leaks descriptors without end. */
const HIGHEST_COVERED = 4095;

/**
 * Extends `stdio` so that inherited descriptors are replaced. Node passes on whatever lacks close-on-exec, and so
 * does bubblewrap.
 */
function coverInherited(stdio: readonly ('pipe' | 'ignore')[]): ('pipe' | 'ignore' | number)[] {
  const covered: ('pipe' | 'ignore' | number)[] = [...stdio];
  for (const descriptor of inheritedDescriptors()) {
    if (descriptor < stdio.length) continue;
    if (descriptor > HIGHEST_COVERED) throw new RangeError('too many inherited descriptors to start a jail');
    while (covered.length < descriptor) covered.push('ignore');
    covered[descriptor] = emptyDevice();
  }
  return covered;
}

/** Descriptors above stderr that a child would inherit, ascending. */
function inheritedDescriptors(): readonly number[] {
  if (process.platform !== 'linux') return [];
  const numbers = readdirSync('/proc/self/fd').map(Number);
  return numbers.filter((descriptor) => descriptor > 2 && isInherited(descriptor)).sort((a, b) => a - b);
}

function isInherited(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return false; // The descriptor that listed the directory is gone again.
  }
}

let device: number | null = null;

function emptyDevice(): number {
  device ??= openSync('/dev/null', 'r');
  return device;
}

function ignore(): void {}
