/** A process that launches the probe in the jail, says its process id, and waits to be killed. */
import { once } from 'node:events';
import { findJailCommand } from '#sandbox/jail/bubblewrap.ts';
import { type LaunchedProcess, launchJailed } from '#sandbox/jail/launch.ts';
import { findWeaknesses } from '#sandbox/jail/self-test.ts';

const launches: LaunchedProcess[] = [];
await findWeaknesses((program) => {
  launches.push(launchJailed(findJailCommand({ ...program, inputs: [], scratch: null })!, 'drop'));
  return null;
});
const [launched] = launches;
await once(launched!.stdout, 'data');
console.log(await launched!.programId);
await launched!.exited;
