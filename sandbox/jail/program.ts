/**
 * What runs in a jail: the modules, packages and inputs of one program of ours, and where they are inside.
 *
 * The root of a jail holds these and the C library, nothing else, so a program names everything it needs.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Where things are inside. */
export const JAIL_NODE = '/app/node';
export const JAIL_PROGRAM = '/app/program';
export const JAIL_PACKAGES = '/app/node_modules';
export const JAIL_SCRATCH = '/scratch';

/** Modules of this folder that both ends of a pipe use, as addresses from a folder beside it. */
export const FRAME_MODULES = ['../jail/aligned', '../jail/frames', '../jail/frame-io'] as const;

/** A program of ours to run in a jail, or without one in a plain process. */
export interface JailProgram {
  /** Absolute paths of our own modules, the entry first. Inside they lie in one folder, so their names differ. */
  readonly modules: readonly string[];
  /** npm packages that the modules import, with the packages those need. */
  readonly packages: readonly NodePackage[];
  /** Files given read-only: `from` on this machine, `to` in the jail. */
  readonly inputs: readonly { readonly from: string; readonly to: string }[];
  /** A directory that the program may write to, owned by the caller. It is `/scratch` inside. */
  readonly scratch: string | ScratchMemory | null;
  /** Arguments of the program; public, since other users of the machine may list them. */
  readonly args: readonly string[];
  readonly nodeFlags: readonly string[];
  readonly limits: JailLimits;
}

/**
 * A `/scratch` that is memory of the jail (tmpfs), and gone with it. Only in a jail: a plain process has none.
 * The kernel may swap it: a machine for sealed data has no swap, or an encrypted one.
 */
export interface ScratchMemory {
  readonly maxBytes: number;
}

/** Resource limits, setrlimit(2). */
export interface JailLimits {
  /** Reservations count too: Node with DuckDB takes 1.9 GB of address space before it does anything. */
  readonly addressSpaceBytes: number;
  /** Largest single file. */
  readonly fileBytes: number;
  readonly openFiles: number;
  /** Of the whole process; absent where the caller's clock ends each request of many. */
  readonly cpuSeconds?: number;
}

export interface NodePackage {
  readonly name: string;
  readonly directory: string;
}

/**
 * The installed package `name` as `importer` (a path or file URL) sees it, also one that does not export its manifest.
 * Throws RangeError if it is not installed.
 */
export function findPackage(name: string, importer: string): NodePackage {
  const folders = createRequire(importer).resolve.paths(name) ?? [];
  const folder = folders.find((path) => existsSync(join(path, name, 'package.json')));
  if (folder === undefined) throw new RangeError(`the package ${name} is not installed`);
  return { name, directory: realpathSync(join(folder, name)) };
}

const plainText = new Map<string, string>();

/**
 * A module of ours as plain JavaScript for the jail, where its imports end in `.mjs`: no package.json is needed to
 * tell what it is, and no WebAssembly to read it (Node strips types with a WebAssembly module, 50 ms a start).
 */
export function plainModule(path: string): { readonly name: string; readonly text: string } {
  const name = basename(path).replace(/\.[tj]s$/, '.mjs');
  const known = plainText.get(path);
  if (known !== undefined) return { name, text: known };
  const source = readFileSync(path, 'utf8');
  const script = path.endsWith('.ts') ? stripQuietly(source) : source;
  const text = script.replace(/(from\s+')(?:\.{1,2}|#\w+)\/(?:[\w-]+\/)*([\w-]+)\.[tj]s'/g, "$1./$2.mjs'");
  plainText.set(path, text);
  return { name, text };
}

/**
 * Lays a program out as in a jail, in a new private directory, for where there is no jail: Node in `--jitless` cannot
 * strip types. Returns the directory, which the caller removes, and the path of the entry.
 */
export function stageProgram(program: JailProgram): { readonly directory: string; readonly entry: string } {
  const directory = mkdtempSync(join(tmpdir(), 'unseen-program-'));
  for (const { name, directory: installed } of program.packages) {
    const link = join(directory, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(installed, link);
  }
  const entries = program.modules.map((path) => {
    const { name, text } = plainModule(path);
    const staged = join(directory, name);
    writeFileSync(staged, text);
    return staged;
  });
  return { directory, entry: entries[0]! };
}

/** The path of a plain module inside the jail. */
export function jailPathOf(path: string): string {
  return join(JAIL_PROGRAM, plainModule(path).name);
}

/** Node says once per process that the function is experimental; on a command line that would be noise. */
function stripQuietly(source: string): string {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
