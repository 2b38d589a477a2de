// Last of all: no log of any server that a test started holds any password that a test used; the lab's own, which stands in the
// README, may be in the one line that greets whoever started it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { directory, passwords } from './lib/logs.mjs';

const greeting = /lab: https:\/\/\S+ DN 5001, password lab5001/;
const here = new URL('.', import.meta.url);

test('the list has every password of the tests', () => {
    const sources = readdirSync(here).filter((name) => name.endsWith('.mjs'));
    const literal = /(?:--password(?:'\s*,\s*['`]|=)|\bpassword: '|-o', 'admin\.password=|\binput: ')([^'`]+?)(?:\\n)?['`]/g;
    let found = 0;

    for (const name of sources)
        for (const [, raw] of readFileSync(new URL(name, here), 'utf8').matchAll(literal)) {
            const word = raw.replace(/\$\{[^}]*\}/g, '1');
            if (word.length < 6 || /[,:]/.test(word)) continue; // no password, or an import: its passwords are given elsewhere, too
            found++;
            assert.ok(passwords.some((password) => password.test(word)), `${name}: lib/logs.mjs does not know ${word}`);
        }
    assert.ok(found > 5, `only ${found} passwords found`);
});

test('no log has a password', () => {
    assert.ok(existsSync(directory), 'no test kept a log');
    const others = ['unit.log', 'tsan.log', 'flow.log'].map((name) => join(directory, '..', name)); // of the suites before

    for (const where of [directory, ...others.filter(existsSync)])
        for (const name of readdirSync(where))
            for (const line of readFileSync(join(where, name), 'utf8').split('\n').filter((text) => !greeting.test(text)))
                for (const password of passwords) assert.doesNotMatch(line, password, name);
});

test('every line is one event of a known form', () => {
    const text = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn |info |debug|trace) [a-z_]+ .+/;
    const json = /^\{"time":"\S+","level":"(error|warn|info|debug|trace)","module":"[a-z_]+",.*"text":".*"\}$/;

    for (const name of readdirSync(directory))
        for (const line of readFileSync(join(directory, name), 'utf8').split('\n').filter(Boolean)) {
            if (line.startsWith('stderr ')) continue;
            assert.ok(text.test(line) || (json.test(line) && JSON.parse(line)), `${name}: ${line}`);
            if (/ (info|debug) {1,2}call id=/.test(line)) assert.match(line, / call id=\S+ dn=\S* /, name);
        }
});
