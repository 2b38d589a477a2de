// /metrics as Prometheus, Grafana and an operator read it, while a call runs and after it; the dashboard and the alert rules use
// names that exist.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { start } from './dngate.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { ofBrowser } from './lib/counts.mjs';
import { metricsOfNow, parse, scrape } from './lib/metrics.mjs';
import { AgentPage } from './lib/page.mjs';
import { checkMos, mos } from './lib/quality.mjs';

const RTT_MS = 1000; // on one machine, at most, however little time it has

const docs = (name) => new URL(`../../docs/${name}`, import.meta.url);

let server, browser, during, ended;
let talked, later; // the browser's counts before and after `during`

before(async () => {
    server = await start();
    browser = await launchChromium();
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    const agent = await AgentPage.open(context, server, '5001');
    const nextCdr = await watchCdr(server);
    await agent.startShift();
    await agent.dial('600');
    await agent.call('connected');
    await agent.hears();
    talked = await ofBrowser(agent);
    during = await metricsOfNow(server);
    later = await ofBrowser(agent);
    await agent.hangup();
    await agent.dial('603');
    await agent.call('ended');
    await nextCdr(2);
    ended = parse(await scrape(server));
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

test('names and help follow the conventions', () => {
    for (const { name, help, type, samples } of ended.families.values()) {
        assert.match(name, /^(dngate|process)_[a-z0-9_]+$/);
        assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
        assert.doesNotMatch(name, /_(ms|us|kb|mb|percent|days|minutes)(_|$)/, 'base units');
        assert.ok(name === 'process_threads' || help.length > 12, `${name}: ${help}`);
        assert.ok(samples.length, name);
    }
});

test('histograms are whole', () => {
    const key = ({ le, ...labels }) => JSON.stringify(labels);
    for (const { name, samples } of [...ended.families.values()].filter((f) => f.type === 'histogram')) {
        for (const one of new Set(samples.map(({ labels }) => key(labels)))) {
            const group = samples.filter(({ labels }) => key(labels) === one);
            const buckets = group.filter((s) => s.name === `${name}_bucket`);
            const bounds = buckets.map((s) => (s.labels.le === '+Inf' ? Infinity : Number(s.labels.le)));
            assert.deepEqual(bounds, [...bounds].sort((a, b) => a - b));
            assert.equal(bounds.at(-1), Infinity);
            for (const [i, { value }] of buckets.entries()) assert.ok(!i || value >= buckets[i - 1].value, name);
            assert.equal(buckets.at(-1).value, group.find((s) => s.name === `${name}_count`).value);
        }
    }
});

test('cardinality is bounded: no DN, number, address or call id in a label', () => {
    assert.ok(ended.samples.length < 1500, `${ended.samples.length} samples`);
    for (const { name, labels } of ended.samples)
        for (const value of Object.values(labels)) {
            if (name === 'dngate_build_info' || name.endsWith('_bucket')) continue;
            assert.doesNotMatch(value, /\d{3}|\d\.\d|@/, `${name} ${JSON.stringify(labels)}`);
        }
});

test('a running call shows', () => {
    assert.equal(during.sum('dngate_calls', { direction: 'out', state: 'answered' }), 1);
    assert.equal(during.sum('dngate_calls'), 1);
    assert.equal(during.sum('dngate_registrations'), 1);
    assert.equal(during.sum('dngate_limit_used', { name: 'calls' }), 1);
    assert.equal(during.sum('dngate_limit_used', { name: 'rtp_port_pairs' }), 1);
    assert.equal(during.sum('dngate_media_worker_paths'), 1);
    for (const from of ['browser', 'trunk']) {
        assert.equal(during.sum('dngate_live_mos_min', { from }), during.sum('dngate_live_mos_mean', { from }), 'of one call');
        assert.equal(during.sum('dngate_live_jitter_max_seconds', { from }), during.sum('dngate_live_jitter_mean_seconds', { from }));
        for (const direction of ['in', 'out'])
            assert.ok(during.sum('dngate_media_bytes_total', { side: from, direction }) > 500, `${from} ${direction}`);
    }
    assert.ok(during.sum('dngate_jitter_buffer_delay_mean_seconds') > 0);
    assert.ok(during.sum('dngate_media_worker_load_ratio') > 0);
});

test('packets are those that the browser has counted', () => {
    const expected = during.sum('dngate_audio_packets_expected_total', { from: 'browser' });

    assert.ok(talked.said > 0 && talked.said <= expected && expected <= later.said, `${talked.said} ${expected} ${later.said}`);
    assert.ok(ended.sum('dngate_audio_packets_expected_total', { from: 'trunk' }) >= later.heard - talked.heard, 'the trunk sends what is heard');
});

test('the MOS of a running call is what its loss, delay and codec give', () => {
    const late = ['late', 'no_room'].reduce((sum, reason) => sum + during.sum('dngate_jitter_buffer_discarded_packets_total', { reason }), 0);
    const given = (from, codec, late, rtt, buffer) => {
        const [lost, expected] = ['lost', 'expected'].map((what) => during.sum(`dngate_audio_packets_${what}_total`, { from }));
        return mos({ codec, loss: (lost + late) / expected, rtt, buffer, jitter: 1000 * during.sum('dngate_live_jitter_mean_seconds', { from }) });
    };
    const browser = (rtt) => given('browser', 'opus', late, rtt, 1000 * during.sum('dngate_jitter_buffer_delay_mean_seconds'));
    const trunk = given('trunk', 'PCMU', 0, 0, 0);

    checkMos(during.sum('dngate_live_mos_mean', { from: 'browser' }), [browser(RTT_MS), browser(0)]);
    checkMos(during.sum('dngate_live_mos_mean', { from: 'trunk' }), [trunk, trunk]);
});

test('an ended call stays in the figures', () => {
    assert.equal(ended.sum('dngate_calls'), 0);
    assert.equal(ended.sum('dngate_calls_total', { direction: 'out', result: 'answered' }), 1);
    assert.equal(ended.sum('dngate_calls_total', { direction: 'out', result: 'busy' }), 1);
    assert.equal(ended.sum('dngate_calls_total'), 2);
    for (const name of ['call_setup_seconds', 'call_answer_seconds', 'call_duration_seconds'])
        assert.equal(ended.sum(`dngate_${name}_count`, { direction: 'out' }), 1, name);
    for (const name of ['call_mos', 'call_jitter_seconds', 'call_loss_ratio'])
        for (const from of ['browser', 'trunk']) assert.equal(ended.sum(`dngate_${name}_count`, { from }), 1, name);
    assert.ok(Number.isNaN(ended.sum('dngate_live_mos_mean', { from: 'trunk' })), 'no call, no quality');
    assert.equal(ended.sum('dngate_cdr_written_total'), 2);
    assert.ok(ended.sum('dngate_db_commit_seconds_count', { what: 'calls' }) >= 1);
    for (const { name, labels, value } of during.samples)
        if (name.endsWith('_total')) assert.ok(ended.sum(name, labels) >= value, `${name} ${JSON.stringify(labels)} fell`);
});

test('trunk, certificate, process and log are there', () => {
    assert.equal(ended.sum('dngate_trunk_up', { trunk: 'lab' }), 1);
    assert.equal(ended.sum('dngate_trunk_last_code', { trunk: 'lab' }), 200);
    assert.ok(ended.sum('dngate_trunk_rtt_seconds', { trunk: 'lab' }) >= 0);
    assert.ok(ended.sum('dngate_certificate_expiry_timestamp_seconds') > Date.now() / 1000 + 30 * 86400);
    assert.ok(ended.sum('process_cpu_seconds_total') > 0);
    assert.ok(ended.sum('dngate_disk_free_bytes') > 0);
    assert.equal(ended.sum('dngate_log_lines_total', { level: 'info' }),
                 server.log.filter((line) => / info {2}/.test(line)).length);
    assert.equal(ended.sum('dngate_sip_auth_total', { result: 'ok' }), 1);
});

test('every limit shows its use', () => {
    const names = (metric) => ended.families.get(metric).samples.map(({ labels }) => labels.name).sort();
    const named = ['calls', 'registrations', 'ws_connections', 'web_connections', 'web_sources', 'media_paths', 'rtp_port_pairs',
                   'mbox_sip_ws', 'mbox_web_out', 'mbox_media_0', 'mbox_store_calls', 'mbox_store_cdrs', 'cdr_batch',
                   'sip_dialogs', 'sip_tcp_connections', 'sip_ws_connections', 'trunks', 'guard_sources', 'digest_nonces'];

    assert.deepEqual(names('dngate_limit_used'), names('dngate_limit_max'));
    for (const name of named) assert.ok(names('dngate_limit_max').includes(name), `no limit ${name}`);
    for (const name of names('dngate_limit_max')) {
        assert.ok(ended.sum('dngate_limit_max', { name }) > 0, name);
        assert.ok(ended.sum('dngate_limit_used', { name }) <= ended.sum('dngate_limit_max', { name }), name);
    }
});

// Metrics with the labels that are matched on or grouped by; `by` labels are asked of all metrics of the expression together.
function checkExpression(where, expression) {
    const known = new Map();
    for (const { name, labels } of [...during.samples, ...ended.samples])
        known.set(name, new Set([...(known.get(name) ?? []), ...Object.keys(labels), 'job', 'instance']));
    const used = [...expression.matchAll(/\b((?:dngate|process)_[a-z0-9_]+)(?:\{([^}]*)\})?/g)];

    for (const [, name, selector = ''] of used) {
        assert.ok(known.has(name), `${where}: there is no ${name}`);
        for (const [, label] of selector.matchAll(/(\w+)(?:=~|!~|!=|=)"/g))
            assert.ok(known.get(name).has(label), `${where}: ${name} has no label ${label}`);
    }
    for (const [, list] of expression.matchAll(/\bby \(([^)]*)\)/g))
        for (const label of list.split(/,\s*/))
            assert.ok(used.some(([, name]) => known.get(name).has(label)), `${where}: nothing has label ${label}`);
    for (const [open, close] of ['()', '[]', '{}'])
        assert.equal(expression.split(open).length, expression.split(close).length, `${where}: ${expression}`);
    return used.length;
}

test('the dashboard asks for what there is', () => {
    const dashboard = JSON.parse(readFileSync(docs('grafana-dashboard.json')));
    const titles = dashboard.panels.filter((panel) => panel.type === 'row').map((panel) => panel.title);
    const panels = dashboard.panels.filter((panel) => panel.type !== 'row');

    for (const part of ['Calls', 'Quality', 'Trunks', 'Registrations', 'Resources', 'limits'])
        assert.ok(titles.some((title) => title.includes(part)), `no row for ${part}`);
    assert.equal(new Set(dashboard.panels.map((panel) => panel.id)).size, dashboard.panels.length);
    for (const { title, targets } of panels)
        for (const { expr } of targets) assert.ok(checkExpression(title, expr) >= 1, title);
    for (const { name, query } of dashboard.templating.list.slice(1)) assert.ok(checkExpression(name, query) >= 1);
    for (const { name, expr } of dashboard.annotations.list) assert.ok(checkExpression(name, expr) >= 1);
});

test('the alert rules ask for what there is', (t) => {
    const rules = readFileSync(docs('prometheus-alerts.yml'), 'utf8').split(/^ {6}- alert: /m).slice(1);
    const names = rules.map((rule) => rule.slice(0, rule.indexOf('\n')));

    for (const name of ['DngateTrunkDown', 'DngateNoRegistrations', 'DngateQualityBad', 'DngateLoss', 'DngateLimitNear',
                        'DngateCertificateExpires', 'DngateCdrSpill', 'DngateRestarts', 'DngateDiskLow'])
        assert.ok(names.includes(name), `no rule ${name}`);
    assert.equal(new Set(names).size, names.length);
    for (const [i, rule] of rules.entries()) {
        const expression = /^ {8}expr: (.+)$/m.exec(rule);
        assert.ok(expression, names[i]);
        checkExpression(names[i], expression[1]);
        assert.match(rule, /^ {8}labels: \{severity: (critical|warning)\}$/m, names[i]);
        assert.match(rule, /^ {10}summary: ".+"\n {10}description: ".+"$/m, names[i]);
    }
    try {
        t.diagnostic(execFileSync('promtool', ['check', 'rules', docs('prometheus-alerts.yml').pathname]).toString().trim());
    } catch (error) {
        if (error.code !== 'ENOENT') throw error; /* without promtool the check above has to do */
    }
});
