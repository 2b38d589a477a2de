// A stand-in for the box as the console sees it: serves the built pages with the real policy, and answers /api/admin/v1 in the shapes of openapi.json from
// fixtures (lib/console-data.mjs): empty, usual, full (5,000 DNs, thousands of records), broken (trunk down, disk full).
//
//   const box = await new FakeBox().start();
//   box.become('full');                          fixtures anew
//   const page = await box.signedIn(browser);    a page that is signed in, at /admin/
//   box.asked('POST', '/dns')                    the bodies of what was asked for, in order
//   box.answer('GET /trunks/genesys/test', {…})  what a route says from now on: a value, or (request) => value or { status, body, headers }
//   box.push('calls', { set: […], gone: […] })   to all /events
import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { createHash } from 'node:crypto';
import { extname, join } from 'node:path';
import { fixtures } from './console-data.mjs';
import { WebSocketServer } from './npm.mjs';

const root = new URL('../../../', import.meta.url).pathname;
const mime = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json', '.txt': 'text/plain' };
const BASE = '/api/admin/v1';
export const PASSWORD = 'correct horse';
export const SETUP = 'setup-token';

const problem = (status, detail, more = {}) => ({ status, type: 'application/problem+json', body: { type: 'about:blank', title: 'Refused', status, detail, ...more } });
const fieldProblem = (field, detail) => problem(422, detail, { errors: [{ field, detail }] });

// The list that was asked for: q in any text, members equal, times between, sorted, a page of it.
function listed(items, query, { texts = [], equal = [], time = '', sorts = {}, first } = {}) {
    const q = (query.get('q') ?? '').toLowerCase();
    let found = items.filter(
        (item) =>
            (!q || texts.some((name) => String(item[name] ?? '').toLowerCase().includes(q))) &&
            equal.every((name) => !query.get(name) || String(item[name]) === query.get(name)) &&
            (!time || ((!query.get('from_ms') || item[time] >= Number(query.get('from_ms'))) && (!query.get('to_ms') || item[time] < Number(query.get('to_ms'))))),
    );
    const by = sorts[query.get('sort') ?? first] ?? query.get('sort');
    if (by) {
        const turn = query.get('order') === 'desc' ? -1 : 1;
        found = [...found].sort((a, b) => turn * (typeof a[by] === 'number' ? a[by] - b[by] : String(a[by]).localeCompare(String(b[by]))));
    }
    const at = Number(query.get('cursor') || 0);
    const limit = Math.min(500, Number(query.get('limit') || 100));
    return { items: found.slice(at, at + limit), total: found.length, next: at + limit < found.length ? String(at + limit) : null };
}

export class FakeBox extends EventEmitter {
    #www = '';
    #http = createServer((req, res) => void this.#serve(req, res).catch((error) => (console.error(error), res.destroy())));
    #ws = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('dngate-events') ? 'dngate-events' : false) });
    #log = [];
    #own = new Map();
    data = fixtures('usual');
    role = 'admin';
    signedOut = false; // every session has ended
    totp = false; // signing in takes a code: 123456
    deaf = false; // answers nothing at all
    slow = 0; // ms before each answer
    refuseSockets = false;

