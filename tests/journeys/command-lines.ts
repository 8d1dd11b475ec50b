/** What raw-rows.test.ts sends by the command line: every verb with its arguments, and the papers that they file. */
import { join } from 'node:path';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { plainGrant } from '#gateway/services/plain-grant.ts';
import { agreementFile, productFile } from '#tests/support/document-files.ts';
import { ANSWERED, MANIFEST, type MarkedServer, POLICY, SEEKING } from '#tests/support/marked-server.ts';
import { capFile, CEILING_INPUTS } from '#tests/support/price-files.ts';
import { MODULE, visitsManifest } from '#tests/support/visits-program.ts';

const CAP = capFile({ id: 'PC-typed', ceiling: null });

export const COST = {
  period: '2026-05',
  purposeClass: 'industry',
  category: 'storage',
  amount: '1.00',
  description: 'disks',
};
/** An agreement about the data of this server. */
export function agreement(id: string): object {
  const parties = { authoriser: 'city-provider', operator: 'operator', providers: ['city-provider'] };
  return agreementFile({ id, parties });
}

const PRODUCT = productFile({
  scene: 'journey',
  outputSchema: ['ward', 'visits'].map((name) => ({ name, type: 'text', unit: null })),
  sql: { template: 'SELECT ward, COUNT(*) AS visits FROM visits GROUP BY ward' },
});

/** Verbs that are tested by processes of their own: the lab below, the others on data that they make themselves. */
export const ELSEWHERE = [
  'unseen encrypt',
  'unseen lab',
  'unseen demo',
  'unseen serve',
  ...['init', 'serve', 'keys', 'orders', 'log'].map((verb) => `unseen custodian ${verb}`),
];

/** Verbs that ask no server, and so have no profile. */
export const OFFLINE = new Set([
  'unseen verify',
  'unseen statement verify',
  'unseen program check',
  'unseen price ceiling',
  'unseen seal',
  ...['create', 'list', 'show', 'rotate', 'rewrap', 'disable', 'enable'].map((act) => `unseen key ${act}`),
]);

export const CORRECTION = {
  cause: 'cancel',
  usage: 'none',
  change: { exclude: true },
  evidence: { id: 'x', sha256: 'a'.repeat(64) },
};
export const ADVICE = {
  reference: 'x',
  instruction: 'x',
  amount: '1',
  currency: 'CNY',
  paidOn: '2026-11-20',
};

/** Verbs about a statement, a line or a correction, of which this server has none. */
export const STATEMENTLESS = (
  'issue show export verify explain dispute resolve correct approve-correction reject-correction ' +
  'invoice settle advice'
)
  .split(' ')
  .map((name) => `unseen statement ${name}`);

/** Their arguments. */
function statementless(server: MarkedServer, verb: string): readonly string[] {
  const write = (name: string, value: object): string => server.folder.write(name, value);
  switch (verb.split(' ').at(-1)) {
    case 'verify':
      return [
        write('statement.json', { signed: 'x', lines: [] }),
        '--keys',
        write('trusted.json', { keys: [generateSigningKey().publicJwk] }),
      ];
    case 'correct':
      return [write('correction.json', CORRECTION)];
    case 'advice':
      return [write('advice.json', [ADVICE])];
    case 'dispute':
    case 'resolve':
      return ['none', '--reason', 'x'];
    case 'invoice':
      return ['none', '--number', 'x', '--date', '2026-11-20', '--issuer', 'x'];
    default:
      return ['none'];
  }
}

