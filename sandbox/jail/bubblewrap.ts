/**
 * The bubblewrap command line of a jail, as data: what is shared with the machine, and what the program is fed.
 *
 * Guarantee: every namespace is new (no network but an empty loopback), all capabilities are dropped, the user is
 * 65534, the environment is empty, and the root holds only the program's files, read-only, besides `/scratch`.
 * There is no /proc, /sys, /dev, /etc, /tmp or home: neither Node nor DuckDB needs one (V8 asks the kernel
 * for its memory and processors by system call; both time zone tables are built in).
 * Not covered: the kernel itself, which jail and machine share.
 */
import { realpathSync } from 'node:fs';
import { findExecutable } from './executable.ts';
import {
  JAIL_NODE,
  JAIL_PACKAGES,
  JAIL_PROGRAM,
  JAIL_SCRATCH,
  type JailProgram,
  jailPathOf,
  plainModule,
} from './program.ts';
import { findArchitecture, seccompFilter } from './seccomp.ts';

/** The user and group inside, "nobody" on most systems. */
export const JAIL_USER = 65534;

/** A command, with the bytes that it reads from each extra descriptor. */
export interface JailCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Fed on descriptors FIRST_FEED, FIRST_FEED + 1, … in this order. */
  readonly feeds: readonly Buffer[];
}

/** Descriptor on which bubblewrap reports the process it made. */
export const INFO_FD = 3;
export const FIRST_FEED = 4;

/** The command that runs a program in the jail, or null where bubblewrap is not installed. */
export function findJailCommand(program: JailProgram): JailCommand | null {
  const bubblewrap = findExecutable('bwrap');
  if (bubblewrap === null) return null;
  const feeds: Buffer[] = [];
  const feed = (bytes: Buffer): string => String(FIRST_FEED + feeds.push(bytes) - 1);
  const args = [
    '--unshare-all',
    '--unshare-user',
    '--die-with-parent',
    '--new-session',
    '--as-pid-1',
    '--clearenv',
    '--cap-drop',
    'ALL',
    '--uid',
    String(JAIL_USER),
    '--gid',
    String(JAIL_USER),
    '--info-fd',
    String(INFO_FD),
    ...rootArguments(program, feed),
    ...seccompArguments(feed),
    '--chdir',
    '/app',
    '--',
    JAIL_NODE,
    ...program.nodeFlags,
    jailPathOf(firstModule(program)),
    ...program.args,
  ];
  return limited({ file: bubblewrap, args, feeds }, program);
}

/** Everything that is mounted, in order; the last word makes the root itself read-only. */
function rootArguments(program: JailProgram, feed: (bytes: Buffer) => string): readonly string[] {
  const args = ['--ro-bind', realpathSync(process.execPath), JAIL_NODE];
  for (const library of sharedLibraries()) args.push('--ro-bind', realpathSync(library), library);
  for (const { name, directory } of program.packages) {
    args.push('--ro-bind', directory, `${JAIL_PACKAGES}/${name}`);
  }
  for (const path of program.modules) {
    const { name, text } = plainModule(path);
    args.push('--ro-bind-data', feed(Buffer.from(text)), `${JAIL_PROGRAM}/${name}`);
  }
  for (const { from, to } of program.inputs) args.push('--ro-bind', from, to);
  return [...args, ...scratchArguments(program), '--remount-ro', '/'];
}

function scratchArguments({ scratch }: JailProgram): readonly string[] {
  if (scratch === null) return [];
  if (typeof scratch === 'string') return ['--bind', scratch, JAIL_SCRATCH];
  return ['--perms', '0700', '--size', String(scratch.maxBytes), '--tmpfs', JAIL_SCRATCH];
}

/** An architecture that the filter does not know goes without; the self-test then reports the layer as missing. */
function seccompArguments(feed: (bytes: Buffer) => string): readonly string[] {
  const architecture = findArchitecture();
  return architecture === null ? [] : ['--seccomp', feed(seccompFilter(architecture))];
}

/**
 * RLIMIT_CPU is only for programs that ask for it: a reader serves many queries (the caller's clock ends one). RLIMIT_NPROC
 * is left out because it counts the user's processes outside too; seccomp forbids processes, and address space bounds threads.
 */
function limited(command: JailCommand, { limits }: JailProgram): JailCommand {
  const prlimit = findExecutable('prlimit');
  if (prlimit === null) return command;
  const args = [
    `--as=${limits.addressSpaceBytes}`,
    `--fsize=${limits.fileBytes}`,
    `--nofile=${limits.openFiles}`,
    '--core=0',
    ...(limits.cpuSeconds === undefined ? [] : [`--cpu=${limits.cpuSeconds}`]),
    '--',
    command.file,
    ...command.args,
  ];
  return { file: prlimit, args, feeds: command.feeds };
}

let libraries: readonly string[] | null = null;

/**
 * The shared libraries that this Node runs on, by the names under which the loader looks for them. DuckDB's own library
 * needs a subset of them (libstdc++, libgcc, libm, libc) and lies beside its binding.
 */
function sharedLibraries(): readonly string[] {
  if (libraries !== null) return libraries;
  // Without network information: it would resolve the names of open connections.
  const reporter = process.report as typeof process.report & { excludeNetwork: boolean };
  const { excludeNetwork } = reporter;
  reporter.excludeNetwork = true;
  const report = reporter.getReport() as { sharedObjects?: readonly string[] };
  reporter.excludeNetwork = excludeNetwork;
  libraries = (report.sharedObjects ?? []).filter((path) => /^\/(usr\/)?lib.*\.so(\.\d+)*$/.test(path));
  return libraries;
}

function firstModule(program: JailProgram): string {
  const [entry] = program.modules;
  if (entry === undefined) throw new RangeError('a program needs a module to start');
  return entry;
}
