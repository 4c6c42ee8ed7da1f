// ioredis 5 (RESP2) at work.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import Redis from 'ioredis';
import { kill, port, standIn, start, waitFor } from './server.js';

let redis;

before(async () => {
  await start();
  redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => {}); // A lost connection is part of the last test; commands report their own errors.
});
beforeEach(() => redis.flushall());
after(async () => {
  redis.disconnect();
  await kill();
});

test('strings', async () => {
  assert.equal(await redis.set('k', 'v'), 'OK');
  assert.equal(await redis.get('k'), 'v');
  assert.equal(await redis.get('missing'), null);
  assert.equal(await redis.set('k', 'w', 'NX'), null);
  assert.equal(await redis.set('k', 'w', 'GET'), 'v');
  assert.equal(await redis.append('k', 'xyz'), 4);
  assert.equal(await redis.getrange('k', 1, -1), 'xyz');
  assert.equal(await redis.incrby('n', 41), 41);
  assert.equal(await redis.incrbyfloat('f', 0.5), '0.5');
  assert.equal(await redis.mset({ a: 1, b: 2 }), 'OK');
  assert.deepEqual(await redis.mget('a', 'missing', 'b'), ['1', null, '2']);
  assert.equal(await redis.getdel('a'), '1');
  assert.equal(await redis.del('b', 'k', 'missing'), 2);
});

test('expiry', async () => {
  await redis.set('k', 'v', 'EX', 1000);
  assert.ok([999, 1000].includes(await redis.ttl('k')));
  assert.equal(await redis.persist('k'), 1);
  assert.equal(await redis.ttl('k'), -1);
  assert.equal(await redis.expireat('k', 20_000_000_000), 1);
  assert.equal(await redis.expiretime('k'), 20_000_000_000);
  await redis.set('short', 'v', 'PX', 20);
  await waitFor(async () => (await redis.exists('short')) === 0);
});

test('pipelines and errors', async () => {
  const pipeline = redis.pipeline();
  for (let i = 0; i < 5000; i++) pipeline.set(`p:${i}`, i).incr(`p:${i}`);
  pipeline.set('text', 'abc').incr('text').get('text');
  const replies = await pipeline.exec();
  assert.equal(replies.length, 10_003);
  for (let i = 0; i < 5000; i++) assert.deepEqual(replies[2 * i + 1], [null, i + 1]);
  assert.equal(replies[10_001][0].message, 'ERR value is not an integer or out of range');
  assert.deepEqual(replies[10_002], [null, 'abc']);
  await assert.rejects(redis.call('NOSUCHCOMMAND', 'x'), /ERR unknown command 'NOSUCHCOMMAND'/);
  await assert.rejects(redis.call('SWAPDB', 0, 99), /DB index is out of range/);
});

test('scan', async () => {
  const names = Array.from({ length: 3000 }, (_, i) => `it:${i}`);
  await redis.mset(...names.flatMap((name) => [name, 'v']), 'else', 'v');
  const found = [];
  for await (const page of redis.scanStream({ match: 'it:*', count: 100 })) found.push(...page);
  assert.deepEqual([...new Set(found)].sort(), names.sort());
});

test('binary', async () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  await redis.set(every, every);
  assert.deepEqual(await redis.getBuffer(every), every);
  assert.deepEqual(await redis.callBuffer('KEYS', '*'), [every]);
});

test('20 MB there and back', async () => {
  const value = Buffer.alloc(20_000_000, 'abcdefghij');
  await redis.set('big', value);
  assert.equal(await redis.strlen('big'), value.length);
  assert.ok((await redis.getBuffer('big')).equals(value));
});

test('info and names', async () => {
  assert.match(await redis.info('server'), /redis_version:7\./);
  await redis.client('SETNAME', 'tester');
  assert.equal(await redis.client('GETNAME'), 'tester');
  assert.deepEqual(await redis.config('GET', 'databases'), ['databases', '16']);
});

test('SCANRANGE through call()', { skip: standIn }, async () => {
  const names = Array.from({ length: 2500 }, (_, i) => `word:${String(i).padStart(4, '0')}`);
  await redis.mset(...names.flatMap((name, i) => [name, i]));
  const found = [];
  for (let bound = '[word:'; bound !== ''; ) {
    const [next, page] = await redis.call('SCANRANGE', bound, '(word;', 'LIMIT', 400);
    found.push(...page);
    bound = next;
  }
  assert.deepEqual(found, names);
  assert.deepEqual(await redis.call('SCANRANGE', '[word:2498', '+', 'WITHVALUES'), [
    '', ['word:2498', '2498', 'word:2499', '2499'],
  ]);
  assert.equal(await redis.call('COUNTRANGE', '(word:0999', '+'), 1500);
  assert.equal(await redis.call('DELRANGE', '-', '(word:1000'), 1000);
});

test('the client comes back after kill -9 and a restart', async () => {
  await redis.set('survivor', '1');
  await kill();
  await start();
  assert.equal(await redis.get('survivor'), '1');
  assert.equal(await redis.incr('survivor'), 2);
});
