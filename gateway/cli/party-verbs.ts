/** The verbs `organisation …` and `account …`: who may sign in, for whom, in which roles. */
import { generateSigningKey, exportSigningKey } from '#crypto/ed25519-key.ts';
import { Failure } from '#policies/refusal.ts';
import { ROLES } from '#policies/roles.ts';
import { say } from '#policies/words.ts';
import type { PublicKeyText } from '../client/resources.ts';
import { writePrivate } from './profile.ts';
import { renderTable } from './table.ts';
import { readJsonArgument, worded } from './terminal.ts';
import { defineGroup, defineVerb, print, printJson, type VerbCall, type VerbHost } from './verb.ts';

/** What an organisation is to the platform; only `operator` gives it rights. */
const KINDS = ['operator', 'provider', 'buyer', 'supervisor'];

export function registerPartyVerbs(host: VerbHost): void {
  const organisation = defineGroup(host, 'organisation', 'cli.organisation');
  registerOrganisationVerbs(organisation);
  registerOrganisationStops(organisation);
  registerAccountVerbs(defineGroup(host, 'account', 'cli.account'));
}

function registerOrganisationVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'create <id>',
      about: 'cli.organisation.create',
      flags: [
        { flags: '--name <name>', about: 'cli.flag.organisationName', required: true },
        { flags: '--kind <kind>', about: 'cli.flag.kind', choices: KINDS },
        { flags: '--region <code>', about: 'cli.flag.region' },
        { flags: '--sector <sector>', about: 'cli.flag.sector' },
      ],
      examples: ["unseen organisation create health-lab --name 'Health Lab' --region CN-31 --sector health"],
    },
    createOrganisation,
  );
  defineVerb(
    host,
    { name: 'list', about: 'cli.organisation.list', examples: ['unseen organisation list'] },
    async (call) => {
      const items = await call.client().organisations();
      await print(call, { items }, () =>
        renderTable(
          (['id', 'name', 'region', 'sector'] as const).map((name) => ({
            title: worded(call.terminal, `cli.column.${name}`),
          })),
          items.map(({ id, name, region, sector }) => [id, name, region, sector]),
        ),
      );
    },
  );
}

function registerOrganisationStops(host: VerbHost): void {
  for (const act of ['suspend', 'resume'] as const)
    defineVerb(
      host,
      {
        name: `${act} <id>`,
        about: `cli.organisation.${act}`,
        examples: [`unseen organisation ${act} health-lab`],
      },
      async (call) => {
        const id = call.argument(0);
        const client = call.client();
        const made = await (act === 'suspend'
          ? client.suspendOrganisation(id)
          : client.resumeOrganisation(id));
        if (call.json) return printJson(call, made);
        const told = act === 'suspend' ? 'cli.isSuspended' : 'cli.isResumed';
        await call.terminal.out(`${worded(call.terminal, told, { id })}\n`);
      },
    );
}

async function createOrganisation(call: VerbCall): Promise<void> {
  const [kind, region, sector] = [call.text('kind'), call.text('region'), call.text('sector')];
  const made = await call.client().createOrganisation({
    id: call.argument(0),
    name: call.text('name') ?? '',
    ...(kind !== undefined && { kind }),
    ...(region !== undefined && { region }),
    ...(sector !== undefined && { sector }),
  });
  await print(call, made, () => `${made.id}\n`);
}

function registerAccountVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'create <id>',
      about: 'cli.account.create',
      flags: [
        { flags: '--organisation <id>', about: 'cli.flag.organisation', required: true },
        { flags: '--role <role>', about: 'cli.flag.role', required: true, repeats: true, choices: ROLES },
        { flags: '--public-key <file>', about: 'cli.flag.publicKey', conflicts: ['newKey'] },
        { flags: '--new-key <file>', about: 'cli.flag.newKeyFile' },
      ],
      examples: [
        'unseen account create ana --organisation health-lab --role buyer --public-key ana.jwk',
        'unseen account create bot --organisation health-lab --role buyer --role billing --new-key bot.key',
      ],
    },
    createAccount,
  );
  defineVerb(
    host,
    { name: 'list', about: 'cli.account.list', examples: ['unseen account list --json'] },
    listAccounts,
  );
  defineVerb(
    host,
    { name: 'revoke <id>', about: 'cli.account.revoke', examples: ['unseen account revoke ana'] },
    async (call) => {
      await call.client().revokeAccount(call.argument(0));
      await print(
        call,
        { id: call.argument(0), revoked: true },
        () => `${worded(call.terminal, 'cli.revoked', { id: call.argument(0) })}\n`,
      );
    },
  );
}

async function createAccount(call: VerbCall): Promise<void> {
  const publicKey = call.text('publicKey');
  const newKey = call.text('newKey');
  if ((publicKey === undefined) === (newKey === undefined))
    throw new Failure('CONFIG', say('cli.oneOf', { flags: '--public-key, --new-key' }));
  const jwk = publicKey === undefined ? makeKeyFile(newKey ?? '') : await readPublicKey(call, publicKey);
  const made = await call.client().createAccount({
    id: call.argument(0),
    organisation: call.text('organisation') ?? '',
    roles: call.list('role'),
    jwk,
  });
  await print(call, made, () => `${made.id}\n`);
}

/** A new private key in a new file; its public half. */
function makeKeyFile(file: string): PublicKeyText {
  const key = generateSigningKey();
  try {
    writePrivate(file, `${JSON.stringify(exportSigningKey(key))}\n`, { replace: false });
  } catch (cause) {
    throw new Failure('CONFIG', say('cli.fileUnwritable', { file }), { cause });
  }
  return { ...key.publicJwk };
}

/** A public key as JWK. A private one is refused before it leaves this machine. */
async function readPublicKey(call: VerbCall, file: string): Promise<PublicKeyText> {
  const jwk = await readJsonArgument(call.terminal, file);
  if (typeof jwk !== 'object' || jwk === null || !Object.hasOwn(jwk, 'kty'))
    throw new Failure('CONFIG', say('cli.keyBroken', { file }));
  const secret = ['d', 'k', 'p', 'q'].find((member) => Object.hasOwn(jwk, member));
  if (secret !== undefined) throw new Failure('CONFIG', say('cli.keyPrivate', { file }));
  return jwk as PublicKeyText;
}

async function listAccounts(call: VerbCall): Promise<void> {
  const items = await call.client().accounts();
  const { terminal } = call;
  await print(call, { items }, () =>
    renderTable(
      (['id', 'organisation', 'roles', 'state'] as const).map((name) => ({
        title: worded(terminal, `cli.column.${name}`),
      })),
      items.map((account) => [
        account.id,
        account.organisation,
        account.roles.join(', '),
        worded(terminal, `cli.state.${account.state}`),
      ]),
    ),
  );
}
