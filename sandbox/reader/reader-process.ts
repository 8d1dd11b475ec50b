/**
 * The reader: runs in the jail, opens the one source, and answers the runner's requests one at a time.
 *
 * It never runs buyer code. It reads requests from stdin and writes answers to stdout, both blocking, since there
 * is nothing else to do meanwhile. It ends when stdin closes.
 * Guarantee: an answer about something that went wrong is one of three codes. What the engine said goes to stderr,
 * which is nobody's unless an operator asked for it.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { readFrame, writeAll, writeFrame } from '../jail/frame-io.ts';
import { describeSource, openSource, runCreate, runSelect, startEngine } from './engine.ts';
import { footerOf } from './footer.ts';
import {
  type EngineSettings,
  encodeColumns,
  encodeRecordRange,
  encodeValue,
  type ReaderError,
  type ReaderRequest,
  type SealedInput,
} from './protocol.ts';
import { readRange } from './record-range.ts';
import { unseal } from './unseal.ts';

interface OpenSource {
  readonly connection: DuckDBConnection;
  readonly settings: EngineSettings;
  /** The envelope, and SHA-256 (hex) of what was in it; null for a plain source. */
  readonly unsealed: { readonly from: string; readonly sha256: string } | null;
}

const CHUNK_BYTES = 2 ** 20;

let source: OpenSource | null = null;

async function answer(request: ReaderRequest): Promise<readonly Uint8Array[]> {
  try {
    return await handle(request);
  } catch (error) {
    writeAll(Buffer.from(`${error instanceof Error ? error.message : String(error)}\n`), 2);
    return fail(request.id, error instanceof SourceError ? 'SOURCE' : 'ENGINE');
  }
}

async function handle(request: ReaderRequest): Promise<readonly Uint8Array[]> {
  const { id } = request;
  if (request.kind === 'open') {
    source = await open(request);
    return encodeValue({ id, value: identityOf(request.sealed?.from ?? request.path) });
  }
  if (source === null) throw new RangeError('the first request opens the source');
  const { connection } = source;
  if (request.kind === 'query') {
    const columns = await runSelect(connection, request.sql, request.params);
    return encodeColumns(id, columns, request.maxBytes) ?? fail(id, 'SIZE');
  }
  if (request.kind === 'records') return encodeRecordRange(id, await readRange(connection, request));
  if (request.kind === 'describe') return encodeValue({ id, value: await describeSource(connection) });
  if (request.kind === 'digest') return encodeValue({ id, value: digestOf(source) });
  for (const { sql, params } of request.statements) await runCreate(connection, sql, params);
  return encodeValue({ id, value: null });
}

/** The engine runs, and the source is what it cannot read. */
class SourceError extends Error {}

async function open(settings: EngineSettings & { readonly sealed: SealedInput | null }): Promise<OpenSource> {
  const unsealed = settings.sealed === null ? null : openEnvelope(settings.sealed, settings.path);
  const connection = await startEngine(settings);
  try {
    await openSource(connection, settings);
  } catch (error) {
    throw sourceError(error);
  }
  return { connection, settings, unsealed };
}

/** The data key is the frame after the request; it is overwritten before the engine starts. */
function openEnvelope(sealed: SealedInput, path: string): OpenSource['unsealed'] {
  const dataKey = readFrame();
  if (dataKey === null) throw new RangeError('a sealed source comes with its data key');
  try {
    return { from: sealed.from, sha256: unseal(sealed, path, dataKey) };
  } catch (error) {
    throw sourceError(error);
  } finally {
    dataKey.fill(0);
  }
}

function sourceError(error: unknown): SourceError {
  return new SourceError(error instanceof Error ? error.message : String(error));
}

function fail(id: number, error: ReaderError): readonly Uint8Array[] {
  return encodeValue({ id, error });
}

/** The file that this process really has, for the runner to compare with the one it meant. */
function identityOf(path: string): Readonly<Record<string, string>> {
  return withFile(path, (file) => {
    const { size, mtimeNs, ino, dev } = fstatSync(file, { bigint: true });
    return { size: String(size), mtimeNs: String(mtimeNs), inode: String(ino), device: String(dev) };
  });
}

/** SHA-256 of the whole file and of its footer, in hex; of a sealed one, of what was in it and of the envelope's end. */
function digestOf({ settings: { path, type }, unsealed }: OpenSource): Readonly<Record<string, string>> {
  if (unsealed !== null) {
    const { from, sha256 } = unsealed;
    return withFile(from, (file) => ({ sha256, footer: footerOf(file, 'sealed') }));
  }
  return withFile(path, (file) => {
    const hash = createHash('sha256');
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let count = readSync(file, chunk); count > 0; count = readSync(file, chunk)) {
      hash.update(chunk.subarray(0, count));
    }
    return { sha256: hash.digest('hex'), footer: footerOf(file, type) };
  });
}

function withFile<T>(path: string, use: (file: number) => T): T {
  const file = openSync(path, 'r');
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

for (let frame = readFrame(); frame !== null; frame = readFrame()) {
  writeFrame(await answer(JSON.parse(frame.toString()) as ReaderRequest));
}
