/** The worker as a program for the jail: its modules, the two packages it needs, no input, no place to write, its limits. */
import { fileURLToPath } from 'node:url';
import { findPackage, FRAME_MODULES, type JailProgram, type NodePackage } from '../jail/program.ts';

/**
 * `strict`: no compiler of machine code, no WebAssembly. `fast`: with the compilers that are quick to answer, without the
 * slow one (TurboFan), which costs an isolate of 65,536 records more than it gives, and has most of V8's known holes.
 */
export type Engine = 'strict' | 'fast';

/** The entry first. */
const MODULES = [
  './worker-process',
  './canaries',
  './driver',
  './inspection',
  './isolate',
  './protocol',
  './realm',
  './records',
  './ses-text',
  './walk',
  './watched-run',
  ...FRAME_MODULES,
];

/**
 * The snapshot flag is what isolated-vm asks for from Node 20 on (its README). A regular expression that would
 * backtrack without end goes on in the engine that cannot. Hash tables of a snapshot keep their seed, which is new in
 * every process: hashing them again would take a sixth of the time that an isolate takes to open.
 */
const FLAGS = [
  '--no-node-snapshot',
  '--enable-experimental-regexp-engine-on-excessive-backtracks',
  '--no-rehash-snapshot',
];
const ENGINE_FLAGS: Readonly<Record<Engine, readonly string[]>> = {
  strict: ['--jitless'],
  fast: ['--max-opt=2'],
};

const MEBIBYTE = 2 ** 20;
/** A worker at its job has 1.3 GiB in `strict` and 4.4 in `fast`, code ranges and all (measured); the rest is for the program. */
const ADDRESS_SPACE_MIB: Readonly<Record<Engine, number>> = { strict: 3072, fast: 6144 };
/** The process's own objects: requests and answers, none of them larger than a frame. */
const HEAP_MIB = 256;
const OPEN_FILES = 64;
/** A backstop; the runner's clocks come first. */
const CPU_SECONDS = 4 * 60 * 60;

/** What a worker runs as. */
export function workerProgram(engine: Engine): JailProgram {
  return isolateProgram(MODULES, engine);
}

/** A program of modules of this folder, the entry first, that makes isolates. */
export function isolateProgram(modules: readonly string[], engine: Engine): JailProgram {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return {
    modules: modules.map((name) => fileURLToPath(new URL(`${name}.${extension}`, import.meta.url))),
    packages: isolatePackages(),
    inputs: [],
    scratch: null,
    args: [],
    nodeFlags: [...FLAGS, ...ENGINE_FLAGS[engine], `--max-old-space-size=${HEAP_MIB}`],
    limits: {
      addressSpaceBytes: ADDRESS_SPACE_MIB[engine] * MEBIBYTE,
      fileBytes: MEBIBYTE, // The launcher writes our modules under it; the worker has nowhere to write.
      openFiles: OPEN_FILES,
      cpuSeconds: CPU_SECONDS,
    },
  };
}

let packages: readonly NodePackage[] | null = null;

/** isolated-vm, the loader that it finds its binary with, and SES. */
function isolatePackages(): readonly NodePackage[] {
  if (packages !== null) return packages;
  const isolates = findPackage('isolated-vm', import.meta.url);
  const loader = findPackage('node-gyp-build', `${isolates.directory}/package.json`);
  packages = [isolates, loader, findPackage('ses', import.meta.url)];
  return packages;
}
