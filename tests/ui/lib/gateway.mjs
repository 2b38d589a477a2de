// A stand-in for the gateway: serves the built pages with the real CSP, answers the config request, and plays SIP over WebSocket
// as the test says. Events (awaitable by `next`): registered, invite, reinvite, answered, cancelled, bye, dtmf, rejected.
import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { WebSocketServer } from './npm.mjs';
import { authorized, format, parse, reply, sdp, token } from './sip.mjs';

const root = new URL('../../../', import.meta.url).pathname;
const mime = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.txt': 'text/plain' };

const PASSWORD = 'lab5001';
const TESTER = { user: '~selftest-1-abc', password: 'of the test' };

export class FakeGateway extends EventEmitter {
    #www = mkdtempSync(join(tmpdir(), 'dngate-ui-'));
    #http = createServer((req, res) => this.#serve(req, res));
    #ws = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('sip') ? 'sip' : false) });
    #calls = new Map();
    socket = null; // the newest
    registrations = 0;
    health = { ready: true, parts: { web: { state: 'up', reason: 'listening' }, trunk: { state: 'up', reason: 'lab answers' } } };
    displayName = 'Agent One';
    features = {};
    refuseSockets = false;
    refers = 202; // how a REFER is answered
    silent = false; // hears and says nothing, and closes nothing
    muteReinvites = false;
    elsewhere = ''; // in-call or signed-in: the DN is, and a REGISTER must say that it takes over
    leaving = ''; // why no REGISTER is taken any more
    ways = {}; // iceServers, iceServersTtl, renew of the next answer
    renewal = null; // the status of its answer, or a promise of that; null: as to a password
    links = ['TOKEN']; // of self-tests, not used yet
    tester = {}; // what a self-test gets more
    refuseResults = false;

