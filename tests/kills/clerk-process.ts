/**
 * The clerk of the kill tests: a process of its own that closes a month, as the gateway does when somebody asks for it.
 *
 * Arguments: the database's address, and the month as JSON.
 */
import { openDatabase } from '#gateway/storage/database.ts';
import { closeMonth } from '#gateway/storage/statements.ts';
import { tell, tellStart } from './lines.ts';
import { closingOf, type Month } from './orders.ts';

const [url = '', described = ''] = process.argv.slice(2);
const db = await openDatabase({ url, connectionsMax: 1 });
tellStart();
const closed = await closeMonth(db, closingOf(JSON.parse(described) as Month));
tell('statement' in closed ? { closed: closed.statement.digest } : { fault: closed.kind });
await db.close();
