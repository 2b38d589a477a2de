// SIP Server as a registrar of agents' DNs, in the forms that it writes on the wire: one binding per DN, a 404 that carries Expires and
// our Contact, challenges when its DN has a password. It can fall silent, forget all (a restart), and counts what comes, with its time.
import dgram from 'node:dgram';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';

const md5 = (text) => createHash('md5').update(text).digest('hex');
const random = () => randomBytes(16).toString('hex').toUpperCase();

export class Registrar {
    silent = false; // also to OPTIONS
    deaf = false; // to REGISTER alone
    expires = 3600;
    dns = new Map(); // DN → {password, code, phrase, more, once}
    bindings = new Map(); // DN → {contact, callId, cseq}
    heard = []; // {ms, method, dn, callId, cseq, expires, contact, code, authorised, uri, text}
    #socket = dgram.createSocket('udp4');
    #nonces = new Set();
    #seen = new Map();
    #waiting = new Set();
    #tag = random();

    async open(port = 0) {
        this.#socket.on('message', (data, from) => this.#took(String(data), from));
        this.#socket.bind(port, '127.0.0.1');
        await once(this.#socket, 'listening');
        this.#socket.setRecvBufferSize(1 << 20);
        this.port = this.#socket.address().port;
        return this;
    }
    close() {
        this.#socket.close();
    }
    // A restart: nobody is registered any more, and nobody's nonce is known.
    forget() {
        this.bindings.clear();
        this.#nonces.clear();
    }
    registers(dn) {
        return this.heard.filter((h) => h.method === 'REGISTER' && (!dn || h.dn === dn));
    }
    // Resolves with it when something that matches was, or is, heard, from the given index on.
    hears(match, from = 0, ms = 30000) {
        return new Promise((resolve, reject) => {
            const look = () => {
                const found = this.heard.slice(from).find(match);
                if (!found) return false;
                clearTimeout(timer);
                resolve(found);
                return true;
            };
            const timer = setTimeout(() => {
                this.#waiting.delete(look);
                reject(new Error(`SIP Server did not hear ${match}; but ${JSON.stringify(this.heard.slice(-8).map(({ text, ...h }) => h))}`));
            }, ms);
            if (!look()) this.#waiting.add(look);
        });
    }

    #took(text, from) {
        const lines = text.split('\r\n\r\n')[0].split('\r\n');
        const all = (name) => lines.filter((l) => l.toLowerCase().startsWith(`${name}:`));
        const value = (name) => all(name)[0]?.slice(name.length + 1).trim() ?? '';
        const [method, uri] = lines[0].split(' ');
        if (method === 'SIP/2.0' || method === 'ACK') return;
        const again = this.#seen.get(all('via')[0]); // the same request once more
        const got = { ms: performance.now(), method, uri, text, dn: decodeURIComponent(/sip:([^@>]+)@/.exec(value('from'))?.[1] ?? ''),
                      callId: value('call-id'), cseq: parseInt(value('cseq'), 10), expires: Number(value('expires')),
                      contact: /<([^>]+)>/.exec(value('contact'))?.[1], again: again !== undefined };
        const reply = (code, phrase, more = []) => {
            const to = value('to'), out = [`SIP/2.0 ${code} ${phrase}`, ...all('from'), `To: ${to}${/tag=/.test(to) ? '' : `;tag=${this.#tag}`}`,
                ...all('call-id'), ...all('cseq'), 'Content-Length: 0', ...all('via'), ...more, '', ''].join('\r\n');
            got.code = code;
            this.#seen.set(all('via')[0], out);
            this.#socket.send(out, from.port, from.address);
        };
        if (!this.silent && again) this.#socket.send(again, from.port, from.address);
        else if (!this.silent && method === 'OPTIONS') reply(200, 'OK');
        else if (!this.silent && method === 'REGISTER' && !this.deaf) this.#register(got, value, reply);
        else if (!this.silent && method === 'INVITE') this.#challenged(got, value, reply) || reply(486, 'Busy Here');
        if (again === undefined && (this.silent || this.deaf)) this.#seen.delete(all('via')[0]);
        this.heard.push(got);
        for (const look of this.#waiting) if (look()) this.#waiting.delete(look);
    }

    #register(got, value, reply) {
        const dn = this.dns.get(got.dn), old = this.bindings.get(got.dn);
        const granted = [`Contact: <${got.contact}>;expires=${this.expires}`, `Expires: ${this.expires}`];

        if (dn?.once) {
            const { code, phrase, more } = dn.once;
            dn.once = null;
            return reply(code, phrase, more);
        }
        if (!dn) return reply(404, 'Not Found', granted); // only the code tells
        if (dn.code) return reply(dn.code, dn.phrase, dn.more);
        if (this.#challenged(got, value, reply)) return undefined;
        if (old && old.callId === got.callId && got.cseq <= old.cseq) return reply(500, 'Server Internal Error');
        if (!got.expires) {
            this.bindings.delete(got.dn);
            return reply(200, 'OK');
        }
        this.bindings.set(got.dn, { contact: got.contact, callId: got.callId, cseq: got.cseq });
        return reply(200, 'OK', granted);
    }

    #challenged(got, value, reply) {
        const dn = this.dns.get(got.dn), proxy = got.method === 'INVITE';
        if (!dn?.password) return false;
        const given = value(proxy ? 'proxy-authorization' : 'authorization');
        const field = (name) => new RegExp(`${name}="([^"]*)"`).exec(given)?.[1];
        const want = md5(`${md5(`${got.dn}:genesys:${dn.password}`)}:${field('nonce')}:${md5(`${got.method}:${field('uri')}`)}`);

        got.authorised = field('username') === got.dn && this.#nonces.has(field('nonce')) && field('response') === want;
        if (got.authorised) return false;
        const nonce = random();
        this.#nonces.add(nonce);
        reply(proxy ? 407 : 401, proxy ? 'Proxy Authentication Required' : 'Unauthorized',
              [`${proxy ? 'Proxy' : 'WWW'}-Authenticate: Digest realm="genesys",nonce="${nonce}",algorithm=MD5`]);
        return true;
    }
}
