/**
 * The column types of the database: how amounts, instants and identifiers are stored.
 *
 * Guarantee: no amount of privacy budget, quota or money passes through a float: it is numeric(38,0) in the
 * database and bigint here.
 */
import { customType, text, timestamp } from 'drizzle-orm/pg-core';

/** A whole number of up to 38 digits: nano-ρ, yocto-δ, quota units. */
export const amount = customType<{ data: bigint; driverData: string }>({
  dataType: () => 'numeric(38, 0)',
  fromDriver: BigInt,
  toDriver: String,
});

/** A moment, in milliseconds: what a JavaScript date can hold is what comes back. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date', precision: 3 });

/** When the row was written, by the database's clock. */
export const writtenAt = (name: string) => instant(name).notNull().defaultNow();

/** An identifier; never a number, so that nothing can be counted from it. */
export const identifier = (name: string) => text(name);
