// What /metrics says.
import assert from 'node:assert/strict';
import https from 'node:https';
import { until } from './wait.mjs';

export const scrape = (server, path = '/metrics') =>
    new Promise((resolve, reject) => {
        const url = `https://${server.host ?? '127.0.0.1'}:${server.ports.https}${path}`;
        https.get(url, { rejectUnauthorized: false }, (response) => {
            let text = '';
            response.on('data', (data) => (text += data));
            response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`${path}: ${response.statusCode}`))));
        }).on('error', reject);
    });

const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\["\\n])*)"/g;

// The text format 0.0.4, strictly: { families: Map(name → {help, type, samples: [{name, labels, value}]}), get(name, labels) }.
export function parse(text) {
    const families = new Map();
    let family;

    assert.ok(text.endsWith('\n'));
    for (const line of text.slice(0, -1).split('\n')) {
        const help = /^# HELP (\S+) (.+)$/.exec(line), type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
        if (help) {
            assert.ok(!families.has(help[1]), `${help[1]} appears twice`);
            families.set(help[1], (family = { name: help[1], help: help[2], samples: [] }));
        } else if (type) {
            assert.equal(type[1], family.name);
            family.type = type[2];
        } else {
            const sample = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (NaN|[-+0-9.e]+)$/.exec(line);
            assert.ok(sample, `not a sample: ${line}`);
            const labels = Object.fromEntries([...(sample[2] ?? '').matchAll(LABEL)].map(([, k, v]) => [k, v]));
            const suffix = sample[1].slice(family.name.length);
            assert.ok(sample[1].startsWith(family.name), `${line} among ${family.name}`);
            assert.ok(family.type === 'histogram' ? /^_(bucket|sum|count)$/.test(suffix) : !suffix, line);
            family.samples.push({ name: sample[1], labels, value: Number(sample[3]) });
        }
    }
    const samples = [...families.values()].flatMap((f) => f.samples);
    const matches = (sample, name, labels) =>
        sample.name === name && Object.entries(labels).every(([k, v]) => sample.labels[k] === v);
    return {
        families, samples,
        sum: (name, labels = {}) => {
            const found = samples.filter((sample) => matches(sample, name, labels));
            assert.ok(found.length, `no ${name} ${JSON.stringify(labels)}`);
            return found.reduce((all, { value }) => all + value, 0);
        },
    };
}

// As of now: media threads publish once a second what they have counted.
export async function metricsOfNow(server) {
    const running = (m) => m.samples.filter(({ name, value }) => name === 'dngate_media_worker_paths' && value > 0).map(({ labels }) => labels.worker);
    const taken = (m, worker) => m.sum('dngate_media_packets_total', { worker, side: 'browser', direction: 'in' });
    const begin = parse(await scrape(server));
    let now = begin;

    await until(async () => {
        now = parse(await scrape(server));
        return running(begin).every((worker) => taken(now, worker) > taken(begin, worker));
    }, 20000, 'media threads publish their figures');
    return now;
}
