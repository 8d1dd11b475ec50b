/** The evaluator as a program for the jail: its modules, the library of homomorphic encryption, its files and its limits. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { JailMode } from '../jail/jail.ts';
import { findPackage, FRAME_MODULES, type JailProgram } from '../jail/program.ts';

/** The entry first. */
const MODULES = [
  './evaluator-process',
  './evaluator-protocol',
  '../../crypto/he/dataset-files',
  '../../crypto/he/evaluate',
  '../../crypto/he/he-error',
  '../../crypto/he/library',
  '../../crypto/he/profiles',
  '../../crypto/he/seal',
  '../../crypto/he/wire',
  ...FRAME_MODULES,
];

const INPUT = '/data';
const GIBIBYTE = 2 ** 30;
/** V8 reserves ten of these round the memory of a WebAssembly module, so that no index needs a check. */
const ADDRESS_SPACE_GIB = 32;
const HEAP_MIB = 512;
const OPEN_FILES = 1024;
/** A backstop; the runner's clocks come first. */
const CPU_SECONDS = 60 * 60;

/** What an evaluator over the files in `directory` runs as. */
export function evaluatorProgram(directory: string): JailProgram {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return {
    modules: MODULES.map((name) => fileURLToPath(new URL(`${name}.${extension}`, import.meta.url))),
    packages: [findPackage('node-seal', import.meta.url)],
    inputs: [{ from: realpathSync(directory), to: INPUT }],
    scratch: null,
    args: [],
    nodeFlags: [`--max-old-space-size=${HEAP_MIB}`],
    limits: {
      addressSpaceBytes: ADDRESS_SPACE_GIB * GIBIBYTE,
      fileBytes: 2 ** 20, // The launcher writes our modules under it; the evaluator has nowhere to write.
      openFiles: OPEN_FILES,
      cpuSeconds: CPU_SECONDS,
    },
  };
}

/** Where an evaluator finds its files. */
export function directoryFor(mode: JailMode, directory: string): string {
  return mode === 'bubblewrap' ? INPUT : realpathSync(directory);
}
