// The parts of the console's pages that need no browser: lists, ranges, diffs, firewall rules, what a setting takes.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { script } from './lib/script.mjs';

const csv = await script('console/pure/csv.ts');
const dns = await script('console/pure/dns.ts');
const diff = await script('console/pure/diff.ts');
const graph = await script('console/pure/graph.ts');
const fw = await script('console/pure/firewall.ts');
const setting = await script('console/pure/setting.ts');
const { qr } = await script('console/pure/qr.ts');
const { correction, generate, mode } = createRequire(new URL('../../admin-ui/package.json', import.meta.url))('lean-qr');

test('CSV as RFC 4180 says and as spreadsheets write it', () => {
    assert.deepEqual(csv.readCsv('dn,name\r\n5001,"Ada ""A"" L,\nlast"\r\n\r\n5002,\n'), [['dn', 'name'], ['5001', 'Ada "A" L,\nlast'], ['5002', '']]);
    assert.deepEqual(csv.readCsv('\ufeffdn;name\n5001;"a;b"'), [['dn', 'name'], ['5001', 'a;b']]);
    assert.deepEqual(csv.readCsv(''), []);
    assert.equal(csv.separatorOf('a\tb\tc,d'), '\t');
    assert.equal(csv.separatorOf('"a;b;c",d'), ',');
    assert.deepEqual(csv.readCsv(csv.writeCsv([['a"b', 'c,d', '\n']])), [['a"b', 'c,d', '\n']]);
});

test('semicolons become commas, and lines stay where they are', () => {
    assert.equal(csv.commas('dn;name\n5001;"a;b"\n\n5002;c'), 'dn,name\n5001,"a;b"\n\n5002,c');
    assert.equal(csv.commas('dn;name\n5001;Lovelace, Ada\n'), 'dn,name\n5001,"Lovelace, Ada"\n');
    assert.equal(csv.commas('dn,name\n5001,a;b'), 'dn,name\n5001,a;b');
});

test('files of any encoding that a spreadsheet writes', () => {
    assert.equal(csv.decode(new TextEncoder().encode('Zoë')), 'Zoë');
    assert.equal(csv.decode(Uint8Array.of(0x5a, 0x6f, 0xeb)), 'Zoë');
    assert.equal(csv.decode(Uint8Array.of(0xff, 0xfe, 0x5a, 0, 0xeb, 0)), 'Zë');
});

test('finds the DN and the name in a foreign list', () => {
    const found = csv.columnsOf('Tenant;Number;Display Name\nEnv;5001;Ada\nEnv;5002;"Bo, B"\n');
    assert.equal(found.dn, 1);
    assert.equal(found.name, 2);
    assert.equal(csv.pick(found), 'dn,name\n5001,Ada\n5002,"Bo, B"\n');
    assert.equal(csv.pick(csv.columnsOf('5001\n5002\n')), 'dn\n5001\n5002\n');
});

test('ranges keep zeros and what stands before them', () => {
    assert.deepEqual(dns.range('A008', 'A011').dns, ['A008', 'A009', 'A010', 'A011']);
    assert.deepEqual(dns.range('98', '101').dns, ['98', '99', '100', '101']);
    assert.deepEqual(dns.range('+49300001', '+49300001').dns, ['+49300001']);
    assert.equal(dns.range('5001', '6000').dns.length, 1000);
    const troubles = [['', '1'], ['1', ''], ['a b', '1'], ['abc', '1'], ['1', 'abc'], ['A1', 'B2'], ['5010', '5001'], ['1', '5001'], ['001', '2']];
    assert.deepEqual(
        troubles.map(([a, b]) => dns.range(a, b)).map((r) => `${r.field} ${r.trouble}`),
        ['from empty', 'to empty', 'from not_dn', 'from no_digits', 'to no_digits', 'to differ', 'to backwards', 'to too_many', 'to differ'],
    );
    assert.equal(dns.brief(dns.range('1', '9').dns), '1, 2, 3 … 9');
    assert.equal(dns.nextDn('5009', (d) => d === '5010'), '5011');
});

test('what is other between two states', () => {
    assert.deepEqual(diff.changes({ a: 1, b: true, c: [1] }, { a: 1, b: false, c: [2], d: '' }), [
        { field: 'b', before: 'true', after: 'false' },
        { field: 'c', before: '[1]', after: '[2]' },
        { field: 'd', before: null, after: '' },
    ]);
    assert.deepEqual(diff.changes(null, { a: 1 }), [{ field: 'a', before: null, after: '1' }]);
    assert.deepEqual(diff.middle('10.1.2.3:5060', '10.1.9.3:5060'), { head: '10.1.', before: '2', after: '9', tail: '.3:5060' });
    assert.deepEqual(diff.middle('aa', 'aaa'), { head: 'aa', before: '', after: 'a', tail: '' });
});

const port = (more) => ({ way: 'ice', setting: '', protocol: 'udp', port: 10000, port_to: 0, who: 'browsers', needed: true, listening: true, state: '', detail: '', advice: '', ...more });

