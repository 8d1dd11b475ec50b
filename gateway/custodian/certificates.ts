/**
 * Certificates for a custodian and its one client, made with the `openssl` command: Node.js issues none.
 *
 * Guarantee: the authority signs nothing but these two (path length 0), each good for one side of TLS; private keys
 * have mode 0600. Nothing is overwritten.
 * Not covered: revocation. A certificate ends by being taken off the custodian's list, or by its date.
 */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

const AUTHORITY_DAYS = 3_650;
const CERTIFICATE_DAYS = 365;

/** Makes authority, server and client certificate in a new directory; the client's fingerprint. Failure CONFIG. */
export function makeCertificates(directory: string, host: string): { readonly client: string } {
  mkdirSync(directory, { mode: 0o700 });
  const pathOf = (name: string): string => join(directory, name);
  issue(pathOf('ca'), {
    subject: '/CN=unseen custodian authority',
    days: AUTHORITY_DAYS,
    extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign,cRLSign'],
    signedBy: [],
  });
  const leaf = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'];
  const signedBy = ['-CA', pathOf('ca.crt'), '-CAkey', pathOf('ca.key')];
  const name = `subjectAltName=${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`;
  issue(pathOf('server'), {
    subject: '/CN=unseen custodian',
    days: CERTIFICATE_DAYS,
    extensions: [...leaf, 'extendedKeyUsage=serverAuth', name],
    signedBy,
  });
  issue(pathOf('client'), {
    subject: '/CN=unseen runner',
    days: CERTIFICATE_DAYS,
    extensions: [...leaf, 'extendedKeyUsage=clientAuth'],
    signedBy,
  });
  return { client: fingerprintOf(readFileSync(pathOf('client.crt'), 'utf8')) };
}

/** SHA-256 of a certificate, as colon-separated hex in capitals. Failure CONFIG when it is none. */
export function fingerprintOf(pem: string): string {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch (cause) {
    throw new Failure('CONFIG', say('custodian.filesystem', { file: 'PEM' }), { cause });
  }
}

interface Wanted {
  readonly subject: string;
  readonly days: number;
  readonly extensions: readonly string[];
  /** Arguments that name the authority; none: it signs itself. */
  readonly signedBy: readonly string[];
}

/** Writes `path.key` and `path.crt` by `openssl req -x509` (OpenSSL 3). */
function issue(path: string, { subject, days, extensions, signedBy }: Wanted): void {
  const [key, certificate] = [`${path}.key`, `${path}.crt`];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
  const named = ['-subj', subject, '-days', String(days), '-keyout', key, '-out', certificate];
  const added = extensions.flatMap((extension) => ['-addext', extension]);
  try {
    execFileSync('openssl', [...made, ...named, ...added, ...signedBy], { stdio: 'ignore', timeout: 30_000 });
    for (const file of [key, certificate]) chmodSync(file, 0o600);
  } catch (cause) {
    throw new Failure('CONFIG', say('custodian.openssl'), { cause });
  }
}
