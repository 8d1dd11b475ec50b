/**
 * A program that runs jobs from request to release until it is killed, and says which releases were acknowledged.
 *
 * Arguments: the database's address, then how to find its scene as JSON. Writes one line per acknowledged step:
 * `opened <job>` and `released <job>`.
 */
import { writeSync } from 'node:fs';

import { openDatabase } from '#gateway/storage/database.ts';
import { commitRelease } from '#gateway/storage/release.ts';

import { ask, handIn, openNew, type Scene } from './world.ts';

const [url, described] = process.argv.slice(2);
if (url === undefined || described === undefined) throw new Error('usage: release-loop URL SCENE');
const scene = JSON.parse(described) as Scene;
const db = await openDatabase({ url, connectionsMax: 4 });

async function loop(): Promise<never> {
  for (;;) {
    const job = await openNew(db, ask(scene));
    // Synchronous, so that what was acknowledged before the kill has been said.
    writeSync(1, `opened ${job.id}\n`);
    await commitRelease(db, handIn(job));
    writeSync(1, `released ${job.id}\n`);
  }
}

await Promise.all([loop(), loop(), loop()]);
