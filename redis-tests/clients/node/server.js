// One server process for a test file: started on the port that the runner chose, killed with -9 and started again.
// CAIRN_SERVER, CAIRN_PORT and CAIRN_DIR come from clients/node_clients.py, which also removes the directory.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const READY_LIMIT_MS = 30_000;

const binary = process.env.CAIRN_SERVER;
const directory = process.env.CAIRN_DIR;

export const port = Number(process.env.CAIRN_PORT);
// True when a redis-server stands in Cairn's place, which lacks Cairn's extension.
export const standIn = spawnSync(binary, ['--version']).stdout.toString().startsWith('Redis server');

let child = null;

function answers() {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().startsWith('+PONG'));
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

export async function start() {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
  if (standIn) options.push('--save', '', '--appendonly', 'yes');
  child = spawn(binary, options, { stdio: ['ignore', 'inherit', 'inherit'] });
  const deadline = Date.now() + READY_LIMIT_MS;
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error('the server does not answer');
    await delay(5);
  }
}

export async function kill() {
  if (child === null || child.exitCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  child = null;
}

// Calls `condition` until it gives something true; fails after half a minute.
export async function waitFor(condition) {
  const deadline = Date.now() + READY_LIMIT_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error('the condition does not come true');
    await delay(5);
  }
}
