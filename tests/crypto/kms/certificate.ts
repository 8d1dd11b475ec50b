/** A self-signed certificate for 127.0.0.1 in a directory, by OpenSSL's command: Node has no issuer of X.509. */
import { join } from 'node:path';
import { openssl } from '#tests/support/openssl.ts';

/** Paths of the key and the certificate, which is its own authority. */
export function makeCertificate(
  directory: string,
  name: string,
): { readonly key: string; readonly cert: string } {
  const key = join(directory, `${name}.key`);
  const cert = join(directory, `${name}.pem`);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const subject = ['-days', '2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  openssl(['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...subject]);
  return { key, cert };
}
