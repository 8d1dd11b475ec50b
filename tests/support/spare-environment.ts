/**
 * The environment of a process that a test starts with nothing of its own: where programs are, and where Node.js keeps
 * what it has compiled (vitest.config.ts), so that a process does not compile again what the one before has.
 */
export const SPARE_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '',
  ...(process.env['NODE_COMPILE_CACHE'] && { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
};
