/** A custodian's directory made by the real command line's means, its process, and a platform that asks it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sha256Hex } from '#crypto/canonical.ts';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { type DatasetManifest, openManifest, signManifest } from '#crypto/he/dataset-manifest.ts';
import { type OrderPlan, renderPlan, signOrder } from '#crypto/he/order.ts';
import { profileOf } from '#crypto/he/profiles.ts';
import { acceptDataset, createCustodian, createKeyPair } from '#gateway/custodian/home.ts';
import type { KeyRecord } from '#gateway/custodian/key-store.ts';
import { PLAN } from './scene.ts';
import { SPARE_ENVIRONMENT } from '#tests/support/spare-environment.ts';

const BIN = resolve('gateway/bin.js');

/** A process of `unseen custodian serve`. */
export interface Serving {
  readonly url: string;
  readonly child: ChildProcess;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
}

export class CustodianHome implements AsyncDisposable {
  readonly directory = join(mkdtempSync(join(tmpdir(), 'unseen-keys-')), 'custodian');
  readonly platform = generateSigningKey();
  readonly provider = generateSigningKey();
  readonly running = new Set<ChildProcess>();
  custodianKid = '';
  record!: KeyRecord;
  publicKey!: Uint8Array;
  manifestDigest!: `sha256:${string}`;

  /** With certificates, a key pair and one dataset under it. */
  static async make(): Promise<CustodianHome> {
    const home = new CustodianHome();
    const identity = await createCustodian(home.directory, {
      name: 'custodian.test/log',
      host: '127.0.0.1',
      port: 0,
      platformKeys: [home.platform.publicJwk],
      providerKeys: [home.provider.publicJwk],
      purposes: ['public_health'],
      withCertificates: true,
      serverName: '127.0.0.1',
    });
    home.custodianKid = identity.kid;
    const made = await createKeyPair(home.directory, 'bfv-agg-8k');
    home.record = made.record;
    home.publicKey = made.publicKey;
    const file = join(home.directory, '..', 'manifest.jws');
    const jws = await signManifest(manifestFor(made.record), home.provider);
    writeFileSync(file, jws);
    await acceptDataset(home.directory, file);
    home.manifestDigest = (await openManifest(jws, [home.provider.publicJwk])).digest;
    return home;
  }

  tls(name: string): string {
    return join(this.directory, 'tls', name);
  }

  /** What a runner is given: paths. */
  addressOf(url: string): { url: string; ca: string; cert: string; certKey: string } {
    return { url, ca: this.tls('ca.crt'), cert: this.tls('client.crt'), certKey: this.tls('client.key') };
  }

  /** Starts the process and waits until it listens. */
  async serve(): Promise<Serving> {
    const child = spawn(process.execPath, [BIN, 'custodian', 'serve', '--dir', this.directory, '--json'], {
      env: SPARE_ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.running.add(child);
    const ended = new Promise<void>((done) => child.once('close', () => done()));
    const line = await new Promise<string>((done, reject) => {
      createInterface({ input: child.stdout }).once('line', done);
      child.once('exit', (code) => reject(new Error(`the custodian ended with ${code}`)));
    });
    const said = JSON.parse(line) as { url: string } | { error: { code: string } };
    if ('error' in said) throw new Error(`the custodian ended with ${said.error.code}`);
    return { url: said.url, child, ended };
  }

  /** A signed order over ciphertexts of the plan's outputs. */
  order(ciphertexts: readonly Uint8Array[], orderId: string, plan: OrderPlan = PLAN): Promise<string> {
    return signOrder(
      {
        orderId,
        audience: this.custodianKid,
        keyId: this.record.keyId,
        manifestDigest: this.manifestDigest,
        planDigest: `sha256:${sha256Hex('the whole plan')}`,
        plan: renderPlan(plan),
        outputs: ciphertexts.map((bytes, at) => ({
          measure: Math.floor(at / plan.cells),
          cell: at % plan.cells,
          circuit: plan.measures[Math.floor(at / plan.cells)]!.circuit,
          ciphertextDigest: `sha256:${sha256Hex(bytes)}`,
        })),
        purpose: 'public_health',
        issuedAt: new Date(Date.now() - 1_000).toISOString(),
        expiresAt: new Date(Date.now() + 300_000).toISOString(),
      },
      this.platform,
    );
  }

  /** What the custodian has written down so far. */
  journal(): readonly { readonly type: string; readonly orderId?: string }[] {
    return readFileSync(join(this.directory, 'journal.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { type: string });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.running) child.kill('SIGKILL');
    rmSync(join(this.directory, '..'), { recursive: true, force: true });
  }
}

/** The manifest of a dataset with the columns of scene.ts, without any row. */
function manifestFor(record: KeyRecord): Omit<DatasetManifest, 'version'> {
  const { keyId, profile, publicKeyDigest, relinKeysDigest } = record;
  const column = { low: '0', high: '1000', granularity: '1', lowGrid: '0', highGrid: '1000', mid: '500' };
  const days = { low: '-10', high: '30', granularity: '1', lowGrid: '-10', highGrid: '30', mid: '10' };
  return {
    name: 'visits',
    profile,
    plainModulus: String(profileOf(profile).plainModulus),
    keyId,
    publicKeyDigest,
    relinKeysDigest,
    bounding: { rowsPerUnit: 3, maxRows: 10_000 },
    disclosedToPlatform: [{ name: 'region', values: ['north', 'south'] }],
    columns: [
      { name: 'cost', ...column, nullable: false },
      { name: 'days', ...days, nullable: true },
    ],
    createdAt: new Date().toISOString(),
    groups: [],
    parts: ['$rows', 'cost', 'days', 'days$present'].map((name) => ({ name, digests: [] })),
  };
}
