/**
 * The transit engine's HTTP API on this machine, over HTTPS, with real keys and real AES-256-GCM inside.
 *
 * Verbs, numbers, refusals and their texts follow the API documentation of Vault and OpenBao and the behaviour of
 * OpenBao's engine: keys derived from a context, `vault:vN:` in front, rotation, minimum versions and their order,
 * trimming, deletion only where allowed, creation by `encrypt`, 403 for a token, 503 when sealed, 404 for no key.
 * Tests may make it fail in every way a server can.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

interface TransitKey {
  /** Material by version, from 1; trimmed ones are gone. */
  readonly material: Map<number, Buffer>;
  readonly created: Map<number, number>;
  latest: number;
  minDecryption: number;
  minEncryption: number;
  minAvailable: number;
  isDeletable: boolean;
  readonly isDerived: boolean;
}

/** How the server fails; null: it does not. */
export type Fault =
  | 'sealed'
  | 'slow'
  | 'silent'
  | 'reset'
  | 'html'
  | 'huge'
  | 'not-json'
  | 'no-data'
  | 'wrong-shape'
  | 'other-key-length'
  | 'overloaded'
  | 'crashed'
  | 'moved'
  | 'keeps-deleted';

export interface VaultServer {
  readonly address: string;
  /** The one token that is let in; tests may change it. */
  token: string;
  fault: Fault | null;
  /** Requests that reached it. */
  asked: number;
  /** Its keys, for negative controls. */
  readonly keys: Map<string, TransitKey>;
  stop(): Promise<void>;
}

type Body = Readonly<Record<string, unknown>>;

/** What a verb answers: a status and a body; undefined: 204. */
class Answer extends Error {
  readonly status: number;
  readonly errors: readonly string[];

  constructor(status: number, ...errors: string[]) {
    super(errors[0] ?? String(status));
    this.status = status;
    this.errors = errors;
  }
}

const SLOW_MS = 2_000;

