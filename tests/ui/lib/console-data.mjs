// What the stand-in box holds, made anew at each call and always the same but for the time: 'empty' (a new box), 'usual', 'full', 'broken'.
const MINUTE = 60e3;
const HOUR = 3600e3;
const DAY = 86400e3;
const FIRST = 'Ada Grace Alan Edsger Barbara Donald Radia Ken Margaret Dennis Hedy Linus Katherine Tim Joan Vint Frances Claude Mary Niklaus'.split(' ');
const LAST = 'Lovelace Hopper Turing Dijkstra Liskov Knuth Perlman Thompson Hamilton Ritchie Lamarr Torvalds Johnson Berners-Lee Clarke Cerf Allen Shannon Jackson Wirth'.split(' ');
const BROWSERS = ['Chrome 131, Windows', 'Edge 131, Windows', 'Firefox 133, Linux', 'Safari 18, macOS'];

// Numbers that look like chance and are the same each time (mulberry32).
function chance(seed) {
    let a = seed;
    return () => {
        a = (a + 0x6d2b79f5) | 0;
        let t = Math.imul(a ^ (a >>> 15), 1 | a);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

function series(rnd, n, { busy = 1, from = 0 }) {
    const wave = (i) => 0.6 + 0.4 * Math.sin((i / n) * 6);
    const make = (f) => Array.from({ length: n }, (_, i) => (i < from ? null : f(i)));
    const whole = (most) => make((i) => Math.floor(busy * most * wave(i) * (0.5 + rnd())));
    return {
        ...{ calls: whole(6), registrations: whole(20), answered: whole(4), failed: make(() => (rnd() < 0.1 * busy ? 1 : 0)), abandoned: make(() => (rnd() < 0.2 * busy ? 1 : 0)) },
        ...{ inbound: whole(4), outbound: whole(2), mos: make(() => (busy ? Math.round((4.2 + rnd() * 0.25) * 100) / 100 : null)) },
        ...{ loss_percent: make(() => (busy ? Math.round(rnd() * 4) / 10 : null)), jitter_ms: make(() => (busy ? Math.round(2 + rnd() * 4) : null)) },
        ...{ cpu_percent: make(() => Math.round((1 + 6 * busy * rnd()) * 10) / 10), rss_bytes: make(() => 31e6 + Math.floor(rnd() * 2e6)) },
        ...{ bits_per_s: whole(600_000), turn_bits_per_s: whole(80_000) },
    };
}

function history(rnd, now, busy) {
    const span = (step, n) => ({ step_ms: step, from_ms: now - step * n, series: series(rnd, n, { busy, from: busy ? 0 : n - 3 }) });
    return { '1h': span(MINUTE, 60), '24h': span(10 * MINUTE, 144), '30d': span(4 * HOUR, 180) };
}

const SETTINGS = [
    ['public.address', 'text', '', '', 0, 0, '', [], 'Address or name that browsers and the trunk reach this box by.', true],
    ['https.port', 'int', '443', '443', 0, 65535, '', [], 'HTTPS, WSS and TURN over TLS.', true],
    ['sip.port', 'int', '5060', '5060', 0, 65535, '', [], 'Trunk side, UDP and TCP.', true],
    ['turn.port', 'int', '3478', '3478', 0, 65535, '', [], 'STUN and TURN, UDP and TCP.', true],
    ['log.level', 'enum', 'info', 'info', 0, 0, '', ['error', 'warn', 'info', 'debug'], 'How much the log says.', false],
    ['call.limit_per_dn', 'int', '2', '2', 1, 10, 'calls', [], 'Calls a DN may have at a time.', false],
    ['drain.seconds', 'int', '60', '60', 0, 3600, 's', [], 'How long running calls may go on when the box stops.', false],
    ['ws.require_origin', 'bool', 'no', 'no', 0, 0, '', [], 'A WebSocket client without Origin (not a browser) is refused.', false],
    ['admin.password', 'secret', '', '', 0, 0, '', [], 'Sets the first administrator’s password.', false],
    ['cdr.keep_days', 'int', '365', '365', 1, 3650, 'days', [], 'How long call records are kept.', false],
];

export function fixtures(kind) {
    const rnd = chance(7);
    const now = Math.floor(Date.now() / 1000) * 1000;
    const empty = kind === 'empty';
    const count = { empty: 0, usual: 22, full: 5000, broken: 22 }[kind];
    const pick = (list) => list[Math.floor(rnd() * list.length)];

    const dns = Array.from({ length: count }, (_, i) => {
        const state = rnd() < 0.15 ? 'on_call' : rnd() < 0.03 ? 'ringing' : rnd() < 0.5 ? 'ready' : 'off';
        const on = state !== 'off';
        return {
            ...{ dn: String((count > 1000 ? 10000 : 5001) + i), name: `${FIRST[i % 20]} ${LAST[(i * 7 + Math.floor(i / 20)) % 20]}`, enabled: rnd() > 0.04, codec: pick(['auto', 'auto', 'auto', 'opus', 'pcma']) },
            ...{ auto_answer: rnd() < 0.1, call_limit: 0, trunk_password_set: false, created_ms: now - 90 * DAY, changed_ms: now - Math.floor(rnd() * 60) * DAY, state, since_ms: on ? now - Math.floor(rnd() * 4 * HOUR) : 0 },
            ...{ address: on ? `10.1.${i % 250}.${20 + (i % 200)}` : '', browser: on ? BROWSERS[i % 4] : '' },
        };
    });
    const registrations = dns
        .filter((d) => d.state !== 'off')
        .map(({ dn, name, address, browser, since_ms, state }) => ({ dn, name, address, browser, registered_ms: since_ms, expires_ms: now + 300e3, state,
            upstream: dn === '5003' ? { state: 'refused', code: 404, since_ms, until_ms: 0, trunk: 'genesys', text: 'SIP Server does not know the DN' }
                                    : { state: 'registered', code: 200, since_ms, until_ms: now + 3000e3, trunk: 'genesys', text: 'registered' } }));
    const figures = () => ({ mos: Math.round((4.1 + rnd() * 0.3) * 10) / 10, loss_percent: Math.round(rnd() * 5) / 10, jitter_ms: Math.round(2 + rnd() * 6) });
    const calls = dns
        .filter((d) => d.state === 'on_call' || d.state === 'ringing')
        .slice(0, kind === 'full' ? 400 : 2)
        .map((d, i) => {
            const inbound = i % 3 !== 1;
            const number = `+4930${1234567 + i}`;
            const start = now - 20e3 - Math.floor(rnd() * 8 * MINUTE);
            return {
                ...{ id: `c${i + 1}`, dn: d.dn, name: d.name, direction: inbound ? 'in' : 'out', caller: inbound ? number : d.dn, caller_name: inbound ? `${pick(FIRST)} ${pick(LAST)}` : d.name },
                ...{ callee: inbound ? d.dn : number, trunk: 'genesys', state: d.state === 'ringing' ? 'ringing' : 'talking', path: pick(['direct', 'direct', 'relay-udp', 'relay-tls']), address: d.address },
                ...{ codec_browser: 'opus', codec_trunk: 'PCMA', start_ms: start, answer_ms: d.state === 'ringing' ? 0 : start + 6000, call_uuid: `0O1F6HVQ${i}` },
                quality: d.state === 'ringing' ? null : { to_trunk: figures(), to_browser: figures(), browser: figures(), rtt_ms: Math.round(10 + rnd() * 30) },
            };
        });
    const agents = { off: 0, ready: 0, ringing: 0, on_call: 0 };
    for (const d of dns) agents[d.state]++;

    const results = ['answered', 'answered', 'answered', 'answered', 'answered', 'cancelled', 'failed', 'busy'];
    const cdr = Array.from({ length: { empty: 0, usual: 120, full: 4000, broken: 120 }[kind] }, (_, i) => {
        const d = dns[Math.floor(rnd() * dns.length)];
        const result = pick(results);
        const inbound = rnd() < 0.7;
        const number = `+4930${1000000 + Math.floor(rnd() * 9e6)}`;
        const start = now - Math.floor((i + rnd()) * (kind === 'full' ? 10 : 6) * MINUTE);
        const ring = 2000 + Math.floor(rnd() * 14000);
        const talk = result === 'answered' ? Math.floor(10 + rnd() * 600) : 0;
        return {
            ...{ id: 100000 - i, direction: inbound ? 'in' : 'out', dn: d.dn, caller: inbound ? number : d.dn, callee: inbound ? d.dn : number, caller_name: inbound ? `${pick(FIRST)} ${pick(LAST)}` : d.name },
            ...{ trunk: 'genesys', start_ms: start, ring_ms: start + 200, answer_ms: talk ? start + ring : 0, end_ms: start + ring + talk * 1000, duration_s: talk, ring_s: Math.round(ring / 1000), result },
            ...{ code: { answered: 200, cancelled: 487, failed: 503, busy: 486 }[result], reason: result === 'failed' ? 'Service Unavailable' : '', hangup: pick(['caller', 'agent']), path: pick(['direct', 'direct', 'relay-udp']) },
            ...{ mos: talk ? Math.round((3.4 + rnd()) * 10) / 10 : 0, verdict: result === 'failed' ? 'The trunk refused the call' : '', traced: result !== 'answered' || rnd() < 0.1 },
        };
    });

    const down = kind === 'broken';
    const up = (name, reason = '') => ({ name, state: 'up', reason, since_ms: now - 6 * DAY });
    const trunks = empty
        ? []
        : [
              { name: 'genesys', host: 'sip.genesys.example.com', port: 5060, transport: 'udp', username: '', password_set: false, registers: true, enabled: true, priority: 1, ping_seconds: 30, codecs: ['pcma', 'pcmu'], ptime: 20, tls_ca: '', tls_name: '', tls_cert: '' },
              { name: 'backup', host: '192.0.2.20', port: 5061, transport: 'tls', username: 'dngate', password_set: true, registers: false, enabled: true, priority: 2, ping_seconds: 30, codecs: ['pcma'], ptime: 20, tls_ca: '/data/tls/site-ca.pem', tls_name: 'backup.example.com', tls_cert: '' },
          ];
    const status = {
        ...{ ready: !down, lab: false, version: '0.1.0', started_ms: now - 6 * DAY, uptime_s: 6 * 86400 + 3 * 3600, now_ms: now },
        parts: [
            up('web', 'listening'),
            up('sip', 'listening'),
            up('media', '2 workers'),
            down ? { name: 'store', state: 'degraded', reason: 'Records are written to cdr.spill: the disk is full.', since_ms: now - 12 * MINUTE } : up('store'),
            up('turn'),
            down ? { name: 'disk', state: 'down', reason: '/data has 0 bytes left.', since_ms: now - 12 * MINUTE } : up('disk', '71 % full'),
            empty ? { name: 'trunk', state: 'degraded', reason: 'No trunk is set up.', since_ms: now - MINUTE } : down ? { name: 'trunk', state: 'down', reason: 'genesys does not answer OPTIONS since 14:03.', since_ms: now - 9 * MINUTE } : up('trunk'),
            up('certificate'),
        ],
        attention: down
            ? [
                  { level: 'bad', text: 'Trunk genesys does not answer: calls go by backup.', advice: 'Ask whether SIP Server sip.genesys.example.com:5060 runs, and whether a firewall between has changed.', place: 'trunks', since_ms: now - 9 * MINUTE },
                  { level: 'bad', text: 'The disk is full: calls go on, new records wait.', advice: 'Free some space in /data, or keep records for a shorter time.', place: 'settings', since_ms: now - 12 * MINUTE },
                  { level: 'warn', text: 'The certificate ends in 12 days.', advice: 'Agents’ browsers will refuse the page then. Upload a new one.', place: 'network', since_ms: now - 2 * DAY },
              ]
            : kind === 'full'
              ? [{ level: 'warn', text: 'The certificate ends in 12 days.', advice: 'Agents’ browsers will refuse the page then. Upload a new one.', place: 'network', since_ms: now - 2 * DAY }]
              : [],
        ...{ calls: calls.length, registrations: registrations.length, dns: dns.length, agents },
        trunks: trunks.map(({ name }, i) => ({ name, state: down && !i ? 'down' : 'up', rtt_ms: down && !i ? 0 : 12 + 2 * i, since_ms: now - (down && !i ? 9 * MINUTE : 6 * DAY) })),
        hour: empty ? { inbound: 0, outbound: 0, answered: 0, average_s: 0, abandoned: 0, abandoned_percent: 0, failed: 0 } : { inbound: 127, outbound: 45, answered: 161, average_s: 323, abandoned: 8, abandoned_percent: 6.3, failed: 3 },
        voice: empty ? { mos: 0, loss_percent: 0, jitter_ms: 0, rtt_ms: 0 } : { mos: 4.3, loss_percent: 0.1, jitter_ms: 4, rtt_ms: 24 },
        turn: empty ? { calls: 0, allocations: 0, bits_per_s: 0 } : { calls: 1, allocations: 3, bits_per_s: 80_000 },
        box: { cpu_percent: 4, cpus: 2, rss_bytes: 32_500_000, disk_percent: down ? 100 : 71, disk_free_bytes: down ? 0 : 9e9, bits_per_s: empty ? 0 : 1_200_000, load: 0.3 },
        certificate: { subject: 'CN=dngate.example.com', expires_ms: now + (down ? 12 : 300) * DAY, days: down ? 12 : 300, own: empty },
        errors_per_min: down ? 14 : 0,
    };

    return {
        ...{ setup: empty, status, dns, registrations, calls, cdr, trunks, history: history(chance(11), now, empty ? 0 : 1) },
        trunkTest: {
            running: false,
            started_ms: now,
            steps: [
                { name: 'dns', result: 'ok', ms: 3, detail: 'sip.genesys.example.com is 192.0.2.10.', advice: '' },
                { name: 'reach', result: 'ok', ms: 12, detail: '192.0.2.10:5060 by UDP.', advice: '' },
                { name: 'options', result: 'ok', ms: 12, detail: '200 OK', advice: '' },
                { name: 'invite', result: 'ok', ms: 15, detail: '404 as expected: calls are routed.', advice: '' },
            ],
        },
        trunkHistory: empty ? [] : [{ time_ms: now - 9 * MINUTE, state: down ? 'down' : 'up', detail: down ? 'OPTIONS was not answered three times.' : '200 OK' }, { time_ms: now - 6 * DAY, state: 'up', detail: '200 OK' }],
        dnHistory: [
            { time_ms: now - HOUR, event: 'signed_in', address: '10.1.0.20', browser: BROWSERS[0], detail: '' },
            { time_ms: now - 3 * HOUR, event: 'expired', address: '10.1.0.20', browser: BROWSERS[0], detail: 'The browser went away.' },
            { time_ms: now - 4 * HOUR, event: 'signed_in', address: '10.1.0.20', browser: BROWSERS[0], detail: '' },
            { time_ms: now - DAY, event: 'refused', address: '10.1.9.9', browser: BROWSERS[2], detail: 'Wrong password.' },
        ],
        selftests: empty ? [] : [
            ...[{ id: '1', dn: dns[0].dn, note: '', verdict: 'good' }, { id: '2', dn: '', note: 'the new one', verdict: 'bad' }].map((s) => ({
                ...{ ...s, time_ms: now - DAY, browser: 'Chrome 131', system: 'Windows', source: '10.1.0.20' },
                tests: [
                    { name: 'wss', result: 'good', detail: 'Open in 42 ms.', figures: { ms: 42 } },
                    { name: 'turn_udp', result: s.verdict, detail: s.verdict === 'bad' ? 'Nothing came back.' : 'An address in 30 ms.', figures: {} },
                ],
            })),
        ],
        bans: empty ? [] : [{ address: '198.51.100.7', since_ms: now - 5 * MINUTE, until_ms: now + 5 * MINUTE, failures: 20 }],
        callDetail: {
            from_browser: { codec: 'opus', packets: 16150, bytes: 1_200_000, lost: 3, jitter_ms: 4, mos: 4.3 },
            from_trunk: { codec: 'PCMA', packets: 0, bytes: 0, lost: 0, jitter_ms: 0, mos: 0 },
            ...{ rtt_ms: 24, address: '10.1.0.20', candidate: 'host', path_changes: 0, sip_call_id: 'a84b4c76e66710@sip.genesys.example.com', call_uuid: '0O1F6HVQ1' },
        },
        verdicts: {
            answered: { level: 'good', title: 'All was well.', cause: '', advice: '' },
            failed: { level: 'bad', title: 'The trunk refused the call (503).', cause: 'SIP Server had no way for it.', advice: 'Ask whether the number is routed in Genesys.' },
            cancelled: { level: 'warn', title: 'The caller hung up before the agent answered.', cause: 'It rang for 14 s.', advice: '' },
            busy: { level: 'warn', title: 'The agent was on two calls already (486).', cause: '', advice: '' },
        },
        trace: trace(now),
        watch: [],
        settings: SETTINGS.map(([key, type, value, preset, min, max, unit, choices, meaning, restart], i) => ({
            ...{ key, type, value: key === 'public.address' && !empty ? 'dngate.example.com' : value, default: preset, min, max, unit, choices, meaning, restart },
            ...{ source: key === 'public.address' && !empty ? 'database' : i === 1 ? 'environment' : 'default', locked: i === 1, pending: false, running: value },
        })),
        settingsHistory: empty ? [] : [{ id: 3, time_ms: now - DAY, who: 'ada', key: 'public.address', before: '', after: 'dngate.example.com', reason: 'moved to the new name' }],
        certificate: {
            ...{ subject: 'CN=dngate.example.com', names: ['dngate.example.com', '192.0.2.1'], issuer: empty ? 'CN=dngate.example.com' : 'CN=Example CA', not_before_ms: now - 60 * DAY, not_after_ms: now + status.certificate.days * DAY },
            ...{ days: status.certificate.days, own: empty, fingerprint: 'AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89', chain: empty ? [] : ['CN=Example CA'] },
        },
        network: {
            addresses: [{ address: '192.0.2.1', family: 'ipv4', why: 'The way to the internet goes out by it.' }],
            ports: [
                { way: 'https', setting: 'https.port', protocol: 'tcp', port: 443, port_to: 443, who: 'browsers', needed: true, listening: true, state: 'open', detail: 'Answered in 2 ms.', advice: '' },
                { way: 'ice', setting: 'ice.port', protocol: 'udp', port: 10000, port_to: 10001, who: 'browsers', needed: true, listening: true, state: down ? 'closed' : 'open', detail: down ? 'Nothing came back.' : 'Answered in 3 ms.', advice: down ? 'Open UDP 10000-10001 from browsers to this box.' : '' },
                { way: 'turn_udp', setting: 'turn.port', protocol: 'udp', port: 3478, port_to: 3478, who: 'browsers', needed: false, listening: true, state: 'open', detail: 'Answered in 2 ms.', advice: '' },
                { way: 'sip', setting: 'sip.port', protocol: 'udp', port: 5060, port_to: 5060, who: 'SIP Server', needed: true, listening: true, state: 'untried', detail: '', advice: '' },
                { way: 'rtp', setting: 'rtp.port_min', protocol: 'udp', port: 10100, port_to: 20000, who: 'SIP Server', needed: true, listening: true, state: 'untried', detail: '', advice: '' },
            ],
            checked_ms: now - MINUTE,
        },
        users: [
            { name: 'ada', role: 'admin', totp: false, created_ms: now - 90 * DAY, changed_ms: now - 90 * DAY },
            ...(empty ? [] : [{ name: 'grace', role: 'supervisor', totp: true, created_ms: now - 60 * DAY, changed_ms: now - 9 * DAY }, { name: 'wall', role: 'readonly', totp: false, created_ms: now - 30 * DAY, changed_ms: now - 30 * DAY }]),
        ],
        sessions: [
            { id: 's1', name: 'ada', role: 'admin', address: '10.1.0.5', user_agent: 'Chrome 131, Windows', created_ms: now - HOUR, seen_ms: now, current: true },
            { id: 's2', name: 'grace', role: 'supervisor', address: '10.1.0.6', user_agent: 'Firefox 133, Linux', created_ms: now - 5 * HOUR, seen_ms: now - 20 * MINUTE, current: false },
        ],
        apikeys: empty ? [] : [{ id: 'k1', name: 'Grafana', role: 'readonly', created_ms: now - 30 * DAY, expires_ms: now + 335 * DAY, seen_ms: now - MINUTE, user: 'ada' }],
        audit: empty
            ? []
            : Array.from({ length: kind === 'full' ? 3000 : 40 }, (_, i) => ({
                  ...{ id: 5000 - i, time_ms: now - i * 37 * MINUTE, who: pick(['ada', 'grace', 'root']), via: pick(['console', 'cli', 'key']), address: '10.1.0.5', noun: pick(['dn', 'trunk', 'setting', 'user']) },
                  ...{ key: pick(['5001', 'genesys', 'log.level', 'wall']), what: pick(['dn 5001 changed', 'trunk genesys added', 'setting log.level set to debug']), before: { name: 'Old' }, after: { name: 'New' }, reason: i % 5 ? '' : 'as asked in ticket 4711' },
              })),
        backups: empty ? [] : [{ name: 'dngate-2026-11-27.backup', bytes: 1_240_000, time_ms: now - DAY, why: 'scheduled' }, { name: 'before-005.db', bytes: 1_100_000, time_ms: now - 9 * DAY, why: 'migration' }],
        alerts: { webhook_set: !empty, last: empty ? null : { time_ms: now - DAY, ok: true, detail: '200 OK in 84 ms' } },
    };
}

function trace(now) {
    const text = (line) => `${line} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776asdhds\r\nFrom: <sip:+49301234567@sip.genesys.example.com>;tag=1928\r\nTo: <sip:5001@192.0.2.1>\r\nCall-ID: a84b4c76e66710@sip.genesys.example.com\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`;
    const t_ms = Array.from({ length: 64 }, (_, i) => i * 5000);
    const figures = (base) => ({ loss_percent: t_ms.map((_, i) => (i % 13 === 4 ? 0.4 : 0)), jitter_ms: t_ms.map((_, i) => base + (i % 5)), mos: t_ms.map((_, i) => 4.3 - (i % 13 === 4 ? 0.3 : 0)) });
    return {
        ...{ id: 0, from_ms: now - 400e3, complete: true, dropped: 0 },
        events: [
            { t_ms: 0, leg: 'trunk', kind: 'sip', direction: 'in', title: 'INVITE', text: text('INVITE sip:5001@192.0.2.1') },
            { t_ms: 4, leg: 'browser', kind: 'sip', direction: 'out', title: 'INVITE', text: text('INVITE sip:5001@x.invalid') },
            { t_ms: 120, leg: 'browser', kind: 'sip', direction: 'in', title: '180 Ringing', text: 'SIP/2.0 180 Ringing\r\n\r\n' },
            { t_ms: 122, leg: 'trunk', kind: 'sip', direction: 'out', title: '180 Ringing', text: 'SIP/2.0 180 Ringing\r\n\r\n' },
            { t_ms: 4100, leg: 'browser', kind: 'sip', direction: 'in', title: '200 OK', text: 'SIP/2.0 200 OK\r\n\r\n' },
            { t_ms: 4180, leg: 'gateway', kind: 'ice', direction: '', title: 'ICE direct 10.1.0.20' },
            { t_ms: 4230, leg: 'gateway', kind: 'dtls', direction: '', title: 'DTLS done' },
            { t_ms: 4240, leg: 'trunk', kind: 'sip', direction: 'out', title: '200 OK', text: 'SIP/2.0 200 OK\r\n\r\n' },
            { t_ms: 4260, leg: 'trunk', kind: 'sip', direction: 'in', title: 'ACK', text: text('ACK sip:5001@192.0.2.1') },
            { t_ms: 120_000, leg: 'trunk', kind: 'sip', direction: 'in', title: 're-INVITE (hold)', text: text('INVITE sip:5001@192.0.2.1') },
            { t_ms: 323_000, leg: 'browser', kind: 'sip', direction: 'in', title: 'BYE', text: 'BYE sip:x SIP/2.0\r\n\r\n' },
            { t_ms: 323_010, leg: 'trunk', kind: 'sip', direction: 'out', title: 'BYE', text: text('BYE sip:+49301234567@sip.genesys.example.com') },
        ],
        graphs: { t_ms, to_trunk: figures(2), to_browser: figures(3), browser: figures(4) },
    };
}
