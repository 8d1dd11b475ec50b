import { openEngine } from '#tests/support/engines.ts';
import { comeToAnEnd, faultsAfter } from './aftermath.ts';
import { Killing } from './killing.ts';
import { bundlePrograms } from './programs.ts';
import { setStage } from './stage.ts';
const [kills = '40', variant] = process.argv.slice(2);
const programs = await bundlePrograms();
const { db, url, close } = await openEngine('postgres');
const stage = await setStage(db);
const plan = {
  kills: Number(kills),
  gateways: 2,
  runners: 2,
  clients: 10,
  ...(variant === 'dual' && { variant: 'dual' as const }),
};
const c0 = process.cpuUsage();
const t = performance.now();
const told = await new Killing({ url: url!, programs, stage }, plan).run();
console.log(
  'killed',
  performance.now() - t,
  told.kills,
  told.jobs.size,
  told.released.size,
  told.failed.size,
  told.accepted.size,
);
console.log(process.cpuUsage(c0));
await comeToAnEnd(db, plan.runners);
console.log('ended', performance.now() - t);
console.log(await faultsAfter(db, stage, told), performance.now() - t);
await close();
programs.remove();
