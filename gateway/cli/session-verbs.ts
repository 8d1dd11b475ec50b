/** The verbs `login`, `logout`, `whoami` and `token`: who speaks to which server, with which key. */
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { type Profile, Profiles } from './profile.ts';
import { clientOf, isLoopback, parsePrivateKey, parseServerUrl } from './session.ts';
import { renderFields } from './table.ts';
import { readArgument, worded } from './terminal.ts';
import { defineVerb, print, type VerbCall, type VerbHost } from './verb.ts';

const RUNNER_PORT = '7789';

export function registerSessionVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'login',
      about: 'cli.login',
      flags: [
        { flags: '--url <url>', about: 'cli.flag.url', required: true },
        { flags: '--account <id>', about: 'cli.flag.account', required: true },
        { flags: '--key <file>', about: 'cli.flag.key', conflicts: ['newKey'] },
        { flags: '--new-key', about: 'cli.flag.newKey' },
        { flags: '--runner-url <url>', about: 'cli.flag.runnerUrl' },
        { flags: '--issuer <url>', about: 'cli.flag.issuer' },
        { flags: '--allow-http', about: 'cli.flag.allowHttp' },
      ],
      examples: [
        'unseen login --url http://127.0.0.1:7788 --account ana --new-key > ana.jwk',
        'unseen login --url https://data.example.org --account ana --key ana.pem --profile work',
      ],
    },
    login,
  );
  defineVerb(
    host,
    { name: 'logout', about: 'cli.logout', examples: ['unseen logout', 'unseen logout --profile work'] },
    logout,
  );
  defineVerb(host, { name: 'whoami', about: 'cli.whoami', examples: ['unseen whoami --json'] }, whoami);
  defineVerb(
    host,
    {
      name: 'token',
      about: 'cli.token',
      examples: ['curl -H "Authorization: Bearer $(unseen token)" http://127.0.0.1:7788/v1/datasets'],
    },
    async (call) => {
      const { text, endsAt } = await call.client().token();
      await print(call, { token: text, endsAt: new Date(endsAt).toISOString() }, () => `${text}\n`);
    },
  );
}

async function login(call: VerbCall): Promise<void> {
  const { terminal } = call;
  const keyFile = call.text('key');
  if ((keyFile === undefined) !== call.isSet('newKey'))
    throw new Failure('CONFIG', say('cli.oneOf', { flags: '--key, --new-key' }));
  const profiles = new Profiles(terminal.configDirectory);
  const name = call.profile ?? 'default';
  profiles.checkFree(name);
  const profile = profileOf(call);
  const key =
    keyFile === undefined
      ? generateSigningKey()
      : parsePrivateKey(await readArgument(terminal, keyFile), keyFile);
  // A key that the server knows is tried before it is kept; a new one it cannot know yet.
  if (keyFile !== undefined) await clientOf(terminal, profile, key).me();
  profiles.add(name, profile, key);
  const made = { profile: name, ...profile, publicKey: key.publicJwk, thumbprint: key.kid };
  if (keyFile !== undefined) {
    await print(
      call,
      made,
      () => `${worded(terminal, 'cli.loggedIn', { name, account: profile.account })}\n`,
    );
    return;
  }
  terminal.err(`${worded(terminal, 'cli.keyMade', { account: profile.account })}\n`);
  await print(call, made, () => `${JSON.stringify(key.publicJwk)}\n`);
}

function profileOf(call: VerbCall): Profile {
  const options = { allowHttp: call.isSet('allowHttp') };
  const url = parseServerUrl(call.text('url') ?? '', options);
  const stated = call.text('runnerUrl');
  const runnerUrl = stated === undefined ? localRunner(url) : parseServerUrl(stated, options);
  return {
    url,
    runnerUrl,
    issuer: call.text('issuer') ?? url,
    account: call.text('account') ?? '',
  };
}

/** On this machine the runner listens beside the gateway; elsewhere its address must be said. */
function localRunner(gatewayUrl: string): string | null {
  const url = new URL(gatewayUrl);
  if (!isLoopback(url)) return null;
  url.port = RUNNER_PORT;
  return url.origin;
}

async function logout(call: VerbCall): Promise<void> {
  const name = new Profiles(call.terminal.configDirectory).remove(call.profile);
  await print(
    call,
    { profile: name, removed: true },
    () => `${worded(call.terminal, 'cli.loggedOut', { name })}\n`,
  );
}

async function whoami(call: VerbCall): Promise<void> {
  const me = await call.client().me();
  await print(call, me, () =>
    renderFields([
      [worded(call.terminal, 'cli.column.account'), me.account],
      [worded(call.terminal, 'cli.column.organisation'), `${me.organisation.name} (${me.organisation.id})`],
      [worded(call.terminal, 'cli.column.roles'), me.roles.join(', ')],
    ]),
  );
}
