/** Documents brought into force without the API, for tests about what follows from them. */
import type { Database } from '#gateway/storage/database.ts';
import { approveDocument, type DocumentKind, fileDocument } from '#gateway/storage/documents.ts';

/** Since long ago, until further notice: what most documents of such tests say of their time. */
export const SINCE_LONG = { from: '2020-01-01T00:00:00+08:00', to: null };

/** Files a document as one account of `gateway-world.ts` and approves it as another. */
export async function putInForce(
  db: Database,
  body: Readonly<Record<string, unknown>>,
): Promise<{ readonly kind: DocumentKind; readonly id: string; readonly revision: number }> {
  const [kind, id] = [body['kind'] as DocumentKind, String(body['id'])];
  const [from, to] = [new Date(String(body['from'])), body['to']];
  const dates = { from, to: typeof to === 'string' ? new Date(to) : null };
  const { revision } = await fileDocument(db, { kind, id, body, ...dates, by: 'olga' });
  await approveDocument(db, { kind, id, revision, by: 'oscar' });
  return { kind, id, revision };
}