    async start() {
        execFileSync(process.execPath, [join(root, 'admin-ui/build.mjs'), this.#www, join(this.#www, 'www.c')]);
        this.#http.on('upgrade', (req, socket, head) => {
            if (this.refuseSockets) return socket.destroy();
            return this.#ws.handleUpgrade(req, socket, head, (ws) => this.#connected(ws));
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
        rmSync(this.#www, { recursive: true });
    }

    // As it is at first.
    reset() {
        this.removeAllListeners();
        this.registrations = 0;
        this.displayName = 'Agent One';
        this.features = {};
        this.refuseSockets = this.silent = this.muteReinvites = false;
        this.refers = 202;
        this.elsewhere = this.leaving = '';
        this.ways = this.tester = {};
        this.renewal = null;
        this.links = ['TOKEN'];
        this.refuseResults = false;
    }

    async next(event) {
        const [value] = await once(this, event, { signal: AbortSignal.timeout(30000) });
        return value;
    }

    // Rings the page. Resolves at once; the page's doings come as events.
    ring({ number = '4711', name = 'Ada Lovelace', headers = [] } = {}) {
        const id = token();
        const invite = [
            ['Via', `SIP/2.0/WSS gw.invalid;branch=z9hG4bK${id}`],
            ['Max-Forwards', '70'],
            ['From', `"${name}" <sip:${number}@gw.invalid>;tag=${id}`],
            ['To', '<sip:5001@gw.invalid>'],
            ['Call-ID', id],
            ['CSeq', '1 INVITE'],
            ['Contact', '<sip:gw.invalid;transport=ws>'],
        ];

        this.#calls.set(id, { invite });
        this.socket.send(format(`INVITE ${this.contact} SIP/2.0`, [...invite, ...headers, ['Content-Type', 'application/sdp']], sdp('actpass')));
        return id;
    }

    // An out-of-dialog MESSAGE, as the gateway sends when it drains; resolves with the page's answer.
    message(body, type = 'application/json') {
        const id = token();
        const headers = [
            ['Via', `SIP/2.0/WSS gw.invalid;branch=z9hG4bK${id}`],
            ['Max-Forwards', '70'],
            ['From', `<sip:gateway@gw.invalid>;tag=${id}`],
            ['To', `<${this.contact}>`],
            ['Call-ID', id],
            ['CSeq', '1 MESSAGE'],
            ['Content-Type', type],
        ];

        this.socket.send(format(`MESSAGE ${this.contact} SIP/2.0`, headers, body));
    }

    // Asks the page to do something with its call, as the gateway does for desktops; 'asked' has the status of the answer.
    ask(id, what, type = 'application/dngate-call+json') {
        const call = this.#calls.get(id);

        call.cseq = (call.cseq ?? 1) + 1;
        this.#inDialog(id, 'INFO', call.cseq, [['Content-Type', type]], typeof what === 'string' ? what : JSON.stringify(what));
    }

    // What became of a REFER of the page's: the line of its sipfrag.
    notify(id, line, state = 'active;expires=180') {
        const call = this.#calls.get(id);

        call.cseq = (call.cseq ?? 1) + 1;
        this.#inDialog(id, 'NOTIFY', call.cseq, [['Event', 'refer'], ['Subscription-State', state], ['Content-Type', 'message/sipfrag;version=2.0']], `${line}\r\n`);
    }

    // A call of the page's, as if it had come from here.
    #turned({ get }) {
        const swapped = { From: `${get('To')};tag=fake`, To: get('From'), Contact: '<sip:gw.invalid;transport=ws>', 'Call-ID': get('Call-ID') };
        return { invite: [['Via', ''], ['Max-Forwards', '70'], ['CSeq', ''], ...Object.entries(swapped)] };
    }

    #inDialog(id, method, cseq, more = [], body = '') {
        const call = this.#calls.get(id);
        const { invite, to } = call.invite ? call : this.#turned(call.request);
        const headers = invite.map(([n, v]) => {
            if (n === 'CSeq') return [n, `${cseq} ${method}`];
            if (n === 'To') return [n, to ?? v];
            return n === 'Via' && method !== 'CANCEL' ? [n, `SIP/2.0/WSS gw.invalid;branch=z9hG4bK${token()}`] : [n, v];
        });

        this.socket.send(format(`${method} ${this.contact} SIP/2.0`, [...headers, ...more], body));
    }

    cancel(id, headers = []) {
        this.#inDialog(id, 'CANCEL', 1, headers);
    }

    bye(id) {
        this.#inDialog(id, 'BYE', (this.#calls.get(id).cseq ?? 1) + 1);
    }

    #serve(req, res) {
        const path = req.url === '/' ? '/index.html' : req.url;
        const file = join(this.#www, path);

        res.setHeader(
            'Content-Security-Policy',
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; " +
                `worker-src 'self'; connect-src 'self' ws://${req.headers.host}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
        );
        if (path === '/readyz') return this.#json(res, this.health.ready ? 200 : 503, this.health);
        if (path === '/healthz') return res.end('ok');
        if (path === '/api/agent/v1/config') return this.#config(req, res);
        if (path === '/api/selftest/v1/start') return this.#testStart(req, res);
        if (path === '/api/selftest/v1/result') return this.#testResult(req, res);
        if (!existsSync(file)) return res.writeHead(404).end();
        res.setHeader('Content-Type', mime[extname(file)]);
        return res.end(readFileSync(file));
    }

    #json(res, status, body) {
        res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    }

    async #config(req, res) {
        const { dn, password, renew } = JSON.parse(Buffer.concat(await req.toArray()));

        if (renew) this.emit('renewed', { dn, renew, password });
        if (dn === 'busy') return res.writeHead(429, { 'Retry-After': '30' }).end();
        if (renew && (await this.renewal) === 401) return this.#json(res, 401, { title: 'Unauthorized', detail: 'no' });
        if (password !== PASSWORD && !renew) return this.#json(res, 401, { title: 'Unauthorized', detail: 'no' });
        return this.#json(res, 200, { dn, displayName: this.displayName, iceServers: [], sip: { realm: 'dngate' }, features: this.features, ...this.ways });
    }

    async #testStart(req, res) {
        const { dn = '', password, renew, link } = JSON.parse(Buffer.concat(await req.toArray()));

        this.emit('test-start', { dn, password, renew, link });
        if (link) {
            if (!this.links.includes(link)) return this.#json(res, 410, { title: 'Gone', detail: 'This link has been used: ask for another one.' });
            this.links = this.links.filter((open) => open !== link);
        } else if (password !== PASSWORD && !(renew && renew === this.ways.renew)) return this.#json(res, 401, { title: 'Unauthorized', detail: 'no' });
        return this.#json(res, 200, {
            ...{ session: 'SESSION', expires_s: 1800, dn, name: link ? 'the new one' : this.displayName, ...TESTER, echo: 'selftest', version: '0.1' },
            ...{ iceServers: this.ways.iceServers ?? [], ...this.tester },
        });
    }

    async #testResult(req, res) {
        const result = JSON.parse(Buffer.concat(await req.toArray()));

        this.emit('test-result', result);
        if (this.refuseResults) return this.#json(res, 429, { title: 'Too Many Requests', detail: 'too many results' });
        return this.#json(res, 201, { id: '1' });
    }

    #connected(ws) {
        this.socket = ws;
        ws.on('message', (data) => {
            const text = String(data);
            if (this.silent) return;
            if (text === '\r\n\r\n') ws.send('\r\n');
            else if (text.trim()) this.#received(ws, parse(text));
        });
    }

    #received(ws, msg) {
        if (msg.status) this.#response(msg);
        else if (msg.method === 'REGISTER') this.#register(ws, msg);
        else if (msg.method === 'INVITE' && /;tag=/.test(msg.get('To'))) this.#reinvite(ws, msg);
        else if (msg.method === 'INVITE') this.#invite(ws, msg);
        else if (msg.method !== 'ACK') {
            ws.send(msg.method === 'REFER' ? reply(msg, this.refers, 'Accepted') : reply(msg, 200, 'OK', { tag: 'fake' }));
            if (msg.method === 'CANCEL') {
                ws.send(reply(this.#calls.get(msg.get('Call-ID')).request, 487, 'Request Terminated', { tag: 'fake' }));
                this.emit('cancelled');
            } else this.emit(msg.method === 'INFO' ? 'dtmf' : msg.method.toLowerCase(), msg);
        }
    }

    #register(ws, msg) {
        this.emit('register', msg);
        if (!authorized(msg, msg.get('From').includes(TESTER.user) ? TESTER.password : PASSWORD)) {
            const challenge = (alg) => ['WWW-Authenticate', `Digest realm="dngate", nonce="${token()}", qop="auth", algorithm=${alg}`];
            ws.send(reply(msg, 401, 'Unauthorized', { tag: 'fake', headers: [challenge('SHA-256'), challenge('MD5')] }));
            return;
        }
        if (this.leaving) {
            ws.send(reply(msg, 403, 'DN is not signed in any more', { tag: 'fake', headers: [['X-Dngate-Leaving', this.leaving]] }));
            return;
        }
        if (this.elsewhere && msg.get('X-Dngate-Take-Over') !== 'yes') {
            ws.send(reply(msg, 403, 'DN is elsewhere', { tag: 'fake', headers: [['X-Dngate-Elsewhere', this.elsewhere]] }));
            return;
        }
        this.userAgent = msg.get('User-Agent');
        this.contact = /<([^>]+)>/.exec(msg.get('Contact'))[1];
        ws.send(reply(msg, 200, 'OK', { tag: 'fake', headers: [['Contact', msg.get('Contact')]] }));
        if (msg.get('Expires') === '0') return;
        this.registrations++;
        this.instance = /sip\.instance="([^"]+)"/.exec(msg.get('Contact'))[1];
        this.emit('registered');
    }

    #reinvite(ws, msg) {
        const headers = [['Contact', '<sip:gw.invalid;transport=ws>']];

        this.emit('reinvite', msg);
        const ours = this.#calls.get(msg.get('Call-ID')).invite; // then the page has the active role, and keeps it
        const body = sdp(ours ? 'passive' : 'active').replace('a=sendrecv', { sendonly: 'a=recvonly', inactive: 'a=inactive' }[/a=(sendonly|inactive)/.exec(msg.body)?.[1]] ?? 'a=sendrecv');
        if (!this.muteReinvites) ws.send(reply(msg, 200, 'OK', { headers, body }));
    }

    // 603 is busy, 604 rings for ever, anything else rings and answers.
    #invite(ws, msg) {
        const number = /sip:([^@]+)@/.exec(msg.uri)[1];
        const contact = [['Contact', '<sip:gw.invalid;transport=ws>']];

        this.#calls.set(msg.get('Call-ID'), { request: msg });
        this.emit('invite', msg);
        if (number === '603') {
            ws.send(reply(msg, 486, 'Busy Here', { tag: 'fake' }));
            return;
        }
        ws.send(reply(msg, 180, 'Ringing', { tag: 'fake', headers: contact }));
        if (number !== '604') ws.send(reply(msg, 200, 'OK', { tag: 'fake', headers: contact, body: sdp('active') }));
    }

    #response(msg) {
        const call = this.#calls.get(msg.get('Call-ID'));

        if (msg.method === 'MESSAGE') this.emit('message', msg.status);
        if (msg.method === 'INFO') this.emit('asked', msg.status);
        if (msg.method !== 'INVITE' || msg.status < 180) return;
        call.to = msg.get('To');
        if (msg.status === 180) this.emit('ringing');
        else if (msg.status === 200) {
            this.#inDialog(msg.get('Call-ID'), 'ACK', 1);
            this.emit('answered', msg);
        } else {
            this.#inDialog(msg.get('Call-ID'), 'ACK', 1);
            this.emit('rejected', msg.status);
        }
    }
}
