/** A process that was given descriptor 40 and runs the self-test of the jail. */
import { readFileSync } from 'node:fs';
import { findJailCommand } from '#sandbox/jail/bubblewrap.ts';
import { findWeaknesses } from '#sandbox/jail/self-test.ts';

const CLOSE_ON_EXEC = 0o2000000;
const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync('/proc/self/fdinfo/40', 'utf8'))?.[1] ?? '';
const inherited = (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
console.log(JSON.stringify({ inherited, weaknesses: await findWeaknesses(findJailCommand) }));
