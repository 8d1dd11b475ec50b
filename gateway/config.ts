/** The only reader of the environment: what a process was told before it started, typed. */
import { homedir, hostname } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { type Profile, profileOf } from '#crypto/profile.ts';
import { type Language, languageOf } from '#policies/words.ts';

/** The reader's language: LC_ALL, LC_MESSAGES, LANG, in the order of POSIX. */
export function languageOfEnvironment(environment: NodeJS.ProcessEnv = process.env): Language {
  return languageOf(environment['LC_ALL'] || environment['LC_MESSAGES'] || environment['LANG']);
}

/** Where the command line keeps its profiles. A relative XDG_CONFIG_HOME is ignored, as that specification demands. */
export function configDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const stated = environment['XDG_CONFIG_HOME'] ?? '';
  return join(isAbsolute(stated) ? stated : join(homedir(), '.config'), 'unseen');
}

/** The profile that a shell chose for all its commands; undefined: the one that was made current. */
export function profileOfEnvironment(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return environment['UNSEEN_PROFILE'] || undefined;
}

/** The address of a PostgreSQL server; undefined: the embedded database. It may hold a password. */
export function databaseUrlOfEnvironment(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return environment['DATABASE_URL'] || undefined;
}

/** The file that says where keys of sealed data are kept (docs/encryption-at-rest.md); undefined: `keys.yaml` of the data directory. */
export function keysFileOfEnvironment(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return environment['UNSEEN_KEYS'] || undefined;
}

/** The runner's data directory, for tools that work on its key store; undefined: what `unseen serve` takes. */
export function runnerDataDirOfEnvironment(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return environment['UNSEEN_RUNNER_DATA_DIR'] || undefined;
}

/** What a gateway process of its own was told. Files and directories are paths. */
export interface GatewayConfig {
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  /** What tokens name as issuer and audience. */
  readonly publicUrl: string;
  readonly timeZone: string;
  readonly logOrigin: string;
  /** Of the keys of receipts and log. */
  readonly cryptoProfile: Profile;
  /** The public key (JWK) of the runner's receipts, where the runner has a data directory of its own. */
  readonly receiptKeyFile: string | null;
  /** The public key (JWK) of the first operator's account. */
  readonly operatorKeyFile: string | null;
}

/** The configuration of a gateway process; RangeError for an address or a crypto profile that is none. */
export function gatewayConfig(environment: NodeJS.ProcessEnv = process.env): GatewayConfig {
  const [host, port] = addressOf('UNSEEN_LISTEN', environment['UNSEEN_LISTEN'] || '127.0.0.1:7788');
  const publicUrl = environment['UNSEEN_PUBLIC_URL'] || `http://${host}:${port}`;
  return {
    databaseUrl: databaseUrlOfEnvironment(environment),
    dataDir: environment['UNSEEN_DATA_DIR'] || '.unseen',
    host,
    port,
    publicUrl: publicUrl.replace(/\/+$/, ''),
    timeZone: environment['UNSEEN_TIME_ZONE'] || 'Asia/Shanghai',
    logOrigin: environment['UNSEEN_LOG_ORIGIN'] || 'unseen.local/log',
    cryptoProfile: cryptoProfileOfEnvironment(environment),
    receiptKeyFile: environment['UNSEEN_RECEIPT_KEY'] || null,
    operatorKeyFile: environment['UNSEEN_OPERATOR_KEY'] || null,
  };
}

/** What a runner process of its own was told. */
export interface RunnerConfig {
  readonly databaseUrl: string | undefined;
  /** Of the runner alone: its receipt key and its secret. */
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  /** What tokens name as issuer, and where the issuer's keys are fetched. */
  readonly publicUrl: string;
  readonly gatewayUrl: string;
  /** Of the key of receipts; the same as the gateway's. */
  readonly cryptoProfile: Profile;
  /** Tells runners on one database apart; the same name after a restart takes its own jobs back. */
  readonly name: string;
  readonly concurrency: number;
  /** What the engine of one reader may take before it spills; undefined: the reader's default. */
  readonly readerMemoryMiB: number | undefined;
}

/** The configuration of a runner process; RangeError for an address, a crypto profile or an amount of memory that is none. */
export function runnerConfig(environment: NodeJS.ProcessEnv = process.env): RunnerConfig {
  const [host, port] = addressOf(
    'UNSEEN_RUNNER_LISTEN',
    environment['UNSEEN_RUNNER_LISTEN'] || '127.0.0.1:7789',
  );
  const publicUrl = (environment['UNSEEN_PUBLIC_URL'] || 'http://127.0.0.1:7788').replace(/\/+$/, '');
  return {
    databaseUrl: databaseUrlOfEnvironment(environment),
    dataDir: environment['UNSEEN_RUNNER_DATA_DIR'] || '.unseen-runner',
    host,
    port,
    publicUrl,
    gatewayUrl: (environment['UNSEEN_GATEWAY_URL'] || publicUrl).replace(/\/+$/, ''),
    cryptoProfile: cryptoProfileOfEnvironment(environment),
    name: environment['UNSEEN_RUNNER_NAME'] || hostname(),
    concurrency: Math.max(1, Number.parseInt(environment['UNSEEN_RUNNER_CONCURRENCY'] ?? '2', 10) || 2),
    readerMemoryMiB: memoryOf('UNSEEN_READER_MEMORY_MIB', environment['UNSEEN_READER_MEMORY_MIB']),
  };
}

/** The crypto profile that the environment names; RangeError for one that is none. */
export function cryptoProfileOfEnvironment(environment: NodeJS.ProcessEnv = process.env): Profile {
  const profile = profileOf(environment['UNSEEN_CRYPTO_PROFILE'] || 'international');
  if (profile === null) throw new RangeError('UNSEEN_CRYPTO_PROFILE is international or sm');
  return profile;
}

/** Whole mebibytes from 256: with less the engine does not start its work. */
function memoryOf(variable: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{3,7}$/.test(text) || Number(text) < 256)
    throw new RangeError(`${variable} is a whole number of mebibytes, 256 or more`);
  return Number(text);
}

function addressOf(variable: string, text: string): readonly [host: string, port: number] {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new RangeError(`${variable} is an address and a port`);
  return [host.replace(/^\[(.*)\]$/, '$1'), Number(port)];
}
