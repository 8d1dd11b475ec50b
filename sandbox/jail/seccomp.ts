/**
 * The seccomp filter of the jail, assembled here as classic BPF so that no compiler or library is needed.
 *
 * Guarantee: in a process under this filter the calls of syscalls.ts, a new process, a new namespace and input
 * pushed into a terminal fail with EPERM; clone3 and calls newer than the table fail with ENOSYS (the C
 * library then falls back to clone, whose flags the filter can read); a call made under another architecture
 * or the x32 ABI ends the process.
 * Not covered: bugs in the calls that remain, which is why it is one layer of several.
 *
 * Format: seccomp(2), BPF as in the kernel's Documentation/networking/filter.rst, `struct seccomp_data`.
 */
import { DENIED_SYSCALLS, FIRST_UNKNOWN_SYSCALL } from './syscalls.ts';

export type FilterArchitecture = 'x64' | 'arm64';

/** One `struct sock_filter`: operation, jump offsets when true and when false, operand. */
export interface Instruction {
  readonly code: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly operand: number;
}

export const BPF_LOAD_WORD = 0x20;
export const BPF_JUMP_EQUAL = 0x15;
export const BPF_JUMP_AT_LEAST = 0x35;
export const BPF_JUMP_ANY_BIT = 0x45;
export const BPF_RETURN = 0x06;

/** Byte offsets in `struct seccomp_data`; the low word of an argument comes first on both architectures. */
const OFFSET_NUMBER = 0;
const OFFSET_ARCHITECTURE = 4;
const OFFSET_FIRST_ARGUMENT = 16;
const OFFSET_SECOND_ARGUMENT = 24;

export const RETURN_ALLOW = 0x7fff0000;
export const RETURN_KILL_PROCESS = 0x80000000;
const RETURN_ERROR = 0x00050000;
export const RETURN_EPERM = RETURN_ERROR | 1;
export const RETURN_ENOSYS = RETURN_ERROR | 38;

const CLONE_THREAD = 0x00010000;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (clone has no NEWTIME: that bit is its signal). */
const CLONE_NAMESPACES = 0x7e020000;

/** TIOCSTI pushes input into a terminal, TIOCLINUX pastes a selection (CVE-2017-5226 is the classic use). */
const DENIED_IOCTLS = [0x5412, 0x541c];

const ARCHITECTURES = {
  x64: { audit: 0xc000003e, clone: 56, clone3: 435, ioctl: 16 },
  arm64: { audit: 0xc00000b7, clone: 220, clone3: 435, ioctl: 29 },
} as const;

/** x86_64 only: numbers with this bit belong to the x32 ABI and would slip past a filter by number. */
const X32_BIT = 0x40000000;

/** The filter as instructions. */
export function assembleFilter(architecture: FilterArchitecture): readonly Instruction[] {
  const numbers = ARCHITECTURES[architecture];
  const program: Instruction[] = [
    load(OFFSET_ARCHITECTURE),
    jump(BPF_JUMP_EQUAL, numbers.audit, 1, 0),
    give(RETURN_KILL_PROCESS),
    load(OFFSET_NUMBER),
  ];
  if (architecture === 'x64') program.push(...giveWhen(BPF_JUMP_AT_LEAST, X32_BIT, RETURN_KILL_PROCESS));
  program.push(...giveWhen(BPF_JUMP_EQUAL, numbers.clone3, RETURN_ENOSYS));
  program.push(...giveWhen(BPF_JUMP_AT_LEAST, FIRST_UNKNOWN_SYSCALL, RETURN_ENOSYS));
  for (const denied of DENIED_SYSCALLS) {
    const number = denied[architecture];
    if (number !== null) program.push(...giveWhen(BPF_JUMP_EQUAL, number, RETURN_EPERM));
  }
  program.push(...cloneRule(numbers.clone), ...ioctlRule(numbers.ioctl), give(RETURN_ALLOW));
  return program;
}

/** The filter as the bytes that bubblewrap's `--seccomp` reads: 8 per instruction, little endian. */
export function seccompFilter(architecture: FilterArchitecture): Buffer {
  const program = assembleFilter(architecture);
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, instruction] of program.entries()) {
    bytes.writeUInt16LE(instruction.code, index * 8);
    bytes.writeUInt8(instruction.whenTrue, index * 8 + 2);
    bytes.writeUInt8(instruction.whenFalse, index * 8 + 3);
    bytes.writeUInt32LE(instruction.operand, index * 8 + 4);
  }
  return bytes;
}

/** The architecture of this machine if the filter knows it. */
export function findArchitecture(): FilterArchitecture | null {
  return process.arch === 'x64' || process.arch === 'arm64' ? process.arch : null;
}

/** clone may make a thread and nothing else. Ends every path with a return, or skips the whole rule. */
function cloneRule(clone: number): readonly Instruction[] {
  return [
    jump(BPF_JUMP_EQUAL, clone, 0, 5),
    load(OFFSET_FIRST_ARGUMENT),
    jump(BPF_JUMP_ANY_BIT, CLONE_NAMESPACES, 1, 0),
    jump(BPF_JUMP_ANY_BIT, CLONE_THREAD, 1, 0),
    give(RETURN_EPERM),
    give(RETURN_ALLOW),
  ];
}

function ioctlRule(ioctl: number): readonly Instruction[] {
  const denials = DENIED_IOCTLS.flatMap((request) => giveWhen(BPF_JUMP_EQUAL, request, RETURN_EPERM));
  return [jump(BPF_JUMP_EQUAL, ioctl, 0, denials.length + 1), load(OFFSET_SECOND_ARGUMENT), ...denials];
}

function giveWhen(test: number, operand: number, result: number): readonly Instruction[] {
  return [jump(test, operand, 0, 1), give(result)];
}

function load(offset: number): Instruction {
  return { code: BPF_LOAD_WORD, whenTrue: 0, whenFalse: 0, operand: offset };
}

function jump(code: number, operand: number, whenTrue: number, whenFalse: number): Instruction {
  return { code, whenTrue, whenFalse, operand };
}

function give(result: number): Instruction {
  return { code: BPF_RETURN, whenTrue: 0, whenFalse: 0, operand: result };
}
