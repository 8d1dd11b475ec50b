/**
 * The custodian's listener: HTTPS with TLS 1.3 and certificates on both sides, two routes, and errors of one word.
 *
 * `POST /v1/orders` takes a frame (frame.ts) and gives `{attestation, values}`; `GET /v1/health` says that it runs.
 * Guarantee: without a certificate of the given authority a connection gets no HTTP at all, and with one that is not on
 * the list it gets CLIENT_UNKNOWN for everything; a body beyond the limit is cut off while it comes in; who sends
 * slowly is cut off. An error is `{"code": …}` and nothing else.
 * Not covered: whoever holds a certificate on the list and sends a great deal within the limits.
 */
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { OrderError, type OrderCode } from '#crypto/he/order.ts';
import { type Custodian, CustodianBusyError } from './custodian.ts';
import { parseFrame } from './frame.ts';

/** Codes of the listener itself, beside those of orders, with their status. */
const STATUS = {
  NOT_FOUND: 404,
  CLIENT_UNKNOWN: 403,
  TOO_LARGE: 413,
  BODY_MALFORMED: 400,
  BUSY: 503,
  INTERNAL: 500,
} as const;

type ServerCode = keyof typeof STATUS;

/** Orders that were refused for a reason that will not go away get 422. */
const ORDER_STATUS: Partial<Record<OrderCode, number>> = {
  ORDER_NOT_SIGNED: 401,
  ORDER_ID_USED: 409,
  ORDER_SPENT: 410,
  LIMIT_ORDER: 429,
  LIMIT_KEY: 429,
};

/** How much and how slowly somebody may send. */
export interface ListenerLimits {
  readonly bodyBytes: number;
  readonly connections: number;
  /** From the first byte of a request to its last. */
  readonly requestMs: number;
  readonly handshakeMs: number;
}

const LISTENER_LIMITS: ListenerLimits = {
  bodyBytes: 256 << 20,
  connections: 16,
  requestMs: 60_000,
  handshakeMs: 10_000,
};

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
  /** SHA-256 fingerprints of certificates, as colon-separated hex in capitals. */
  readonly clients: readonly string[];
  readonly limits?: Partial<ListenerLimits>;
  /** Where a fault of ours is told in full; the caller is told INTERNAL. */
  readonly reportBug: (error: unknown) => void;
}

export interface CustodianListener {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Listens until it is closed. Rejects when the address is taken or the certificates cannot be used. */
export function listenAsCustodian(
  custodian: Custodian,
  options: ListenerOptions,
): Promise<CustodianListener> {
  const limits = { ...LISTENER_LIMITS, ...options.limits };
  const server = createServer(
    {
      cert: options.cert,
      key: options.key,
      ca: options.clientCa,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3' as const,
      handshakeTimeout: limits.handshakeMs,
      requestTimeout: limits.requestMs,
      headersTimeout: Math.min(limits.requestMs, 10_000),
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: Math.min(limits.requestMs, 1_000),
      maxHeaderSize: 8_192,
    },
    (request, response) => {
      respond({ custodian, options, limits }, request, response).catch((error: unknown) => {
        options.reportBug(error);
        response.destroy();
      });
    },
  );
  server.maxConnections = limits.connections;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => resolve(listening(server)));
  });
}

function listening(server: Server): CustodianListener {
  const { address, family, port } = server.address() as AddressInfo;
  const name = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `https://${name}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

interface Shell {
  readonly custodian: Custodian;
  readonly options: ListenerOptions;
  readonly limits: ListenerLimits;
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

async function respond(shell: Shell, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body } = await replyTo(shell, request);
  // A body that was not read to its end must not be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}

async function replyTo({ custodian, options, limits }: Shell, request: IncomingMessage): Promise<Reply> {
  const { fingerprint256 } = (request.socket as TLSSocket).getPeerCertificate();
  if (!options.clients.includes(fingerprint256)) return refusal('CLIENT_UNKNOWN');
  const route = `${request.method} ${request.url}`;
  if (route === 'GET /v1/health')
    return { status: 200, body: JSON.stringify({ status: 'ok', custodian: custodian.name }) };
  if (route !== 'POST /v1/orders') return refusal('NOT_FOUND');
  const body = await readWithin(request, limits.bodyBytes);
  if (body === null) return refusal('TOO_LARGE');
  const frame = parseFrame(body);
  if (frame === null) return refusal('BODY_MALFORMED');
  try {
    return { status: 200, body: await custodian.answer(frame.order, frame.ciphertexts) };
  } catch (error) {
    if (error instanceof OrderError) return refused(error.code);
    if (error instanceof CustodianBusyError) return refusal('BUSY');
    options.reportBug(error);
    return refusal('INTERNAL');
  }
}

/** The whole body, or null as soon as it is more than may be. */
async function readWithin(request: IncomingMessage, most: number): Promise<Uint8Array | null> {
  if (Number(request.headers['content-length'] ?? 0) > most) return null;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > most) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refused(code: OrderCode): Reply {
  return { status: ORDER_STATUS[code] ?? 422, body: JSON.stringify({ code }) };
}

function refusal(code: ServerCode): Reply {
  return { status: STATUS[code], body: JSON.stringify({ code }) };
}
