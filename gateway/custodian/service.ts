/** A custodian at work: its directory opened, its listener listening, until it is closed. */
import { readFileSync } from 'node:fs';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { openCustodian } from './home.ts';
import { listenAsCustodian, type ListenerLimits } from './server.ts';

export interface ServedCustodian {
  readonly url: string;
  /** Thumbprint of the key that signs attestations. */
  readonly custodian: string;
  close(): Promise<void>;
}

/** Serves the custodian of a directory. Failure CONFIG, STATE_BUSY (also where the port is taken), KMS_UNAVAILABLE. */
export async function serveCustodian(
  directory: string,
  reportBug: (error: unknown) => void,
  limits: Partial<ListenerLimits> = {},
): Promise<ServedCustodian> {
  const opened = await openCustodian(directory);
  const { custodian, config } = opened;
  try {
    const { tls, listen } = config;
    const [cert, key, clientCa] = [readPem(tls.cert), readPem(tls.key), readPem(tls.clientCa)];
    const listener = await listenAsCustodian(custodian, {
      ...listen,
      cert,
      key,
      clientCa,
      clients: tls.clients,
      limits,
      reportBug,
    });
    return {
      url: listener.url,
      custodian: custodian.name,
      close: async () => {
        await listener.close();
        await opened.close();
      },
    };
  } catch (error) {
    await opened.close();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const ports = String(config.listen.port);
    throw new Failure('STATE_BUSY', say('cli.portTaken', { ports }), { cause: error });
  }
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Failure('CONFIG', say('custodian.filesystem', { file }), { cause });
  }
}
