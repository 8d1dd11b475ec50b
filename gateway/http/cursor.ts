/**
 * Cursors: where a list goes on, sealed so that nobody can make one of his own.
 *
 * Guarantee: a cursor opens only in the list and for the organisation it was made for; anything else is refused.
 * A cursor is no permission: the list checks what the reader may see on every page.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { decodeBytes, encodeBytes } from '#crypto/bytes.ts';
import { exportSigningKey, type SigningKey } from '#crypto/ed25519-key.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

const TAG_BYTES = 16;

/** The query of every list. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().min(1).max(1_000).optional(),
});

/** Which list, and for whom. */
export interface List {
  readonly name: string;
  readonly reader: string;
}

export interface Cursors {
  seal(list: List, position: readonly string[]): string;
  /** Null without a cursor. Refusal PARAM for one that was not made here. */
  open(list: List, cursor: string | undefined): readonly string[] | null;
}

/** Cursors under a key derived from the token key. */
export function cursorsOf(key: SigningKey): Cursors {
  const secret = createHmac('sha256', 'unseen cursor').update(exportSigningKey(key).d).digest();
  const tagOf = (list: List, body: Uint8Array): Buffer =>
    createHmac('sha256', secret)
      .update(JSON.stringify([list.name, list.reader]))
      .update(body)
      .digest()
      .subarray(0, TAG_BYTES);
  return {
    seal: (list, position) => {
      const body = Buffer.from(JSON.stringify(position));
      return encodeBytes(Buffer.concat([tagOf(list, body), body]), 'base64url');
    },
    open: (list, cursor) => {
      if (cursor === undefined) return null;
      const bytes = decodeBytes(cursor, 'base64url') ?? new Uint8Array();
      const body = bytes.subarray(TAG_BYTES);
      const tag = bytes.subarray(0, TAG_BYTES);
      if (tag.length !== TAG_BYTES || !timingSafeEqual(tag, tagOf(list, body)))
        throw new Refusal('PARAM', say('api.cursor'));
      return JSON.parse(Buffer.from(body).toString()) as readonly string[];
    },
  };
}

/** A page from one row more than was asked for. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  seal: (last: Row) => string,
): { readonly items: readonly Row[]; readonly nextCursor: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? seal(last) : null };
}
