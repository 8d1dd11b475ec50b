/**
 * The verb `serve`: the whole platform on this machine, until it is told to stop.
 *
 * The modules of the server are loaded when they are asked for, so that every other verb starts without them.
 * A database's address may hold a password, so it comes from the environment and never from the command line.
 */
import { type Profile, profileOf } from '#crypto/profile.ts';
import { databaseUrlOfEnvironment } from '../config.ts';
import type { Served } from '../embedded.ts';
import { Failure } from '#policies/refusal.ts';
import { render, say } from '#policies/words.ts';
import type { ProgramAbort } from '../storage/program-store.ts';
import { isLoopback } from './session.ts';
import { renderFields } from './table.ts';
import { type Terminal, worded } from './terminal.ts';
import { defineVerb, print, type VerbCall, type VerbHost } from './verb.ts';

const DEFAULTS = {
  dataDir: '.unseen',
  host: '127.0.0.1',
  port: '7788',
  runnerPort: '7789',
  timeZone: 'Asia/Shanghai',
  cryptoProfile: 'international',
} as const;

export function registerServeVerb(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'serve',
      about: 'cli.serve',
      offline: true,
      flags: [
        { flags: '--data-dir <directory>', about: 'cli.flag.dataDir' },
        { flags: '--host <address>', about: 'cli.flag.host' },
        { flags: '--port <number>', about: 'cli.flag.port' },
        { flags: '--runner-port <number>', about: 'cli.flag.runnerPort' },
        { flags: '--public-url <url>', about: 'cli.flag.publicUrl' },
        { flags: '--time-zone <zone>', about: 'cli.flag.timeZone' },
        { flags: '--crypto-profile <name>', about: 'cli.flag.cryptoProfile' },
      ],
      examples: [
        'unseen serve',
        'unseen serve --data-dir /var/lib/unseen --public-url https://data.example.org',
      ],
    },
    serveUntilStopped,
  );
}

async function serveUntilStopped(call: VerbCall): Promise<void> {
  const { terminal } = call;
  // Asked for before it starts: a container's first process loses a signal that nobody waits for.
  const stopped = terminal.stopped();
  const served = await start(call);
  try {
    await print(call, factsOf(served), () => renderServed(terminal, served));
    const open = [served.gatewayUrl, served.runnerUrl].some((url) => !isLoopback(new URL(url)));
    if (open) terminal.err(`unseen: ${worded(terminal, 'cli.openToNetwork')}\n`);
    await stopped;
  } finally {
    await served.close();
  }
}

async function start(call: VerbCall): Promise<Served> {
  const { serve } = await import('../embedded.ts');
  const publicUrl = call.text('publicUrl');
  const [gatewayPort, runnerPort] = [portOf(call, 'port'), portOf(call, 'runnerPort')];
  try {
    return await serve({
      dataDir: call.text('dataDir') ?? DEFAULTS.dataDir,
      databaseUrl: databaseUrlOfEnvironment(),
      host: call.text('host') ?? DEFAULTS.host,
      gatewayPort,
      runnerPort,
      publicUrl: publicUrl?.replace(/\/+$/, ''),
      timeZone: timeZoneOf(call),
      cryptoProfile: cryptoProfileOf(call),
      reportAbort: (abort) => reportAbort(call.terminal, abort),
      reportBug: (error, id) => reportBug(call.terminal, error, id),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Failure('STATE_BUSY', say('cli.portTaken', { ports: `${gatewayPort}, ${runnerPort}` }), {
      cause: error,
    });
  }
}

function portOf(call: VerbCall, flag: 'port' | 'runnerPort'): number {
  const written = call.text(flag) ?? DEFAULTS[flag];
  const port = Number(written);
  if (!/^\d{1,5}$/.test(written) || port > 65_535)
    throw new Failure('CONFIG', say('cli.notPort', { value: written }));
  return port;
}

function timeZoneOf(call: VerbCall): string {
  const zone = call.text('timeZone') ?? DEFAULTS.timeZone;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
  } catch (cause) {
    throw new Failure('CONFIG', say('cli.notZone', { zone }), { cause });
  }
}

function cryptoProfileOf(call: VerbCall): Profile {
  const value = call.text('cryptoProfile') ?? DEFAULTS.cryptoProfile;
  const profile = profileOf(value);
  if (profile === null) throw new Failure('CONFIG', say('crypto.profileUnknown', { value }));
  return profile;
}

/** The operator's own log: a program that aborted its job, by digest and id. */
function reportAbort(terminal: Terminal, { program, job, aborts, suspended }: ProgramAbort): void {
  const told = worded(terminal, suspended ? 'cli.serve.suspended' : 'cli.serve.aborted', { program, aborts });
  terminal.err(`${new Date().toISOString()} ${job} ${told}\n`);
}

/** The operator's own log: what happened, and the id that the caller was given. */
function reportBug(terminal: Terminal, error: unknown, id: string): void {
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // The message of a cause and no more of it: a database's error carries the values of its statement.
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  terminal.err(`${new Date().toISOString()} ${id} ${told}${cause}\n`);
}

function factsOf({ gatewayUrl, runnerUrl, operator, receiptKeyFile }: Served): object {
  const { account, keyFile } = operator;
  return { gatewayUrl, runnerUrl, operator: { account, keyFile }, receiptKeyFile };
}

function renderServed(terminal: Terminal, served: Served): string {
  const { gatewayUrl, runnerUrl, operator } = served;
  const login = `unseen login --url ${gatewayUrl} --runner-url ${runnerUrl} --account ${operator.account} --key ${operator.keyFile}`;
  return renderFields([
    [worded(terminal, 'cli.column.gateway'), gatewayUrl],
    [worded(terminal, 'cli.column.runner'), runnerUrl],
    [worded(terminal, 'cli.column.database'), render(served.label, terminal.language)],
    [worded(terminal, 'cli.column.login'), login],
  ]);
}
