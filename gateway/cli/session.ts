/** From a profile to a client: whose key signs, and which server is asked. */
import { createPrivateKey } from 'node:crypto';
import { type SigningKey, importSigningKey } from '#crypto/ed25519-key.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { Client } from '../client/client.ts';
import { type Profile, Profiles } from './profile.ts';
import type { Terminal } from './terminal.ts';

/** The client of a stored profile. Failure CONFIG when there is none. */
export function clientOfProfile(terminal: Terminal, name: string | undefined): Client {
  const profile = new Profiles(terminal.configDirectory).load(name);
  return clientOf(terminal, profile, profile.key);
}

export function clientOf(terminal: Terminal, profile: Profile, key: SigningKey): Client {
  return new Client({
    url: profile.url,
    runnerUrl: profile.runnerUrl ?? undefined,
    issuer: profile.issuer,
    account: profile.account,
    key,
    language: terminal.language,
    fetch: terminal.fetch,
  });
}

/** A private Ed25519 key, written as JWK or as PEM (PKCS #8). Failure CONFIG. */
export function parsePrivateKey(text: string, file: string): SigningKey {
  try {
    const jwk: unknown = text.trimStart().startsWith('{')
      ? JSON.parse(text)
      : createPrivateKey(text).export({ format: 'jwk' });
    return importSigningKey(jwk);
  } catch (cause) {
    throw new Failure('CONFIG', say('cli.keyBroken', { file }), { cause });
  }
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whether a host is this machine. */
export function isLoopback(url: URL): boolean {
  return LOOPBACK.test(url.hostname);
}

/**
 * The address of a server, without what follows host and port. Failure CONFIG for anything but https, or http on
 * this machine: a token on an open wire is anybody's.
 */
export function parseServerUrl(text: string, options: { readonly allowHttp: boolean }): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '')
    throw new Failure('CONFIG', say('cli.urlForm', { url: text }));
  if (url.protocol === 'http:' && !isLoopback(url) && !options.allowHttp)
    throw new Failure('CONFIG', say('cli.urlOpen', { url: text }));
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
