// node-redis 5 at work, in RESP2 and in RESP3.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createClient, RESP_TYPES } from 'redis';
import { kill, port, standIn, start, waitFor } from './server.js';

before(start);
after(kill);

for (const RESP of [2, 3]) {
  describe(`RESP${RESP}`, () => {
    let redis;
    let binary;

    before(async () => {
      redis = createClient({ RESP, socket: { port, host: '127.0.0.1', reconnectStrategy: () => 20 } });
      redis.on('error', () => {}); // A lost connection is part of the last test; commands report their own errors.
      await redis.connect();
      binary = redis.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    });
    beforeEach(() => redis.flushAll());
    after(() => redis.destroy());

    test('strings', async () => {
      assert.equal(await redis.set('k', 'v'), 'OK');
      assert.equal(await redis.get('k'), 'v');
      assert.equal(await redis.get('missing'), null);
      assert.equal(await redis.set('k', 'w', { condition: 'NX' }), null);
      assert.equal(await redis.set('k', 'w', { GET: true }), 'v');
      assert.equal(await redis.append('k', 'xyz'), 4);
      assert.equal(await redis.getRange('k', 1, -1), 'xyz');
      assert.equal(await redis.incrBy('n', 41), 41);
      assert.equal(await redis.incrByFloat('f', 0.5), '0.5');
      assert.equal(await redis.mSet({ a: '1', b: '2' }), 'OK');
      assert.deepEqual(await redis.mGet(['a', 'missing', 'b']), ['1', null, '2']);
      assert.equal(await redis.getDel('a'), '1');
      assert.equal(await redis.del(['b', 'k', 'missing']), 2);
      await redis.mSet({ x: 'ohmytext', y: 'mynewtext' });
      assert.equal(await redis.lcs('x', 'y'), 'mytext');
      assert.equal(await redis.lcsLen('x', 'y'), 6);
      assert.equal((await redis.lcsIdx('x', 'y')).len, 6);
    });

    test('expiry', async () => {
      await redis.set('k', 'v', { expiration: { type: 'EX', value: 1000 } });
      assert.ok([999, 1000].includes(await redis.ttl('k')));
      assert.equal(await redis.persist('k'), 1);
      assert.equal(await redis.expireAt('k', 20_000_000_000), 1);
      assert.equal(await redis.expireTime('k'), 20_000_000_000);
      await redis.set('short', 'v', { expiration: { type: 'PX', value: 20 } });
      await waitFor(async () => (await redis.exists('short')) === 0);
    });

    test('pipelines and errors', async () => {
      const sent = [];
      for (let i = 0; i < 5000; i++) sent.push(redis.set(`p:${i}`, String(i)), redis.incr(`p:${i}`));
      const replies = await Promise.all(sent);
      for (let i = 0; i < 5000; i++) assert.equal(replies[2 * i + 1], i + 1);
      await redis.set('text', 'abc');
      await assert.rejects(redis.incr('text'), /^Error: ERR value is not an integer or out of range$|not an integer/);
      await assert.rejects(redis.sendCommand(['NOSUCHCOMMAND', 'x']), /ERR unknown command 'NOSUCHCOMMAND'/);
      assert.equal(await redis.get('text'), 'abc');
    });

    test('scan', async () => {
      const names = Array.from({ length: 3000 }, (_, i) => `it:${i}`);
      await redis.mSet([...names, 'else'].map((name) => [name, 'v']));
      const found = [];
      for await (const page of redis.scanIterator({ MATCH: 'it:*', COUNT: 100 })) found.push(...page);
      assert.deepEqual([...new Set(found)].sort(), names.sort());
    });

    test('binary', async () => {
      const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      await redis.set(every, every);
      assert.deepEqual(await binary.get(every), every);
      assert.deepEqual(await binary.keys('*'), [every]);
    });

    test('20 MB there and back', async () => {
      const value = Buffer.alloc(20_000_000, 'abcdefghij');
      await redis.set('big', value);
      assert.equal(await redis.strLen('big'), value.length);
      assert.ok((await binary.get('big')).equals(value));
    });

    test('maps, names and databases', async () => {
      assert.deepEqual({ ...(await redis.configGet('databases')) }, { databases: '16' });
      assert.match(await redis.info('server'), /redis_version:7\./);
      await redis.clientSetName('tester');
      assert.equal(await redis.clientGetName(), 'tester');
      assert.equal((await redis.clientInfo()).name, 'tester');
      const other = redis.duplicate({ database: 3 });
      await other.connect();
      await other.set('k', 'three');
      assert.equal(await redis.exists('k'), 0);
      assert.equal(await redis.swapDb(0, 3), 'OK');
      assert.equal(await redis.get('k'), 'three');
      await other.close();
      const hello = await redis.hello(RESP);
      assert.equal(hello.proto, RESP);
    });

    test('SCANRANGE through sendCommand()', { skip: standIn }, async () => {
      const names = Array.from({ length: 2500 }, (_, i) => `word:${String(i).padStart(4, '0')}`);
      await redis.mSet(names.map((name, i) => [name, String(i)]));
      const found = [];
      for (let bound = '[word:'; bound !== ''; ) {
        const [next, page] = await redis.sendCommand(['SCANRANGE', bound, '(word;', 'LIMIT', '400']);
        found.push(...page);
        bound = next;
      }
      assert.deepEqual(found, names);
      const [, pairs] = await redis.sendCommand(['SCANRANGE', '[word:2498', '+', 'WITHVALUES']);
      assert.deepEqual(pairs, RESP === 3 ? [['word:2498', '2498'], ['word:2499', '2499']]
        : ['word:2498', '2498', 'word:2499', '2499']);
      assert.equal(await redis.sendCommand(['COUNTRANGE', '(word:0999', '+']), 1500);
      assert.equal(await redis.sendCommand(['DELRANGE', '-', '(word:1000']), 1000);
    });

    test('the client comes back after kill -9 and a restart', async () => {
      await redis.set('survivor', '1');
      await kill();
      await start();
      assert.equal(await waitFor(() => redis.get('survivor').catch(() => null)), '1');
      assert.equal(await redis.incr('survivor'), 2);
    });
  });
}