export async function startVaultServer(tls: {
  readonly key: string;
  readonly cert: string;
}): Promise<VaultServer> {
  const state = {
    token: 's.first',
    fault: null as Fault | null,
    asked: 0,
    keys: new Map<string, TransitKey>(),
  };
  const server = createServer(
    { key: readFileSync(tls.key), cert: readFileSync(tls.cert) },
    (request, response) => {
      state.asked += 1;
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        if (!misbehave(state.fault, response)) serve(state, request, Buffer.concat(parts), response);
      });
    },
  );
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    address: `https://127.0.0.1:${port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  });
}

/** Answers as the fault has it; false when the request is to be served. */
function misbehave(fault: Fault | null, response: ServerResponse): boolean {
  switch (fault) {
    case 'sealed':
      send(response, 503, { errors: ['Vault is sealed'] });
      return true;
    case 'overloaded':
      send(response, 429, { errors: ['request path rate limit quota exceeded'] });
      return true;
    case 'crashed':
      send(response, 500, { errors: ['1 error occurred:\n\t* internal error\n\n'] });
      return true;
    case 'moved':
      response.writeHead(307, { location: 'http://127.0.0.1:1/v1/elsewhere' }).end();
      return true;
    case 'slow':
      setTimeout(() => {
        send(response, 200, { data: {} });
      }, SLOW_MS).unref();
      return true;
    case 'silent':
      // Head and half a body, and then nothing more.
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"data":');
      return true;
    case 'reset':
      response.socket?.destroy();
      return true;
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome to the hotel</html>');
      return true;
    case 'huge':
      response.writeHead(200).end(Buffer.alloc(3 << 20, ' '));
      return true;
    case 'not-json':
      response.writeHead(200).end(Buffer.from([0x7b, 0xff, 0x7d]));
      return true;
    case 'no-data':
      send(response, 200, { data: null });
      return true;
    case 'wrong-shape':
      send(response, 200, { data: { keys: 7, latest_version: 'one', ciphertext: 4, plaintext: [] } });
      return true;
    case 'other-key-length':
    case 'keeps-deleted':
    case null:
      return false;
  }
}

function serve(
  state: Pick<VaultServer, 'token' | 'fault' | 'keys'>,
  request: IncomingMessage,
  bytes: Buffer,
  response: ServerResponse,
): void {
  try {
    if (request.headers['x-vault-token'] !== state.token) throw new Answer(403, 'permission denied');
    const url = new URL(request.url ?? '/', 'https://localhost');
    const body = bytes.length === 0 ? {} : (JSON.parse(bytes.toString('utf8')) as Body);
    const route = `${request.method} ${url.pathname.replace(/^\/v1\/transit\//, '')}${url.search}`;
    const result = dispatch(state, route, body);
    if (result === undefined) response.writeHead(204).end();
    else send(response, 200, { request_id: randomBytes(8).toString('hex'), ...result });
  } catch (error) {
    if (!(error instanceof Answer)) throw error;
    send(response, error.status, { errors: error.errors });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function dispatch(
  { fault, keys }: Pick<VaultServer, 'fault' | 'keys'>,
  route: string,
  body: Body,
): object | undefined {
  if (route === 'GET keys?list=true') return listed(keys);
  const [, verb = '', name = '', more = ''] =
    /^(\w+ [\w]+(?:\/plaintext)?)\/([\w-]+)(?:\/(\w+))?$/.exec(route) ?? [];
  switch (`${verb}${more === '' ? '' : ` ${more}`}`) {
    case 'GET keys':
      return { data: policyOf(name, found(keys, name, 404)) };
    case 'POST keys':
      return created(keys, name, body);
    case 'DELETE keys':
      if (!found(keys, name, 400, 'could not delete key; not found').isDeletable) {
        throw new Answer(400, `error deleting policy ${name}: deletion is not allowed for this key`);
      }
      if (fault !== 'keeps-deleted') keys.delete(name);
      return undefined;
    case 'POST keys rotate':
      addVersion(found(keys, name, 400, 'key not found'));
      return { data: policyOf(name, keys.get(name)!) };
    case 'POST keys config':
      return configured(name, found(keys, name, 400, `no existing key named ${name} could be found`), body);
    case 'POST keys trim':
      return trimmed(name, found(keys, name, 400, 'invalid key name'), body);
    case 'POST datakey/plaintext': {
      const key = found(keys, name, 400, 'encryption key not found');
      if (![128, 256, 512].includes(Number(body['bits'] ?? 256))) throw new Answer(400, 'invalid bit length');
      const fresh = randomBytes(fault === 'other-key-length' ? 8 : Number(body['bits'] ?? 256) / 8);
      return { data: { ...encrypted(key, fresh, body), plaintext: fresh.toString('base64') } };
    }
    case 'POST encrypt': {
      // As in Vault: a token that may create makes a key by using it.
      if (!keys.has(name)) created(keys, name, { derived: body['context'] !== undefined });
      return { data: encrypted(keys.get(name)!, base64(body['plaintext']), body) };
    }
    case 'POST decrypt':
      return {
        data: {
          plaintext: decrypted(found(keys, name, 400, 'encryption key not found'), body).toString('base64'),
        },
      };
    case 'POST rewrap': {
      const key = found(keys, name, 400, 'encryption key not found');
      return { data: encrypted(key, decrypted(key, body), body) };
    }
    default:
      throw new Answer(404);
  }
}

function listed(keys: VaultServer['keys']): object {
  if (keys.size === 0) throw new Answer(404);
  return { data: { keys: [...keys.keys()].sort().reverse() } };
}

function found(keys: VaultServer['keys'], name: string, status: number, text?: string): TransitKey {
  const key = keys.get(name);
  if (key === undefined) throw new Answer(status, ...(text === undefined ? [] : [text]));
  return key;
}

function created(keys: VaultServer['keys'], name: string, body: Body): object {
  const known = keys.get(name);
  if (known !== undefined) {
    return { data: policyOf(name, known), warnings: [`key ${name} already existed`] };
  }
  const key: TransitKey = {
    material: new Map(),
    created: new Map(),
    latest: 0,
    minDecryption: 1,
    minEncryption: 0,
    minAvailable: 0,
    isDeletable: false,
    isDerived: body['derived'] === true,
  };
  addVersion(key);
  keys.set(name, key);
  return { data: policyOf(name, key) };
}

function addVersion(key: TransitKey): void {
  key.latest += 1;
  key.material.set(key.latest, randomBytes(32));
  key.created.set(key.latest, Math.floor(Date.now() / 1_000));
}

function policyOf(name: string, key: TransitKey): object {
  // Versions that may not decrypt are archived, and not listed.
  const listedVersions = [...key.created].filter(([version]) => version >= key.minDecryption);
  return {
    name,
    type: 'aes256-gcm96',
    derived: key.isDerived,
    ...(key.isDerived && { kdf: 'hkdf_sha256', convergent_encryption: false }),
    deletion_allowed: key.isDeletable,
    exportable: false,
    allow_plaintext_backup: false,
    auto_rotate_period: 0,
    imported_key: false,
    keys: Object.fromEntries(listedVersions),
    latest_version: key.latest,
    min_available_version: key.minAvailable,
    min_decryption_version: key.minDecryption,
    min_encryption_version: key.minEncryption,
    supports_decryption: true,
    supports_derivation: true,
    supports_encryption: true,
    supports_signing: false,
  };
}

function configured(name: string, key: TransitKey, body: Body): object {
  const minDecryption = Math.max(Number(body['min_decryption_version'] ?? key.minDecryption), 1);
  const minEncryption = Number(body['min_encryption_version'] ?? key.minEncryption);
  const refusals: [boolean, string][] = [
    [minDecryption > key.latest, `cannot set min decryption version of ${minDecryption}`],
    [minEncryption > key.latest, `cannot set min encryption version of ${minEncryption}`],
    [minEncryption > 0 && minEncryption < minDecryption, 'cannot set min encryption/decryption values'],
    [
      key.minAvailable > minEncryption,
      'min encryption version should not be less than min available version',
    ],
    [
      key.minAvailable > minDecryption,
      'min decryption version should not be less then min available version',
    ],
  ];
  refuseFirst(refusals);
  key.minDecryption = minDecryption;
  key.minEncryption = minEncryption;
  key.isDeletable = Boolean(body['deletion_allowed'] ?? key.isDeletable);
  return { data: policyOf(name, key) };
}

function trimmed(name: string, key: TransitKey, body: Body): object {
  const version = Number(body['min_available_version'] ?? 0);
  refuseFirst([
    [version < key.minAvailable, 'minimum available version cannot be decremented'],
    [
      key.minEncryption === 0,
      'minimum available version cannot be set when minimum encryption version is not set',
    ],
    [
      version > key.minEncryption,
      'minimum available version cannot be greater than minmum encryption version',
    ],
    [
      version > key.minDecryption,
      'minimum available version cannot be greater than minimum decryption version',
    ],
    [version <= 0, 'minimum available version should be positive'],
  ]);
  key.minAvailable = version;
  for (const old of key.material.keys()) {
    if (old >= version) continue;
    key.material.delete(old);
    key.created.delete(old);
  }
  return { data: policyOf(name, key) };
}

function refuseFirst(refusals: readonly (readonly [boolean, string])[]): void {
  const refusal = refusals.find(([holds]) => holds);
  if (refusal !== undefined) throw new Answer(400, refusal[1]);
}

function encrypted(key: TransitKey, plaintext: Buffer, body: Body): object {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', derived(key, key.latest, body), nonce);
  const sealed = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return { ciphertext: `vault:v${key.latest}:${sealed.toString('base64')}`, key_version: key.latest };
}

function decrypted(key: TransitKey, body: Body): Buffer {
  const [, version = '', text = ''] = /^vault:v(\d+):(.*)$/.exec(String(body['ciphertext'])) ?? [];
  if (version === '') throw new Answer(400, 'invalid ciphertext: no prefix');
  const number = Number(version);
  if (number > key.latest) throw new Answer(400, 'invalid ciphertext: version is too new');
  if (number < key.minDecryption) {
    throw new Answer(400, 'ciphertext or signature version is disallowed by policy (too old)');
  }
  const sealed = base64(text);
  if (sealed.length < 28) throw new Answer(400, 'invalid ciphertext length');
  const decipher = createDecipheriv('aes-256-gcm', derived(key, number, body), sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(-16));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  } catch {
    throw new Answer(400, 'cipher: message authentication failed');
  }
}

function derived(key: TransitKey, version: number, body: Body): Buffer {
  const context = base64(body['context'] ?? '');
  if (!key.isDerived) return key.material.get(version)!;
  if (context.length === 0)
    throw new Answer(400, "missing 'context' for key derivation; the key was created using a derived key");
  return Buffer.from(hkdfSync('sha256', key.material.get(version)!, '', context, 32));
}

function base64(text: unknown): Buffer {
  const bytes = Buffer.from(String(text), 'base64');
  if (bytes.toString('base64') !== text) throw new Answer(400, 'failed to base64-decode');
  return bytes;
}
