/** `unseen serve` as a process: it says where it listens, takes a dataset from the command line, and stops when told. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandLine } from './captured-terminal.ts';
import { SPARE_ENVIRONMENT } from '#tests/support/spare-environment.ts';

const line = commandLine({ fetch });
const path = (name: string): string => join(line.directory, name);
const BIN = resolve('gateway/bin.js');
const ENV = SPARE_ENVIRONMENT;

const MANIFEST = `
kind: Dataset
name: visits
title: { en: Visits, zh: 就诊记录 }
source: { type: csv, path: visits.csv }
privacyUnit: patient
origin: synthetic
grade: general
maxRows: 1000
columns:
  patient: { type: integer, role: unit }
  region: { type: string, role: key, values: [north, south] }
  cost: { type: number, bounds: [0, 100] }
`;
const POLICY = `
kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 8, delta: 1e-6 }
perJob: { epsilon: 1, delta: 1e-7 }
maxGroupsPerUnit: 1
maxRowsPerUnit: 1
jail: preferred
`;

let server: ChildProcess;
let said: { gatewayUrl: string; runnerUrl: string; operator: { account: string; keyFile: string } };

beforeAll(async () => {
  writeFileSync(path('visits.yaml'), MANIFEST);
  writeFileSync(path('policy.yaml'), POLICY);
  writeFileSync(path('visits.csv'), 'patient,region,cost\n1,north,5\n2,south,7\n');
  const args = [BIN, 'serve', '--port', '0', '--runner-port', '0', '--data-dir', path('data'), '--json'];
  server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: ENV });
  const [text] = (await once(createInterface(server.stdout!), 'line')) as [string];
  said = JSON.parse(text) as typeof said;
});

afterAll(() => {
  server.kill('SIGKILL');
  line.remove();
});

test('its first operator signs in and registers a dataset with the runner', async () => {
  const { gatewayUrl, runnerUrl, operator } = said;
  const login = ['login', '--url', gatewayUrl, '--runner-url', runnerUrl, '--account', operator.account];
  expect(await line.run([...login, '--key', operator.keyFile])).toMatchObject({ code: 0, err: '' });
  const add = ['dataset', 'add', path('visits.yaml'), '--policy'];
  const { code, value } = await line.json([...add, path('policy.yaml')]);
  expect(code).toBe(0);
  expect(value).toMatchObject({ name: 'visits' });
  expect((await line.run(['dataset', 'list'])).out).toMatch(/visits +Visits +synthetic +general +active/);
  expect((await line.run(['dataset', 'show', 'visits'])).out).toMatch(/cost +number +value +0 … 100/);
  const wrong = await line.run([...add, path('visits.yaml')]);
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain('CONFIG');
});

test('a port that is taken is said, and the process ends with 3', () => {
  const port = new URL(said.gatewayUrl).port;
  const args = [BIN, 'serve', '--port', port, '--runner-port', '0', '--data-dir', path('other')];
  const { status, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: ENV,
    timeout: 50_000,
  });
  expect({ status, stderr }).toEqual({
    status: 3,
    stderr: `unseen: STATE_BUSY: a port is in use already: ${port}, 0\n`,
  });
});

test('it stops when it is told to, with 0', async () => {
  server.kill('SIGTERM');
  expect(await once(server, 'exit')).toEqual([0, null]);
});
