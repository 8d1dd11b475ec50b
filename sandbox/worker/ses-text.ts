/** The text of SES for an isolate: the library's own distribution for a script, which lies beside its main file. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export function sesText(): string {
  const main = createRequire(import.meta.url).resolve('ses');
  return readFileSync(join(dirname(main), 'ses.umd.min.js'), 'utf8');
}
