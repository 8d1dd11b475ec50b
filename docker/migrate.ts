/**
 * Brings the tables of DATABASE_URL up to date, as their owner, and ends: what runs before gateway and runner, whose own
 * logins may change no table.
 */
import { databaseUrlOfEnvironment } from '../gateway/config.ts';
import { openDatabase } from '../gateway/storage/database.ts';

const url = databaseUrlOfEnvironment();
if (url === undefined) throw new RangeError('DATABASE_URL names no database');
await (await openDatabase({ url })).close();
