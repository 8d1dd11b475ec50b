/**
 * The system calls that nothing in the jail may make, with their numbers on the two supported architectures.
 *
 * Source: Linux UAPI headers, `asm/unistd_64.h` (x86_64) and `asm-generic/unistd.h` (aarch64). A null means that
 * the architecture has no such call. From 424 on both tables are the same.
 * Not covered: arguments. What depends on an argument (clone, ioctl) is in seccomp.ts.
 */

export interface DeniedSyscall {
  readonly name: string;
  readonly x64: number | null;
  readonly arm64: number | null;
}

/** Calls numbered from here on are newer than this table: they answer ENOSYS, as on an older kernel. */
export const FIRST_UNKNOWN_SYSCALL = 451;

export const DENIED_SYSCALLS: readonly DeniedSyscall[] = [
  /* Another process: tracing it, reading its memory, taking its descriptors. */
  { name: 'ptrace', x64: 101, arm64: 117 },
  { name: 'process_vm_readv', x64: 310, arm64: 270 },
  { name: 'process_vm_writev', x64: 311, arm64: 271 },
  { name: 'process_madvise', x64: 440, arm64: 440 },
  { name: 'kcmp', x64: 312, arm64: 272 },
  { name: 'pidfd_open', x64: 434, arm64: 434 },
  { name: 'pidfd_getfd', x64: 438, arm64: 438 },
  { name: 'pidfd_send_signal', x64: 424, arm64: 424 },
  /* A process of its own. Threads are clone with CLONE_THREAD, which the filter lets through; execve cannot be
   * listed, because the launcher itself needs it once, but without fork it only replaces the caller. */
  { name: 'fork', x64: 57, arm64: null },
  { name: 'vfork', x64: 58, arm64: null },
  { name: 'execveat', x64: 322, arm64: 281 },
  /* Any socket, and passing descriptors over the one pipe each way that is a socket pair underneath. */
  { name: 'socket', x64: 41, arm64: 198 },
  { name: 'socketpair', x64: 53, arm64: 199 },
  { name: 'bind', x64: 49, arm64: 200 },
  { name: 'connect', x64: 42, arm64: 203 },
  { name: 'listen', x64: 50, arm64: 201 },
  { name: 'accept', x64: 43, arm64: 202 },
  { name: 'accept4', x64: 288, arm64: 242 },
  { name: 'sendto', x64: 44, arm64: 206 },
  { name: 'sendmsg', x64: 46, arm64: 211 },
  { name: 'sendmmsg', x64: 307, arm64: 269 },
  { name: 'recvmsg', x64: 47, arm64: 212 },
  { name: 'recvmmsg', x64: 299, arm64: 243 },
  /* Kernel interfaces with a long record of privilege escalations and no use in a query. */
  { name: 'bpf', x64: 321, arm64: 280 },
  { name: 'perf_event_open', x64: 298, arm64: 241 },
  { name: 'io_uring_setup', x64: 425, arm64: 425 },
  { name: 'io_uring_enter', x64: 426, arm64: 426 },
  { name: 'io_uring_register', x64: 427, arm64: 427 },
  { name: 'userfaultfd', x64: 323, arm64: 282 },
  { name: 'keyctl', x64: 250, arm64: 219 },
  { name: 'add_key', x64: 248, arm64: 217 },
  { name: 'request_key', x64: 249, arm64: 218 },
  /* Memory that is executable as a file without ever being on a file system. */
  { name: 'memfd_create', x64: 319, arm64: 279 },
  { name: 'memfd_secret', x64: 447, arm64: 447 },
  /* Namespaces and mounts. */
  { name: 'unshare', x64: 272, arm64: 97 },
  { name: 'setns', x64: 308, arm64: 268 },
  { name: 'mount', x64: 165, arm64: 40 },
  { name: 'umount2', x64: 166, arm64: 39 },
  { name: 'pivot_root', x64: 155, arm64: 41 },
  { name: 'chroot', x64: 161, arm64: 51 },
  { name: 'move_mount', x64: 429, arm64: 429 },
  { name: 'open_tree', x64: 428, arm64: 428 },
  { name: 'fsopen', x64: 430, arm64: 430 },
  { name: 'fsconfig', x64: 431, arm64: 431 },
  { name: 'fsmount', x64: 432, arm64: 432 },
  { name: 'fspick', x64: 433, arm64: 433 },
  { name: 'mount_setattr', x64: 442, arm64: 442 },
  { name: 'name_to_handle_at', x64: 303, arm64: 264 },
  { name: 'open_by_handle_at', x64: 304, arm64: 265 },
  { name: 'fanotify_init', x64: 300, arm64: 262 },
  { name: 'mknod', x64: 133, arm64: null },
  { name: 'mknodat', x64: 259, arm64: 33 },
  /* The machine: modules, kernels, clocks, names, swap, quotas, ports, segments. */
  { name: 'init_module', x64: 175, arm64: 105 },
  { name: 'finit_module', x64: 313, arm64: 273 },
  { name: 'delete_module', x64: 176, arm64: 106 },
  { name: 'kexec_load', x64: 246, arm64: 104 },
  { name: 'kexec_file_load', x64: 320, arm64: 294 },
  { name: 'reboot', x64: 169, arm64: 142 },
  { name: 'swapon', x64: 167, arm64: 224 },
  { name: 'swapoff', x64: 168, arm64: 225 },
  { name: 'acct', x64: 163, arm64: 89 },
  { name: 'quotactl', x64: 179, arm64: 60 },
  { name: 'quotactl_fd', x64: 443, arm64: 443 },
  { name: 'syslog', x64: 103, arm64: 116 },
  { name: 'settimeofday', x64: 164, arm64: 170 },
  { name: 'clock_settime', x64: 227, arm64: 112 },
  { name: 'clock_adjtime', x64: 305, arm64: 266 },
  { name: 'adjtimex', x64: 159, arm64: 171 },
  { name: 'sethostname', x64: 170, arm64: 161 },
  { name: 'setdomainname', x64: 171, arm64: 162 },
  { name: 'personality', x64: 135, arm64: 92 },
  { name: 'vhangup', x64: 153, arm64: 58 },
  { name: 'lookup_dcookie', x64: 212, arm64: 18 },
  { name: 'nfsservctl', x64: 180, arm64: 42 },
  { name: 'iopl', x64: 172, arm64: null },
  { name: 'ioperm', x64: 173, arm64: null },
  { name: 'modify_ldt', x64: 154, arm64: null },
  { name: 'uselib', x64: 134, arm64: null },
  { name: 'ustat', x64: 136, arm64: null },
  { name: 'sysfs', x64: 139, arm64: null },
];