/** Each verb with the arguments that it is given here, in one or more ways. */
export function commandLines(server: MarkedServer): Readonly<Record<string, readonly (readonly string[])[]>> {
  const { id = '' } = server.jobs[0] ?? {};
  const [held = '', , , approved = '', rejected = ''] = server.waiting;
  const file = (name: string): string => join(server.folder.path, name);
  const asks = [ANSWERED[0]!, ...SEEKING.slice(0, 4)].map((sql) => [
    '--grant',
    'rows',
    '--purpose',
    'public_health',
    '--sql',
    sql,
  ]);
  const manifest = [
    server.folder.write('again.json', MANIFEST),
    '--policy',
    server.folder.write('policy.json', POLICY),
  ];
  const [ran = '', , , , toApprove = '', toReject = '', toWithdraw = ''] = server.programs;
  const underRows = ['--grant', 'rows', '--purpose', 'public_health'];
  server.folder.write('prog.js', MODULE);
  server.folder.write('prog.json', visitsManifest());
  server.folder.write('params.json', { age: 40 });
  const grant = { dataset: 'visits', columns: ['ward'], authoriser: 'city-provider', holder: 'city-buyer' };
  const terms = { ...grant, id: 'typed', purpose: 'public_health', scene: 'x', runs: 1 };
  server.folder.write('agreement.json', agreement('OA-typed'));
  server.folder.write('product.json', PRODUCT);
  const receipt = ['--proof', file('proof'), '--keys', file('keys'), '--log-key', file('log-key')];
  const where = ['--url', server.served.gatewayUrl, '--account', 'x-buyer', '--key', file('x-buyer.jwk')];
  // The runner of this test finds them where it looks for its own.
  const keys = ['--data-dir', file('server')];
  return {
    'unseen login': [where],
    'unseen whoami': [[]],
    'unseen token': [[]],
    'unseen organisation create': [['typed', '--name', 'Typed']],
    'unseen organisation list': [[]],
    'unseen account create': [
      ['typed', '--organisation', 'typed', '--role', 'buyer', '--new-key', file('typed.jwk')],
    ],
    'unseen account list': [[]],
    'unseen account revoke': [['typed']],
    'unseen dataset add': [manifest],
    'unseen dataset list': [[]],
    'unseen dataset show': [['visits']],
    'unseen budget explain': [['visits']],
    // A provider's cap, which a supervisor approves.
    'unseen price file': [[server.folder.write('cap.json', CAP)]],
    'unseen price approve': [['PC-typed', '--kind', 'PriceCap', '--revision', '1']],
    'unseen price list': [[], ['--public']],
    'unseen price show': [['PC-typed', '--kind', 'PriceCap']],
    'unseen price withdraw': [['PC-typed', '--kind', 'PriceCap']],
    'unseen price history': [[]],
    'unseen price ceiling': [[server.folder.write('inputs.json', CEILING_INPUTS)]],
    'unseen price deviation': [['--year', '2025']],
    'unseen price tasks': [[]],
    'unseen price cost add': [[server.folder.write('costs.json', { kind: 'CostEntries', entries: [COST] })]],
    'unseen price costs': [['--year', '2026']],
    // No month of this server is over: what there is of statements is lists, and what names one finds none.
    'unseen statement close': [
      ['--month', '2026-01'],
      ['--month', '2026-01', '--dry-run'],
    ],
    'unseen statement list': [[]],
    'unseen statement lines': [[id]],
    'unseen statement corrections': [[]],
    'unseen statement instructions': [[], ['--csv']],
    ...Object.fromEntries(STATEMENTLESS.map((verb) => [verb, [[...statementless(server, verb)]]])),
    'unseen key create': [['typed', ...keys]],
    'unseen seal': [[file('visits.csv'), '--key', 'typed', '--out', file('visits.sealed'), ...keys]],
    'unseen key list': [keys],
    'unseen key show': [['typed', ...keys]],
    'unseen key rotate': [['typed', ...keys]],
    'unseen key rewrap': [[file('visits.sealed'), ...keys]],
    'unseen key disable': [['typed', ...keys]],
    'unseen key enable': [['typed', ...keys]],
    'unseen key hold': [['typed', '--reason', 'x']],
    'unseen key lift-hold': [['typed', '--reason', 'x']],
    'unseen key destroy': [['typed', '--reason', 'x']],
    // Each of the operator's side may call off; who asked may not agree.
    'unseen key cancel-destruction': [['typed', '--reason', 'x']],
    'unseen key destruction': [['typed']],
    'unseen key inventory': [[]],
    'unseen key approve-destruction': [['typed', '--reason', 'x']],
    'unseen dataset suspend': [['spare_visits']],
    'unseen dataset resume': [['spare_visits']],
    'unseen dataset withdraw': [['spare_visits']],
    'unseen organisation suspend': [['typed']],
    'unseen organisation resume': [['typed']],
    'unseen program init': [
      ['--dataset', 'visits', '--dir', file('kit'), '--force'],
      ['--dataset', file('again.json'), '--mode', 'blocks', '--dir', file('kit-blocks'), '--force'],
    ],
    'unseen program types': [
      ['--manifest', file('kit/prog.yaml'), '--dataset', 'visits', '--dir', file('kit')],
    ],
    'unseen program try': [
      [file('kit/prog.js'), '--manifest', file('kit/prog.yaml'), '--dataset', 'visits'],
      [
        file('kit-blocks/prog.js'),
        '--manifest',
        file('kit-blocks/prog.yaml'),
        '--dataset',
        file('again.json'),
      ],
    ],
    'unseen program check': [[file('prog.js')], [file('prog.js'), '--manifest', file('prog.json')]],
    'unseen program submit': [[file('prog.js'), '--manifest', file('prog.json')]],
    'unseen program list': [[]],
    'unseen program show': [[ran]],
    'unseen program approve': [[toApprove]],
    'unseen program reject': [[toReject, '--reason', 'RISK_TOO_HIGH', '--text', 'x', '--basis', 'y']],
    'unseen program withdraw': [[toWithdraw, '--reason', 'x']],
    'unseen agreement file': [[file('agreement.json')]],
    'unseen agreement approve': [['OA-typed', '--revision', '1']],
    'unseen agreement list': [[]],
    'unseen agreement show': [['OA-typed']],
    'unseen agreement withdraw': [['OA-typed']],
    'unseen product file': [[file('product.json')]],
    'unseen product approve': [['P-0012']],
    'unseen product list': [[]],
    'unseen product show': [['P-0012', '--revision', '1']],
    'unseen call': [['P-0012', ...underRows]],
    'unseen product withdraw': [['P-0012']],
    'unseen grant create': [[server.folder.write('grant.json', plainGrant(terms, Date.now()))]],
    'unseen grant approve': [
      ['typed', '--side', 'provider'],
      ['typed', '--side', 'buyer'],
    ],
    'unseen grant list': [[]],
    'unseen grant show': [['rows']],
    'unseen grant spend': [['rows']],
    'unseen grant suspend': [['typed']],
    'unseen grant resume': [['typed']],
    'unseen grant revoke': [['typed', '--reason', 'x']],
    'unseen quote': [...asks, ['accept', 'f'.repeat(32)]],
    'unseen query': [...asks, [...asks[0]!, '--csv']],
    'unseen run': [
      [ran, ...underRows, '--params', file('params.json')],
      ['dear-visits', ...underRows, '--quote-only'],
    ],
    'unseen job list': [[]],
    'unseen job show': [[id]],
    'unseen job wait': [[id], [id, '--csv']],
    'unseen job cancel': [[id]],
    'unseen release list': [[]],
    'unseen release show': [[held]],
    'unseen release approve': [[approved]],
    'unseen release reject': [[rejected, '--reason', 'KIND_MISMATCH']],
    'unseen receipt': [[id, ...receipt]],
    'unseen log checkpoint': [[]],
    'unseen log prove': [[id]],
    'unseen log key': [[]],
    'unseen usage export': [[], ['--csv']],
    'unseen usage quotes': [[]],
    'unseen usage summary': [['--month', '2026-11', '--by', 'buyer']],
    'unseen report provider': [
      ['--month', '2026-11'],
      ['--month', '2026-11', '--csv'],
    ],
    'unseen report buyer': [['--month', '2026-11']],
    'unseen report variance': [['--month', '2026-11']],
    'unseen report self-dealing': [['--month', '2026-11']],
    'unseen report anomalies': [['--month', '2026-11']],
    'unseen report annual': [['--year', '2026']],
    'unseen export lines': [
      ['--month', '2026-11'],
      ['--month', '2026-11', '--csv'],
    ],
    'unseen export focus': [
      ['--month', '2026-11'],
      ['--month', '2026-11', '--csv'],
    ],
    'unseen reconcile': [[]],
    'unseen verify': [[file('proof'), '--keys', file('keys')]],
    'unseen logout': [[]],
  };
}
