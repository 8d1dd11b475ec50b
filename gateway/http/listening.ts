/** Listening: a fetch handler on an address and port, until it is closed. */
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';

/** How long requests under way may take to end; a long poll ends earlier by itself or is cut. */
const STOP_MS = 10_000;

export interface Listening {
  readonly url: string;
  /** Takes no more requests, lets those under way end, and cuts what is left. */
  close(): Promise<void>;
}

/** Port 0 is any free port. Rejects when the address is taken. */
export function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    // The library would replace the process's own Request and Response, which a client in it relies on.
    const options = { fetch, hostname: host, port, overrideGlobalObjects: false };
    const server = serve(options, ({ address, family, port: bound }: AddressInfo) => {
      const name = family === 'IPv6' ? `[${address}]` : address;
      resolve({ url: `http://${name}:${bound}`, close: () => closed(server) });
    });
    server.once('error', reject);
  });
}

function closed(server: ReturnType<typeof serve>): Promise<void> {
  return new Promise((resolve) => {
    const cutting = setTimeout(() => {
      if ('closeAllConnections' in server) server.closeAllConnections();
    }, STOP_MS);
    server.close(() => {
      clearTimeout(cutting);
      resolve();
    });
    if ('closeIdleConnections' in server) server.closeIdleConnections();
  });
}