test('firewall rules name each port once, and narrow the trunk’s', () => {
    const ports = [
        port({ port_to: 10003 }),
        port({ way: 'https', protocol: 'tcp', port: 443 }),
        port({ way: 'wss', protocol: 'tcp', port: 443 }),
        port({ way: 'sip', port: 5060, who: 'the trunk' }),
        port({ way: 'turn_udp', port: 3478, needed: false }),
        port({ way: 'off', port: 0 }),
    ];
    assert.equal(
        fw.rules('ufw', ports, ['10.1.0.0/16', '2001:db8::/32']),
        "ufw allow 10000:10003/udp comment 'ice: browsers'\n" +
            "ufw allow 443/tcp comment 'https: browsers'\n" +
            "ufw allow from 10.1.0.0/16 to any port 5060 proto udp comment 'sip: the trunk'\n" +
            "ufw allow from 2001:db8::/32 to any port 5060 proto udp comment 'sip: the trunk'\n" +
            "# ufw allow 3478/udp comment 'turn_udp: browsers'",
    );
    assert.match(fw.rules('nft', ports, ['10.1.0.0/16']), /input ip saddr '\{ 10\.1\.0\.0\/16 \}' udp dport 5060 accept/);
    assert.match(fw.rules('nft', ports), /udp dport 10000-10003 accept comment '"ice: browsers"'/);
    assert.equal(fw.rules('plain', ports).split('\n')[1], 'TCP  443          any  https: browsers');
    const evil = port({ who: `x"'; reboot` });
    assert.doesNotMatch(fw.rules('ufw', [evil]), /'; reboot/);
    assert.doesNotMatch(fw.rules('nft', [evil]), /['"]; reboot/);
});

test('a graph: round steps, bars on one another, lines with holes, days that begin at midnight', () => {
    assert.deepEqual(graph.steps([1, 5]), [1, 2, 3, 4, 5]);
    assert.deepEqual(graph.steps([0, 1]), [0, 1]);
    assert.deepEqual(graph.steps([0, 127]), [0, 50, 100]);
    assert.ok(graph.steps([0, 1e9]).length <= 6);
    assert.equal(graph.top([null, 0]), 1);
    assert.deepEqual(graph.sums([[1, null], [2, 3]]), [[1, 0], [3, 3]]);
    assert.equal(graph.barPath([10, 20], [5, 9], [9, 9], 4), 'M8.0 9.0V5.0h4.0V9.0z');
    assert.equal(graph.linePath([0, 1, 2, 3], [5, 6, null, 7]), 'M0.0 5.0L1.0 6.0M3.0 7.0h0');
    const day = new Date(2026, 9, 24).getTime() / 1000; // summer ends in the night after, where it does
    const { ticks, step } = graph.timeTicks(day, day + 4 * 86400, 6);
    assert.equal(step, 86400);
    for (const tick of ticks) assert.deepEqual([new Date(tick * 1000).getHours(), tick % 60], [0, 0]);
    assert.ok(ticks.length >= 4);
    assert.deepEqual(graph.timeTicks(600, 4200, 6).step, 600);
});

test('what a setting takes', () => {
    const s = (more) => ({ type: 'int', min: 1, max: 10, choices: [], ...more });
    assert.equal(setting.check(s(), '10'), null);
    assert.deepEqual(setting.check(s(), '11'), { what: 'range', min: 1, max: 10 });
    assert.equal(setting.check(s(), '1x').what, 'number');
    assert.equal(setting.check(s({ type: 'enum', choices: ['a', 'b'] }), 'c').what, 'choice');
    assert.equal(setting.check(s({ type: 'text', min: 3 }), 'ab').what, 'short');
    assert.equal(setting.check(s({ type: 'text', min: 3 }), 'äö'), null); // bytes count
    assert.equal(setting.check(s({ type: 'text', min: 0 }), 'äöüäöü').what, 'long');
    assert.equal(setting.environment('turn.relay_min'), 'DNGATE_TURN_RELAY_MIN');
    assert.ok(setting.matches({ key: 'sip.port', meaning: 'SIP towards the trunk', value: '5060', type: 'int' }, 'trunk 5060'));
});

test('QR codes are those of an encoder that others wrote, for every length', () => {
    for (let n = 1; n <= 154; n++) {
        const text = 'otpauth://totp/dngate:ada?secret=JBSWY3DPEHPK3PXP&'.repeat(4).slice(0, n);
        const theirs = generate(mode.bytes(new TextEncoder().encode(text)), { mask: 0, maxCorrectionLevel: correction.L });
        const dark = [];
        for (let y = 0; y < theirs.size; y++) for (let x = 0; x < theirs.size; x++) if (theirs.get(x, y)) dark.push(`M${x} ${y}h1v1h-1z`);
        assert.deepEqual(qr(text), { size: theirs.size, path: dark.join('') }, `${n} bytes`);
    }
    assert.equal(qr('x'.repeat(155)), null);
});
