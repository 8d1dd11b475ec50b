/**
 * A worker that has turned against us: its process is the attacker's, outside any isolate. The argument says what it does.
 *
 * It answers as a worker does until it is asked to map; then it speaks nonsense, or says nothing, or tries what the
 * jail forbids and answers one number for each attempt: 1 where it got what it wanted.
 */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import fs from 'node:fs';
import inspector from 'node:inspector';
import { connect } from 'node:net';

const [behaviour, port] = process.argv.slice(2);
const [READY, DIED] = [1, 4];
const RESULT_HEAD = Buffer.of(2, 0, 0, 0, 0, 0, 0, 0);

const frame = (...parts) => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
};
const say = (bytes) => {
  for (let at = 0; at < bytes.length;) at += fs.writeSync(1, bytes, at);
};
const doubles = (values) => Buffer.from(Float64Array.from(values).buffer);
const codes = (values) => Buffer.from(Int32Array.from(values).buffer);
const result = (values, keys) => frame(RESULT_HEAD, doubles(values), codes(keys));

/** What it says when it should map; `rows` are many, with one output and one key of two values. */
const SAYINGS = {
  honest: (rows) => result(Array(rows).fill(7), Array(rows).fill(1)),
  'no frame': () => Buffer.from('secret value of a row, in plain text\n'.repeat(10)),
  'a frame without end': () => Buffer.from('ffffffff', 'hex'),
  'a frame of nothing': () => frame(),
  'a kind of its own': (rows) =>
    frame(Buffer.of(9), doubles(Array(rows).fill(1)), codes(Array(rows).fill(0))),
  'an error with a text': () => frame(Buffer.of(DIED), Buffer.from('secret')),
  'a text in place of numbers': () => frame(RESULT_HEAD, Buffer.from('secret')),
  'one number too few': (rows) => result(Array(rows - 1).fill(1), Array(rows).fill(0)),
  'one number too many': (rows) => result(Array(rows + 1).fill(1), Array(rows).fill(0)),
  infinity: (rows) => result(Array(rows).fill(Infinity), Array(rows).fill(0)),
  'a code beyond the list': (rows) => result(Array(rows).fill(1), Array(rows).fill(2)),
  'a code below none': (rows) => result(Array(rows).fill(1), Array(rows).fill(-2)),
  'two answers': (rows) => Buffer.concat([SAYINGS.honest(rows), SAYINGS.honest(rows)]),
  'half an answer': (rows) => SAYINGS.honest(rows).subarray(0, 20),
  silence: () => Buffer.alloc(0),
  'its end': () => process.exit(0),
  'its end by a signal': () => process.kill(process.pid, 'SIGKILL'),
};

const within = (ms, start) =>
  new Promise((resolve) => {
    setTimeout(() => resolve(false), ms);
    start(resolve);
  });
const reads = (path) => fs.readFileSync(path).length > 0;
const writes = (path) => {
  fs.writeFileSync(path, 'x');
  fs.rmSync(path);
  return true;
};

/** Each returns true where it got what it wanted, and may throw. */
const ATTEMPTS = [
  [
    'a connection',
    () =>
      within(500, (done) =>
        connect(Number(port), '127.0.0.1')
          .on('connect', () => done(true))
          .on('error', () => done(false)),
      ),
  ],
  [
    'a datagram',
    () =>
      within(500, (done) =>
        createSocket('udp4')
          .on('error', () => done(false))
          .send('x', 9, '127.0.0.1', (error) => done(error === null)),
      ),
  ],
  ['an inspector', () => (inspector.open(0, '127.0.0.1'), inspector.url() !== undefined)],
  ['a process', () => spawnSync(process.execPath, ['--version']).status === 0],
  ['a shell', () => spawnSync('/bin/sh', ['-c', 'true']).status === 0],
  ['the users of the machine', () => reads('/etc/passwd')],
  ['its own environment by file', () => fs.existsSync('/proc/self/environ')],
  ['the list of processes', () => fs.readdirSync('/proc').length > 0],
  ['a descriptor by name', () => fs.readdirSync('/proc/self/fd').length > 0],
  ['the root of another process', () => fs.readdirSync(`/proc/${process.ppid}/root`).length > 0],
  ['the memory of another process', () => fs.openSync(`/proc/${process.ppid}/mem`, 'r') > 0],
  ['a file', () => writes('/tmp/hostile-file')],
  ['a file beside the program', () => writes(new URL('./hostile-file', import.meta.url))],
  [
    'a link out',
    () => {
      const link = '/tmp/hostile-link';
      fs.symlinkSync('/etc', link);
      const got = reads(`${link}/passwd`);
      fs.unlinkSync(link);
      return got;
    },
  ],
  ['a device', () => fs.openSync('/dev/null', 'r') > 0],
  ['a signal to another process', () => process.ppid > 0 && process.kill(process.ppid, 0)],
  ['another user', () => process.getuid() === 0],
];

async function attempt() {
  const got = [];
  for (const [, act] of ATTEMPTS) {
    try {
      got.push((await act()) === true ? 1 : 0);
    } catch {
      got.push(0);
    }
  }
  return got;
}

async function onMap(request) {
  const rows = request.readUInt32LE(12);
  if (behaviour === 'a flood') for (;;) say(frame(Buffer.alloc(2 ** 20)));
  if (behaviour !== 'attempts') return say((SAYINGS[behaviour] ?? SAYINGS.honest)(rows));
  const got = await attempt();
  say(result([...got, ...Array(rows - got.length).fill(NaN)], Array(rows).fill(-1)));
}

let held = Buffer.alloc(0);
if (behaviour === 'an answer before the question') say(frame(Buffer.of(READY)));
process.stdin.on('data', (piece) => {
  held = Buffer.concat([held, piece]);
  while (held.length >= 4 && held.length >= 4 + held.readUInt32LE(0)) {
    const request = held.subarray(4, 4 + held.readUInt32LE(0));
    held = held.subarray(4 + request.length);
    if (request[0] === 3) void onMap(request);
    else say(frame(Buffer.of(READY)));
  }
});
if (behaviour === 'names')
  say(
    Buffer.from(JSON.stringify({ attempts: ATTEMPTS.map(([name]) => name), sayings: Object.keys(SAYINGS) })),
  );
