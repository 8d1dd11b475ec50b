/** The text of SES, for isolates to evaluate: the library's own distribution for scripts, from the installed package. */
import { readFileSync } from 'node:fs';

/** Read as it is installed; nothing of it runs outside an isolate. */
export function sesText(): string {
  return readFileSync(new URL('./dist/ses.umd.min.js', import.meta.resolve('ses')), 'utf8');
}
