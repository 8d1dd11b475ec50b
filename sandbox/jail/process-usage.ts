/**
 * What a process has used so far, as the kernel of this machine counts it: for the operator, never rated.
 *
 * Not covered: machines without Linux’s /proc, and a process that is gone; both give null.
 */
import { readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** Processor time in user and kernel mode, all threads, in milliseconds. */
  readonly cpuMs: number;
  /** The most that was resident at one time, in KiB. */
  readonly memoryMaxKiB: number;
}

/** proc(5): times are in clock ticks of USER_HZ, which is 100 for every program on Linux. */
const MS_PER_TICK = 10;
/** Fields after the name, which is in parentheses and may hold anything: state is the third field, utime the 14th. */
const UTIME = 11;
const STIME = 12;

/** Reads it by process id. */
export function readProcessUsage(processId: number): ProcessUsage | null {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const status = readFileSync(`/proc/${processId}/status`, 'utf8');
    const memory = Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1]);
    const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
    return Number.isNaN(ticks + memory) ? null : { cpuMs: ticks * MS_PER_TICK, memoryMaxKiB: memory };
  } catch {
    return null;
  }
}
