/**
 * A jailed process as the kernel describes it from outside: namespaces, filter, capabilities, user.
 *
 * The probe inside can only try things; a second lock behind the first is invisible to it. From outside each layer is seen by
 * itself, so a missing network namespace shows although seccomp alone already stops every socket.
 */
import { readFileSync, readlinkSync } from 'node:fs';

const NAMESPACES = ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'] as const;

export type Namespace = (typeof NAMESPACES)[number];

export interface ProcessInspection {
  /** Namespaces that the process shares with us. */
  readonly shared: readonly Namespace[];
  /** A seccomp filter is in force (mode 2 of proc(5)). */
  readonly filtered: boolean;
  readonly noNewPrivileges: boolean;
  /** Effective, permitted, inheritable, bounding and ambient capabilities are all empty. */
  readonly powerless: boolean;
}

/** What /proc says about a process, or null where it cannot be read: then nothing about it is known. */
export function inspectProcess(processId: number): ProcessInspection | null {
  try {
    const status = readFileSync(`/proc/${processId}/status`, 'utf8');
    const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
    return {
      shared: NAMESPACES.filter((name) => namespaceOf(processId, name) === namespaceOf('self', name)),
      filtered: field('Seccomp') === '2',
      noNewPrivileges: field('NoNewPrivs') === '1',
      powerless: ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].every((name) => /^0+$/.test(field(name))),
    };
  } catch {
    return null;
  }
}

function namespaceOf(processId: number | 'self', name: Namespace): string {
  return readlinkSync(`/proc/${processId}/ns/${name}`);
}