    async start() {
        if (process.env.DNGATE_WWW) this.#www = process.env.DNGATE_WWW;
        else execFileSync(process.execPath, [join(root, 'admin-ui/build.mjs'), (this.#www = mkdtempSync(join(tmpdir(), 'dngate-console-')))]);
        this.#http.on('upgrade', (req, socket, head) => {
            if (this.refuseSockets || this.deaf || this.signedOut) return socket.destroy();
            return this.#ws.handleUpgrade(req, socket, head, (ws) => this.#hello(ws));
        });
        this.#http.listen(0, '127.0.0.1');
        await once(this.#http, 'listening');
        this.url = `http://localhost:${this.#http.address().port}`;
        return this;
    }

    async stop() {
        for (const ws of this.#ws.clients) ws.terminate();
        this.#http.closeAllConnections();
        this.#http.close();
        await once(this.#http, 'close');
        if (!process.env.DNGATE_WWW) rmSync(this.#www, { recursive: true });
    }

    become(kind) {
        this.data = fixtures(kind);
        this.role = 'admin';
        this.signedOut = this.totp = this.deaf = this.refuseSockets = false;
        this.slow = 0;
        this.#log = [];
        this.#own.clear();
        this.removeAllListeners();
        for (const ws of this.#ws.clients) ws.terminate();
        return this;
    }

    async signedIn(browser, { path = '/admin/', ...options } = {}) {
        const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options });
        await context.addCookies([{ name: 'dngate', value: 'session', url: this.url }]);
        const page = await context.newPage();
        page.complaints = [];
        page.on('console', (m) => m.type() === 'error' && !/status of (4|5)\d\d|ERR_|WebSocket/.test(m.text()) && page.complaints.push(m.text()));
        page.on('pageerror', (error) => page.complaints.push(String(error)));
        await page.goto(this.url + path);
        return page;
    }

    // Bodies (or, without one, queries) of what was asked for.
    asked(method, path) {
        return this.#log.filter((r) => r.method === method && r.path === path).map((r) => r.body ?? Object.fromEntries(r.query));
    }

    answer(route, value) {
        this.#own.set(route, value);
    }

    push(topic, change) {
        const text = JSON.stringify({ topic, at_ms: Date.now(), ...change });
        for (const ws of this.#ws.clients) ws.send(text);
    }

    // The live connections end; new ones may come.
    cut(code = 1012) {
        for (const ws of this.#ws.clients) ws.close(code);
    }

    #hello(ws) {
        const { status, calls, registrations } = this.data;
        const say = (topic, data) => ws.send(JSON.stringify({ topic, at_ms: Date.now(), data }));

        say('status', status);
        say('calls', { items: calls });
        say('registrations', { items: registrations });
        say('trunks', { items: status.trunks });
        this.emit('watched');
    }

    async #serve(req, res) {
        const at = new URL(req.url, this.url);

        if (this.deaf) return req.socket.destroy();
        res.setHeader(
            'Content-Security-Policy',
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; font-src 'self'; " +
                `worker-src 'self' blob:; manifest-src 'self'; connect-src 'self' ws://${req.headers.host}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
        );
        if (at.pathname === '/healthz') return res.end('ok');
        if (at.pathname.startsWith(BASE)) return this.#rest(req, res, at);
        if (at.pathname === '/') return res.writeHead(301, { Location: '/admin/' }).end();
        let file = join(this.#www, at.pathname);
        if (at.pathname.startsWith('/admin/') && (!existsSync(file) || statSync(file).isDirectory())) file = join(this.#www, 'admin/index.html');
        if (!existsSync(file)) return res.writeHead(404).end();
        return res.setHeader('Content-Type', mime[extname(file)]).end(readFileSync(file));
    }

    async #rest(req, res, at) {
        const text = Buffer.concat(await req.toArray()).toString();
        const path = decodeURIComponent(at.pathname.slice(BASE.length));
        const json = /json/.test(req.headers['content-type'] ?? '');
        const request = { method: req.method, path, parts: path.split('/').slice(1), query: at.searchParams, headers: req.headers, text, body: text ? (json ? JSON.parse(text) : text) : undefined };

        this.#log.push(request);
        if (this.slow) await new Promise((done) => setTimeout(done, this.slow));
        const said = (await this.#said(request)) ?? problem(404, 'There is nothing here.');
        const whole = said && typeof said === 'object' && 'body' in said && 'status' in said;
        const { status = 200, body, headers = {}, type } = whole ? said : { body: said };
        const out = body === null || body === undefined ? '' : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
        const etag = `"${createHash('sha256').update(out).digest('hex').slice(0, 16)}"`;
        this.emit('answered', request);
        res.writeHead(status, { 'Content-Type': type ?? (typeof body === 'string' ? 'text/plain' : 'application/json'), ...(req.method === 'GET' && status === 200 ? { ETag: etag } : {}), ...headers });
        res.end(out);
    }

    async #said(r) {
        const own = this.#own.get(`${r.method} ${r.path}`);
        const open = /^\/(setup|login)$/.test(r.path);
        const inside = /dngate=session/.test(r.headers.cookie ?? '') && !this.signedOut;

        if (!open && !inside) return problem(401, 'Sign in first.');
        if (!open && !['GET', 'HEAD'].includes(r.method) && r.headers['x-csrf-token'] !== 'csrf') return problem(403, 'The CSRF token is missing.');
        if (own !== undefined) return typeof own === 'function' ? own(r) : own;
        if (r.headers['if-match'] && r.headers['if-match'] === '"old"') return problem(412, 'It has changed.');
        const way = this[`_${r.parts[0].replace(/-/g, '_')}`];
        return way ? way.call(this, r) : null;
    }

    // ---- one per noun; what they answer is what lies in `data`

    #session() {
        const { status } = this.data;
        return { name: 'ada', role: this.role, csrf: 'csrf', expires_ms: Date.now() + 3600e3, totp: this.totp, lab: status.lab, version: status.version, host: 'dngate.example.com' };
    }

    #enter() {
        this.signedOut = false;
        return { status: 200, body: this.#session(), headers: { 'Set-Cookie': 'dngate=session; Path=/; HttpOnly; SameSite=Strict' } };
    }

    _setup({ method, body }) {
        const { setup } = this.data;
        if (method === 'GET') return { open: setup, lab: this.data.status.lab, version: this.data.status.version };
        if (!setup) return problem(410, 'This box has an administrator already: sign in.');
        if (body.token !== SETUP) return problem(403, 'This link has been used or is older than 30 minutes. Make a new one on the box: dngate setup-link.');
        if (body.password.length < 10) return fieldProblem('password', 'At least 10 characters.');
        this.data.setup = false;
        return this.#enter();
    }

    _login({ body }) {
        if (body.name === 'locked') return { ...problem(429, 'Too many wrong passwords came from your address. Wait 30 seconds.'), headers: { 'Retry-After': '30' } };
        if (body.password !== PASSWORD) return problem(401, 'Wrong name or password.');
        if (this.totp && body.code !== '123456') return problem(401, 'A code is wanted.', { totp: true });
        return this.#enter();
    }

    _logout() {
        this.signedOut = true;
        return { status: 204, body: null };
    }

    _session({ method, parts }) {
        if (parts[1] === 'totp' && method === 'POST') return { secret: 'JBSWY3DPEHPK3PXP', uri: 'otpauth://totp/dngate:ada?secret=JBSWY3DPEHPK3PXP&issuer=dngate' };
        if (parts[1] === 'totp' && method === 'PUT') return { recovery: ['aaaa-bbbb', 'cccc-dddd'] };
        return parts[1] ? { status: 204, body: null } : this.#session();
    }

    _status() {
        return this.data.status;
    }

    _history({ query }) {
        return this.data.history[query.get('span') ?? '1h'];
    }

    _calls({ method, parts, query }) {
        const one = parts[1] && this.data.calls.find((c) => c.id === parts[1]);
        if (!parts[1]) return listed(this.data.calls, query, { texts: ['dn', 'name', 'caller', 'callee'] });
        if (!one) return null;
        if (parts[2] === 'trace') return this.data.trace;
        if (method !== 'DELETE') return one;
        this.data.calls = this.data.calls.filter((c) => c !== one);
        this.push('calls', { set: [], gone: [one.id] });
        return { status: 204, body: null };
    }

    _registrations({ method, parts, query }) {
        if (!parts[1]) return listed(this.data.registrations, query, { texts: ['dn', 'name', 'address'] });
        if (method === 'DELETE') {
            this.data.registrations = this.data.registrations.filter((r) => r.dn !== parts[1]);
            this.push('registrations', { set: [], gone: [parts[1]] });
        }
        return { status: method === 'DELETE' ? 204 : 202, body: null };
    }

    _dns(r) {
        const { method, parts, query, body } = r;
        const { dns } = this.data;
        const one = dns.find((d) => d.dn === parts[1]);

        if (method === 'GET' && !parts[1])
            return listed(dns, query, { texts: ['dn', 'name', 'address'], equal: ['state', 'enabled', 'codec'], sorts: { changed: 'changed_ms' }, first: 'dn' });
        if (method === 'POST' && !parts[1]) {
            if (dns.some((d) => d.dn === body.dn)) return fieldProblem('dn', `${body.dn} is there already.`);
            const made = { name: '', enabled: true, codec: 'auto', auto_answer: false, call_limit: 0, created_ms: Date.now(), changed_ms: Date.now(), state: 'off', since_ms: 0, address: '', browser: '', ...body };
            const { password, ...row } = made;
            dns.push(row);
            return { status: 201, body: { ...row, password: password || 'Vq7mTz3kPw' } };
        }
        if (parts[1] === 'range') {
            if (Number(body.to) < Number(body.from)) return fieldProblem('to', 'The last DN comes before the first.');
            const items = [];
            for (let n = Number(body.from); n <= Number(body.to); n++) {
                if (dns.some((d) => d.dn === String(n))) return fieldProblem('from', `${n} is there already: nothing was added.`);
                items.push({ dn: String(n), name: `${body.name ?? ''}`.replace('#', n), password: `pw-${n}-x7k` });
            }
            for (const { dn, name } of items) dns.push({ ...dns[0], dn, name, enabled: true, state: 'off', codec: 'auto', since_ms: 0, address: '', browser: '', created_ms: Date.now(), changed_ms: Date.now() });
            this.data.status.dns = dns.length;
            return { status: 201, body: { items } };
        }
        if (parts[1] === 'bulk') {
            const items = body.action === 'reset' ? body.dns.map((dn) => ({ dn, name: dns.find((d) => d.dn === dn)?.name ?? '', password: `new-${dn}` })) : [];
            if (body.action === 'remove') this.data.dns = dns.filter((d) => !body.dns.includes(d.dn));
            else for (const d of dns) if (body.dns.includes(d.dn) && body.action !== 'reset') d.enabled = body.action === 'enable';
            return { done: body.dns.length, items };
        }
        if (parts[1] === 'import') {
            const lines = r.text.trim().split('\n').slice(1);
            const rows = lines.map((line, i) => {
                const [dn, name] = line.split(',');
                const had = dns.find((d) => d.dn === dn);
                if (!/^\w+$/.test(dn)) return { line: i + 2, dn, action: 'error', detail: 'A DN has letters, digits and . _ - only.', changes: [] };
                if (!had) return { line: i + 2, dn, action: 'add', detail: '', changes: [] };
                return { line: i + 2, dn, ...(had.name === name ? { action: 'same', detail: '', changes: [] } : { action: 'change', detail: '', changes: [{ field: 'name', before: had.name, after: name }] }) };
            });
            const count = (action) => rows.filter((row) => row.action === action).length;
            return { added: count('add'), changed: count('change'), unchanged: count('same'), failed: count('error'), rows };
        }
        if (parts[1] === 'export') return { status: 200, type: 'text/csv', body: `dn,name,enabled,codec\n${dns.map((d) => `${d.dn},${d.name},${d.enabled},${d.codec}`).join('\n')}\n` };
        if (parts[1] === 'compare') return { same: dns.length - 1, missing: [{ dn: '9001', name: 'New One' }], extra: [{ dn: dns[0]?.dn ?? '', name: dns[0]?.name ?? '' }], different: [{ dn: dns[1]?.dn ?? '', field: 'name', here: dns[1]?.name ?? '', there: 'Somebody Else' }] };
        if (!one) return null;
        if (parts[2] === 'live') {
            const calls = this.data.calls.filter((c) => c.dn === one.dn);
            const registrations = this.data.registrations.filter((x) => x.dn === one.dn).map(({ address, browser, registered_ms, expires_ms, upstream }) => ({ address, browser, registered_ms, expires_ms, upstream }));
            return { state: one.state, since_ms: one.since_ms, registrations, calls, ban: null };
        }
        if (parts[2] === 'history') return listed(this.data.dnHistory, query);
        if (parts[2] === 'selftests') return listed(this.data.selftests.filter((s) => s.dn === one.dn), query);
        if (parts[2] === 'password') return { dn: one.dn, password: body.password ? '' : 'Nw8sTq2mXz' };
        if (method === 'PATCH') Object.assign(one, body, { changed_ms: Date.now() });
        if (method === 'DELETE') this.data.dns = dns.filter((d) => d !== one);
        const { dn, name, enabled, codec, auto_answer, call_limit, created_ms, changed_ms } = one;
        return method === 'DELETE' ? { status: 204, body: null } : { dn, name, enabled, codec, auto_answer, call_limit, created_ms, changed_ms };
    }

    _trunks({ method, parts, query, body }) {
        const { trunks } = this.data;
        const one = trunks.find((x) => x.name === parts[1]);

        if (!parts[1]) {
            if (method === 'GET') return listed(trunks, query, { texts: ['name', 'host'] });
            if (trunks.some((x) => x.name === body.name)) return fieldProblem('name', `There is a trunk ${body.name} already.`);
            if (!body.host) return fieldProblem('host', 'Say where the SIP Server is: a name or an IP address.');
            const { password, ...rest } = body;
            trunks.push({ username: '', registers: false, enabled: true, priority: trunks.length + 1, ping_seconds: 30, codecs: [], ptime: 20, ...rest, password_set: !!password });
            return { status: 201, body: trunks.at(-1) };
        }
        if (parts[1] === 'order') return this.data.trunks.sort((a, b) => body.names.indexOf(a.name) - body.names.indexOf(b.name)) && { status: 204, body: null };
        if (!one) return null;
        if (parts[2] === 'live') return { ...(this.data.status.trunks.find((x) => x.name === one.name) ?? { state: 'unknown', rtt_ms: 0, since_ms: 0 }), detail: '200 OK', addresses: [{ address: '192.0.2.10:5060', state: 'up', rtt_ms: 12 }] };
        if (parts[2] === 'test' && method === 'POST') return { status: 202, body: { id: '1' } };
        if (parts[2] === 'test') return this.data.trunkTest;
        if (parts[2] === 'history') return listed(this.data.trunkHistory, query);
        if (method === 'DELETE') this.data.trunks = trunks.filter((x) => x !== one);
        else if (method === 'PATCH') {
            const { password, ...rest } = body;
            Object.assign(one, rest, password ? { password_set: true } : {});
        }
        return method === 'DELETE' ? { status: 204, body: null } : one;
    }

    _bans({ method, parts, query }) {
        if (method === 'DELETE') this.data.bans = this.data.bans.filter((b) => b.address !== parts[1]);
        return method === 'DELETE' ? { status: 204, body: null } : listed(this.data.bans, query);
    }

    _cdr(r) {
        const { parts, query } = r;
        const { cdr } = this.data;
        const one = cdr.find((c) => String(c.id) === parts[1]);

        if (!parts[1]) return listed(cdr, query, { texts: ['dn', 'caller', 'callee', 'caller_name', 'trunk'], equal: ['dn', 'direction', 'result', 'path', 'trunk'], time: 'start_ms' });
        if (parts[1] === 'summary') {
            const found = listed(cdr, new URLSearchParams([...query].filter(([n]) => n !== 'limit' && n !== 'cursor').concat([['limit', '500']])), { texts: ['dn', 'caller', 'callee', 'caller_name'], equal: ['dn', 'direction', 'result', 'path'], time: 'start_ms' });
            return { calls: found.total, answered: Math.round(found.total * 0.8), inbound: Math.round(found.total * 0.7), outbound: Math.round(found.total * 0.3), abandoned: 8, abandoned_percent: 6.3, failed: 3, average_s: 323, talk_s: 40000, mos: 4.3 };
        }
        if (parts[1] === 'export') return { status: 200, type: 'text/csv', body: 'id,dn\n1,5001\n' };
        if (!one) return null;
        if (parts[2] === 'trace') return { ...this.data.trace, id: one.id };
        if (parts[2]) return { status: 200, type: 'application/octet-stream', body: Buffer.from('pcapng') };
        return { ...one, ...this.data.callDetail, verdict: this.data.verdicts[one.result] ?? this.data.verdicts.answered };
    }

    _traces({ method, parts, body, query }) {
        if (method === 'POST') this.data.watch.push({ dn: body.dn, since_ms: Date.now() });
        if (method === 'DELETE') this.data.watch = this.data.watch.filter((w) => w.dn !== parts[2]);
        return method === 'GET' ? listed(this.data.watch, query) : { status: method === 'POST' ? 201 : 204, body: null };
    }

    _settings({ method, parts, body, query }) {
        const { settings } = this.data;
        const one = settings.find((s) => s.key === parts[1]);

        if (!parts[1]) return listed(settings, new URLSearchParams([...query, ['limit', '500']]), { texts: ['key', 'meaning', 'value'] });
        if (parts[1] === 'history') return parts[3] === 'revert' ? { status: 204, body: null } : listed(this.data.settingsHistory, query);
        if (!one) return null;
        if (method === 'PUT') {
            if (one.type === 'int' && (Number(body.value) < one.min || Number(body.value) > one.max || !/^-?\d+$/.test(body.value))) return fieldProblem('value', `${one.key} is a number from ${one.min} to ${one.max}.`);
            Object.assign(one, { value: String(body.value), source: 'database', pending: one.restart });
        }
        if (method === 'DELETE') Object.assign(one, { value: one.default, source: 'default', pending: one.restart });
        return one;
    }

    _restart({ method }) {
        const pending = this.data.settings.filter((s) => s.pending).map((s) => s.key);
        return method === 'POST' ? { status: 202, body: { waiting: true } } : { pending, waiting: false, calls: this.data.calls.length };
    }

    _certificate({ method, parts, body }) {
        if (parts[1] === 'csr') return { csr: `-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n` };
        if (method === 'PUT' && !/BEGIN CERTIFICATE/.test(body.certificate)) return fieldProblem('certificate', 'This is no PEM certificate: it begins with -----BEGIN CERTIFICATE-----.');
        if (method === 'PUT') Object.assign(this.data.certificate, { own: false, issuer: 'CN=Example CA', days: 90 });
        if (method === 'DELETE') this.data.certificate.own = true;
        return this.data.certificate;
    }

    _network({ parts }) {
        return parts[1] ? { status: 202, body: null } : this.data.network;
    }

    _users({ method, parts, body, query }) {
        const { users } = this.data;
        const one = users.find((u) => u.name === parts[1]);

        if (!parts[1] && method === 'POST') {
            if (users.some((u) => u.name === body.name)) return fieldProblem('name', `There is a user ${body.name} already.`);
            users.push({ name: body.name, role: body.role, totp: false, created_ms: Date.now(), changed_ms: Date.now() });
            return { status: 201, body: users.at(-1) };
        }
        if (!parts[1]) return listed(users, query, { texts: ['name'] });
        if (!one) return null;
        if (method === 'PATCH') Object.assign(one, body.role ? { role: body.role } : {}, body.totp === false ? { totp: false } : {});
        if (method === 'DELETE') this.data.users = users.filter((u) => u !== one);
        return method === 'DELETE' ? { status: 204, body: null } : one;
    }

    _sessions({ method, parts, query }) {
        if (method === 'DELETE') this.data.sessions = this.data.sessions.filter((s) => s.id !== parts[1]);
        return method === 'DELETE' ? { status: 204, body: null } : listed(this.data.sessions, query);
    }

    _apikeys({ method, parts, body, query }) {
        if (method === 'DELETE') this.data.apikeys = this.data.apikeys.filter((k) => k.id !== parts[1]);
        if (method !== 'POST') return method === 'DELETE' ? { status: 204, body: null } : listed(this.data.apikeys, query);
        const made = { id: 'k9', created_ms: Date.now(), seen_ms: 0, user: 'ada', expires_ms: 0, ...body };
        this.data.apikeys.push(made);
        return { status: 201, body: { ...made, key: 'dng_k9_3kP7wVq7mTzX' } };
    }

    _audit({ parts, query }) {
        if (parts[1]) return { status: 200, type: 'text/csv', body: 'id,time\n' };
        return listed(this.data.audit, query, { texts: ['who', 'noun', 'key', 'what', 'reason'], equal: ['who', 'noun'], time: 'time_ms' });
    }

    _backups({ method, parts, query }) {
        if (method === 'DELETE') this.data.backups = this.data.backups.filter((b) => b.name !== parts[1]);
        if (parts[1]) return method === 'DELETE' ? { status: 204, body: null } : { status: 200, type: 'application/octet-stream', body: Buffer.from('backup') };
        return listed(this.data.backups, query);
    }

    _backup() {
        return { status: 200, type: 'application/octet-stream', body: Buffer.from('backup'), headers: { 'Content-Disposition': 'attachment; filename="dngate-2026-11-28.backup"' } };
    }

    _restore({ headers }) {
        if (decodeURIComponent(headers['x-passphrase'] ?? '') !== PASSWORD) return fieldProblem('passphrase', 'This passphrase does not open the file.');
        return { status: 202, body: { made_ms: Date.now() - 86400e3, version: '0.1.0', dns: 5, trunks: 1, users: 1 } };
    }

    _alerts({ parts }) {
        return parts[1] ? { status: 202, body: null } : this.data.alerts;
    }

    _selftests({ parts, query }) {
        return parts[1] ? this.data.selftests.find((s) => s.id === parts[1]) : listed(this.data.selftests, query, { texts: ['dn', 'name'] });
    }

    _selftest_links({ method, query }) {
        return method === 'POST' ? { status: 201, body: { link: `${this.url}/selftest.html#link=abc`, expires_ms: Date.now() + 3600e3 } } : listed([], query);
    }
}
