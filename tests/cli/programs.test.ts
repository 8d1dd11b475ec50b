/** The verbs of programs: what `check` decides on its own, and what the others say over a gateway in memory. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportSigningKey } from '#crypto/ed25519-key.ts';
import { EXIT } from '#gateway/cli/exit-code.ts';
import { moduleDigestOf } from '#sandbox/program/program.ts';
import { type CommandLine, commandLine } from '#tests/cli/captured-terminal.ts';
import { MODULE, STATEFUL_MODULE, visitsDigest, visitsManifest } from '#tests/support/visits-program.ts';
import { ISSUER, makeWorld, type Person, type World } from '#tests/support/gateway-world.ts';

let world: World;
let line: CommandLine;

const write = (name: string, content: string): string => {
  const path = join(line.directory, name);
  writeFileSync(path, content);
  return path;
};

beforeAll(async () => {
  world = await makeWorld();
  line = commandLine({
    fetch: (async (input: URL | string, init?: RequestInit) => {
      const url = new URL(String(input));
      return world.request(`${url.pathname}${url.search}`, init);
    }) as typeof fetch,
  });
  for (const person of ['ben', 'olga', 'petra'] as const) {
    const key = write(`${person}.jwk`, JSON.stringify(exportSigningKey(world.keys[person])));
    const login = ['login', '--url', ISSUER, '--account', person, '--key', key, '--profile', person];
    const { code, err } = await line.run(login);
    if (code !== 0) throw new Error(err);
  }
  write('prog.js', MODULE);
  write('bad.js', STATEFUL_MODULE);
  write('prog.json', JSON.stringify(visitsManifest()));
  write('params.json', '{"age": 30}');
});
afterAll(async () => {
  await world.close();
  line.remove();
});

const file = (name: string): string => join(line.directory, name);
const as = (person: Person, ...args: readonly string[]) => line.run([...args, '--profile', person]);

test('check decides with exit 0, and says digest, and of a manifest the digest of both', async () => {
  expect(await line.json(['program', 'check', file('prog.js')])).toEqual({
    code: EXIT.done,
    value: { admitted: true, digest: moduleDigestOf(MODULE), findings: [] },
  });
  const whole = await line.json(['program', 'check', file('prog.js'), '--manifest', file('prog.json')]);
  expect(whole).toMatchObject({ code: EXIT.done, value: { admitted: true, programDigest: visitsDigest() } });
});

test('check names rule, line and column of every finding, for programs and for people', async () => {
  const finding = {
    rule: 'state',
    line: 3,
    column: 3,
    severity: 'error',
    message: expect.any(String),
  };
  const found = await line.json(['program', 'check', file('bad.js'), '--mode', 'map']);
  expect(found).toMatchObject({ code: EXIT.done, value: { admitted: false, findings: [finding] } });
  const told = await line.run(['program', 'check', file('bad.js')], { language: 'zh' });
  expect(told.out).toMatch(/^3:3 state: .*\n不予准入：sha256:[0-9a-f]{64}\n$/);
});

test.for([
  ['a module that is not there', ['none.js'], EXIT.arguments],
  ['a manifest that is not there', ['prog.js', '--manifest', 'none.json'], EXIT.arguments],
  ['a mode that is none', ['prog.js', '--mode', 'train'], EXIT.arguments],
] as const)('check of %s ends as wrong arguments', async ([, args, code]) => {
  const named = args.map((arg) => (/\.js(on)?$/.test(arg) ? file(arg) : arg));
  expect((await line.run(['program', 'check', ...named])).code).toBe(code);
});

test('a program goes from its file to an answer, by digest and by name, and is withdrawn', async () => {
  const sent = ['--manifest', file('prog.json')];
  const refused = await as('ben', 'program', 'submit', file('bad.js'), ...sent);
  expect(refused.code).toBe(EXIT.refused);
  expect(refused.err).toContain('unseen:   3:3 state: ');
  const record = write('record.yaml', 'algorithmType: sum of costs\n');
  const { out } = await as('ben', 'program', 'submit', file('prog.js'), ...sent, '--record', record);
  const digest = out.trim();
  expect(digest).toBe(visitsDigest());
  const terms = ['--grant', 'g-1', '--purpose', 'public_health'];
  const run = ['run', 'dear-visits', ...terms, '--params', file('params.json'), '--quote-only'];
  expect(await as('ben', ...run)).toMatchObject({ code: EXIT.refused });
  expect(await as('olga', 'program', 'approve', digest)).toMatchObject({ code: EXIT.refused });
  for (const person of ['olga', 'petra'] as const) {
    const shown = await as(person, 'program', 'show', digest);
    expect(shown.out).toContain('row.cost');
    expect(shown.out).toContain('sum of costs');
    expect(await as(person, 'program', 'approve', digest, '--opinion', 'sound')).toMatchObject({ code: 0 });
  }
  expect((await as('ben', 'program', 'list')).out).toMatch(/dear-visits +1 +approved/);
  expect(await as('ben', ...run)).toMatchObject({ code: EXIT.done });
  const quote = ['quote', '--program', digest, ...terms, '--params', file('params.json')];
  expect(await as('ben', ...quote)).toMatchObject({ code: EXIT.done });
  expect(await as('ben', ...quote, '--sql', 'SELECT 1')).toMatchObject({ code: EXIT.arguments });
  const reject = ['program', 'reject', digest, '--reason', 'RISK_TOO_HIGH', '--text', 'x'];
  expect(await as('petra', ...reject)).toMatchObject({ code: EXIT.arguments });
  const withdrawn = await as('petra', 'program', 'withdraw', digest, '--reason', 'a fault');
  expect(withdrawn).toMatchObject({ code: EXIT.done, out: `program \`${digest}\` is withdrawn\n` });
  expect(await as('ben', ...run)).toMatchObject({ code: EXIT.refused });
});

test('datasets, organisations and grants are suspended and resumed', async () => {
  for (const [person, ...words] of [
    ['petra', 'dataset', 'suspend', 'visits'],
    ['olga', 'dataset', 'resume', 'visits'],
    ['olga', 'organisation', 'suspend', 'rival-lab'],
    ['olga', 'organisation', 'resume', 'rival-lab'],
    ['petra', 'grant', 'suspend', 'g-1'],
    ['olga', 'grant', 'resume', 'g-1'],
    ['petra', 'dataset', 'withdraw', 'visits_late'],
  ] as const)
    expect([words, (await as(person, ...words)).code]).toEqual([words, EXIT.done]);
  expect(await as('ben', 'dataset', 'suspend', 'visits')).toMatchObject({ code: EXIT.refused });
});
