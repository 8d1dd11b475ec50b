/**
 * A machine for classic BPF programs over one system call: what the kernel would answer, in 40 lines.
 *
 * It knows the five operations that our filter uses and throws at any other, and at a jump out of the program.
 */
import {
  BPF_JUMP_ANY_BIT,
  BPF_JUMP_AT_LEAST,
  BPF_JUMP_EQUAL,
  BPF_LOAD_WORD,
  BPF_RETURN,
  type Instruction,
} from '#sandbox/jail/seccomp.ts';

export interface SystemCall {
  readonly number: number;
  /** AUDIT_ARCH_* of the caller. */
  readonly architecture: number;
  readonly args?: readonly number[];
}

/** The program's answer to a call, as an unsigned 32-bit number. */
export function runFilter(program: readonly Instruction[], call: SystemCall): number {
  const data = structOf(call);
  let accumulator = 0;
  for (let at = 0; ; at += 1) {
    const instruction = program[at];
    if (instruction === undefined) throw new RangeError('the program runs past its end');
    const { code, operand, whenTrue, whenFalse } = instruction;
    if (code === BPF_RETURN) return operand >>> 0;
    if (code === BPF_LOAD_WORD) accumulator = data.readUInt32LE(operand);
    else at += isTrue(code, accumulator, operand) ? whenTrue : whenFalse;
  }
}

/** `struct seccomp_data`: number, architecture, instruction pointer, six arguments of 64 bits. */
function structOf({ number, architecture, args = [] }: SystemCall): Buffer {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(architecture, 4);
  for (const [index, arg] of args.entries()) data.writeBigUInt64LE(BigInt(arg), 16 + 8 * index);
  return data;
}

function isTrue(code: number, accumulator: number, operand: number): boolean {
  if (code === BPF_JUMP_EQUAL) return accumulator === operand >>> 0;
  if (code === BPF_JUMP_AT_LEAST) return accumulator >= operand >>> 0;
  if (code === BPF_JUMP_ANY_BIT) return (accumulator & operand) !== 0;
  throw new RangeError('the program has an operation that no filter of ours uses');
}
