/** Arguments: what is wrong with them is said in the reader's language, ends with 2, and sends nothing. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { commandLine } from './captured-terminal.ts';

const line = commandLine();
afterAll(() => line.remove());

const ASK = ['--grant', 'g', '--purpose', 'public_health'];

test.for([
  { args: ['grnt'], says: 'there is no command `grnt`' },
  { args: ['grnt'], says: 'did you mean grant?' },
  { args: ['grant', 'aprove'], says: 'did you mean approve?' },
  { args: ['verify'], says: 'the argument `receipt` is missing' },
  { args: ['whoami', '--nope'], says: 'there is no option `--nope`' },
  { args: ['grant', 'revoke', 'g-1'], says: 'option `--reason <text>` is required' },
  { args: ['grant', 'approve', 'g-1', '--side', 'court'], says: 'the value of `--side <side>` is not one' },
  {
    args: ['account', 'create', 'a', '--organisation', 'o', '--role', 'king', '--new-key', 'k'],
    says: 'the value of `--role <role>` is not one',
  },
  { args: ['grant', 'approve', 'g-1', '--side', 'court'], says: 'it may be one of: provider, buyer' },
  { args: ['whoami', 'now'], says: 'more arguments than it takes' },
  { args: ['query', ...ASK, '--sql', 'x', '--sql-file', 'y'], says: 'cannot stand beside another' },
  { args: ['job', 'wait'], says: 'the argument `id` is missing' },
  { args: ['login', '--url'], says: 'needs a value' },
  { args: ['query', ...ASK], says: 'give exactly one of: --sql, --sql-file' },
  { args: ['query', ...ASK, '--sql', 'SELECT 1', '--epsilon', 'much'], says: '`much` is not a number' },
  { args: ['query', ...ASK, '--sql', 'SELECT 1', '--epsilon', '-1'], says: '`-1` is not a number' },
  {
    args: ['query', ...ASK, '--sql-file', '/nowhere/a.sql'],
    says: 'the file `/nowhere/a.sql` cannot be read',
  },
  { args: ['query', ...ASK, '--sql', 'SELECT 1'], says: 'there is no profile `default`' },
  { args: ['whoami', '--profile', '../x'], says: '`../x` cannot be the name of a profile' },
  { args: ['serve', '--port', '70000'], says: '`70000` is no port' },
  { args: ['serve', '--time-zone', 'Mars/Base'], says: '`Mars/Base` is no time zone' },
  { args: ['grant', 'create', '-'], says: 'unseen: CONFIG: ' },
])('$args is refused: $says', async ({ args, says }) => {
  const { code, out, err } = await line.run(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(says);
});

test('a wrong argument is named in Chinese to those who read Chinese', async () => {
  const { code, err } = await line.run(['grant', 'revoke', 'g-1'], { language: 'zh' });
  expect(code).toBe(2);
  expect(err).toContain('必须给出选项 `--reason <text>`');
});

test('a fault with a code is one object on standard output for programs', async () => {
  const { code, value } = await line.json(['whoami']);
  expect(code).toBe(2);
  expect(value).toEqual({
    error: { code: 'CONFIG', message: 'there is no profile `default`; make one with `unseen login`' },
  });
});

test.for([
  ['en', 'Usage:', 'Examples:'],
  ['zh', '用法：', '示例：'],
] as const)('help in %s has usage and examples, and ends with 0', async ([language, usage, examples]) => {
  const { code, out } = await line.run(['grant', 'approve', '--help'], { language });
  expect(code).toBe(0);
  expect(out).toContain(usage);
  expect(out).toContain(`${examples}\n  unseen grant approve g-1`);
});

test('a group of verbs without a verb shows them and ends with 2', async () => {
  const { code, err } = await line.run(['grant']);
  expect(code).toBe(2);
  expect(err).toContain('create [options] <file>');
});

test('the real process ends with the same code, and says what is wrong in the language of LANG', () => {
  const env = { PATH: '/usr/bin', LANG: 'zh_CN.UTF-8', XDG_CONFIG_HOME: line.directory };
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [resolve('gateway/bin.js'), 'whoami', '--json'],
    {
      encoding: 'utf8',
      env,
    },
  );
  expect(status).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CONFIG' } });
  expect(stderr).toContain('没有配置 `default`');
});
