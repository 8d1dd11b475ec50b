/** The seccomp filter, run instruction by instruction on a machine of the test's own, and in bytes as the kernel reads it. */
import { expect, test } from 'vitest';
import {
  assembleFilter,
  type FilterArchitecture,
  RETURN_ALLOW,
  RETURN_ENOSYS,
  RETURN_EPERM,
  RETURN_KILL_PROCESS,
  seccompFilter,
} from '#sandbox/jail/seccomp.ts';
import { DENIED_SYSCALLS, FIRST_UNKNOWN_SYSCALL } from '#sandbox/jail/syscalls.ts';
import { runFilter } from './bpf-machine.ts';

/** Linux UAPI `linux/audit.h`, and numbers of `asm/unistd_64.h` and `asm-generic/unistd.h`. */
const MACHINES = {
  x64: {
    audit: 0xc000003e,
    clone: 56,
    ioctl: 16,
    read: 0,
    write: 1,
    mmap: 9,
    futex: 202,
    openat: 257,
    execve: 59,
  },
  arm64: {
    audit: 0xc00000b7,
    clone: 220,
    ioctl: 29,
    read: 63,
    write: 64,
    mmap: 222,
    futex: 98,
    openat: 56,
    execve: 221,
  },
} as const;

const architectures = Object.keys(MACHINES) as FilterArchitecture[];

/** What glibc passes for a thread: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID. */
const THREAD_FLAGS = 0x3d0f00;
const SIGCHLD = 17;
const CLONE_VFORK_VM = 0x4100;
const CLONE_NEWUSER = 0x10000000;
const CLONE_NEWNET = 0x40000000;

test.for(architectures)('%s: every listed call fails with EPERM and no other is listed twice', (name) => {
  const program = assembleFilter(name);
  const numbers = DENIED_SYSCALLS.map((call) => call[name]).filter((number) => number !== null);
  for (const number of numbers) {
    expect(runFilter(program, { number, architecture: MACHINES[name].audit })).toBe(RETURN_EPERM);
  }
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(numbers.length).toBeGreaterThan(60);
});

test.for(architectures)(
  '%s: a filter that forgot one call lets it through, so the check above can fail',
  (name) => {
    const socket = DENIED_SYSCALLS.find((call) => call.name === 'socket')![name]!;
    const program = assembleFilter(name);
    const at = program.findIndex(({ operand, whenFalse }) => operand === socket && whenFalse === 1);
    const forgetful = program.toSpliced(at, 2);
    expect(runFilter(forgetful, { number: socket, architecture: MACHINES[name].audit })).toBe(RETURN_ALLOW);
  },
);

test.for(architectures)('%s: what a query needs is allowed', (name) => {
  const program = assembleFilter(name);
  const { audit, clone, ioctl, read, write, mmap, futex, openat, execve } = MACHINES[name];
  for (const number of [read, write, mmap, futex, openat, execve]) {
    expect(runFilter(program, { number, architecture: audit })).toBe(RETURN_ALLOW);
  }
  expect(runFilter(program, { number: clone, architecture: audit, args: [THREAD_FLAGS] })).toBe(RETURN_ALLOW);
  expect(runFilter(program, { number: ioctl, architecture: audit, args: [1, 0x5401] })).toBe(RETURN_ALLOW);
});

test.for(architectures)('%s: clone makes threads and neither processes nor namespaces', (name) => {
  const program = assembleFilter(name);
  const { audit, clone } = MACHINES[name];
  const flags = [SIGCHLD, CLONE_VFORK_VM | SIGCHLD, 0, CLONE_NEWUSER | SIGCHLD, THREAD_FLAGS | CLONE_NEWNET];
  for (const flag of flags) {
    expect(runFilter(program, { number: clone, architecture: audit, args: [flag] })).toBe(RETURN_EPERM);
  }
});

test.for(architectures)('%s: clone3 and calls newer than the table do not exist', (name) => {
  const program = assembleFilter(name);
  for (const number of [435, FIRST_UNKNOWN_SYSCALL, FIRST_UNKNOWN_SYSCALL + 100]) {
    expect(runFilter(program, { number, architecture: MACHINES[name].audit })).toBe(RETURN_ENOSYS);
  }
});

test.for(architectures)('%s: input cannot be pushed into a terminal', (name) => {
  const program = assembleFilter(name);
  const { audit, ioctl } = MACHINES[name];
  for (const request of [0x5412, 0x541c]) {
    expect(runFilter(program, { number: ioctl, architecture: audit, args: [0, request] })).toBe(RETURN_EPERM);
  }
});

test('a call of another architecture or of the x32 ABI ends the process', () => {
  const i386 = 0x40000003;
  const program = assembleFilter('x64');
  expect(runFilter(program, { number: 3, architecture: i386 })).toBe(RETURN_KILL_PROCESS);
  expect(runFilter(program, { number: 0x40000029, architecture: MACHINES.x64.audit })).toBe(
    RETURN_KILL_PROCESS,
  );
  expect(runFilter(assembleFilter('arm64'), { number: 63, architecture: i386 })).toBe(RETURN_KILL_PROCESS);
});

test('the bytes are struct sock_filter, little endian, one after the other', () => {
  const bytes = seccompFilter('x64');
  const program = assembleFilter('x64');
  expect(bytes.length).toBe(8 * program.length);
  expect(bytes.subarray(0, 8).toString('hex')).toBe('2000000004000000'); // A = architecture
  expect(bytes.subarray(8, 16).toString('hex')).toBe('150001003e0000c0'); // equal to x86_64: skip one
  expect(bytes.subarray(-8).toString('hex')).toBe('060000000000ff7f'); // allow
});
