// A SIP Server as it is on the wire, for tests: messages in the forms that traces of a SIP Server 8.1 show, which differ from what one
// writes by the book. Headers in its order (From, To, Call-ID, CSeq, …, Via late and without rport), From without brackets, To as we wrote
// it, sent again after 0.5, 1, 2, 4, 4, 4 s with the same branch, given up after 32 s; no Contact, and not always Max-Forwards, in an ACK.
// Media are elsewhere: lib/rtpend.mjs. The flows themselves: lib/genesysflows.mjs.
//
//   const server = await SipServer.open({ gateway: { address, port }, seed });  seed: a bad network (lib/lossy.mjs)
//   const leg = server.leg('5001', { caller: '1003', headers: [['Alert-Info', '…']] });
//   leg.invite(sdp or null)         → await leg.ringing (the 180, or the answer before it), await leg.answered (the final answer)
//   leg.ack(sdp, { maxForwards })     of the last 2xx; sent again when that is
//   await leg.notify('talk')          reinvite(sdp or null), update, info, request: the final answer
//   await leg.cancel(), await leg.bye({ reason })
//   await leg.next('bye'), leg.on('invite', (msg) => …)   what the gateway sends in the dialog, by its method in small letters
//   const leg = await server.call()                       the next call from an agent: leg.invitation; leg.reply(180, 'Ringing', sdp)
//
// A request of the gateway in a dialog gets 200, an INVITE what leg.reoffered(msg) gives (an SDP). One outside of dialogs gets what
// server.answers[METHOD](msg) gives: { status, reason, headers, body }. leg.seen has all that was received, leg.sent the requests sent.
import { EventEmitter, once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { parse } from '../../ui/lib/sip.mjs';
import { Lossy } from './lossy.mjs';

const AGAIN_MS = [500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000]; // the last is cut by GIVEN_UP_MS
const GIVEN_UP_MS = 32000;
const ALLOW = 'ACK, BYE, CANCEL, INFO, INVITE, MESSAGE, NOTIFY, OPTIONS, PRACK, REFER, UPDATE';
const ALLOW_REINVITE = 'ACK, BYE, CANCEL, INFO, INVITE, MESSAGE, NOTIFY, OPTIONS, PRACK, REFER';

const id = () => randomUUID().toUpperCase();
export const callUuid = () => id().replaceAll('-', '').slice(0, 32);
const uri = (value) => /<([^>]+)>/.exec(value)?.[1] ?? value.split(';')[0].trim();
const tagOf = (value) => /;tag=([^;\s]+)/.exec(value)?.[1] ?? '';
const cseqOf = (msg) => Number.parseInt(msg.get('CSeq'), 10);

// Sends a text until stop() is called; after 32 s it calls over().
function repeat(send, over = () => {}) {
    const begin = performance.now();
    let n = 0;
    let timer;
    const again = () => {
        const left = GIVEN_UP_MS - (performance.now() - begin);
        if (left <= 0) return over();
        timer = setTimeout(() => {
            if (performance.now() - begin < GIVEN_UP_MS) send();
            again();
        }, Math.min(AGAIN_MS[Math.min(n++, AGAIN_MS.length - 1)], left));
        return undefined;
    };

    send();
    again();
    return () => clearTimeout(timer);
}

// A promise that may be rejected though nobody waits for it.
function unheeded(executor) {
    const promise = new Promise(executor);

    promise.catch(() => {});
    return promise;
}

// A call to an agent, or of one.
export class Leg extends EventEmitter {
    #server;
    #cseq = 0;
    #local; // From as we write it, or To of what the agent sent
    #remote;
    #target;
    #inviteBranch = '';
    #acks = new Map(); // by CSeq: what a 2xx that comes again is answered with
    #awaiting = new Map(); // by CSeq: our replies to INVITEs, sent until their ACK
    #answered = null; // settles the INVITE
    #rung;
    seen = [];
    sent = [];
    ended = false;
    reoffered = () => '';

    constructor(server, { dn, caller, callId, headers = [], uuid = callUuid(), invitation = null }) {
        super();
        this.setMaxListeners(0);
        const { address, port, gateway } = server;

        this.#server = server;
        this.headers = headers;
        this.uuid = uuid;
        this.callId = callId ?? `${id()}-${Math.floor(Math.random() * 100000)}@${address}`;
        this.tag = `${id()}-${Math.floor(Math.random() * 100000)}`;
        this.invitation = invitation;
        if (invitation) {
            this.#local = `${invitation.get('To')};tag=${this.tag}`;
            this.#remote = invitation.get('From');
            this.#target = uri(invitation.get('Contact'));
        } else {
            this.#local = `sip:${caller}@${address}:${port};tag=${this.tag}`;
            this.#remote = `sip:${dn}@${address}:${port}`;
            this.#target = `sip:${dn}@${gateway.address}:${gateway.port}`;
        }
        this.contact = `<sip:${caller ?? 'far'}@${address}:${port}>`;
        this.ringing = unheeded((resolve, reject) => (this.#rung = { resolve, reject }));
        this.answered = unheeded((resolve, reject) => (this.#answered = { resolve, reject }));
    }

    get theirTag() {
        return tagOf(this.#remote);
    }

    // --- requests ---

    invite(sdp = null, { headers = [] } = {}) {
        const own = [
            ['Allow', ALLOW],
            ['Supported', sdp ? 'uui,100rel,timer' : 'timer'],
            ['Session-Expires', '1800;refresher=uac'],
            ['Min-SE', '90'],
            ['X-Genesys-CallUUID', this.uuid],
            ...this.headers,
            ...headers,
        ];

        this.request('INVITE', { headers: own, body: sdp }).then(
            (msg) => this.#answered.resolve(msg),
            (error) => {
                this.#rung.reject(error);
                this.#answered.reject(error);
            },
        );
    }

    reinvite(sdp = null, { headers = [], uuid = this.uuid } = {}) {
        const own = [['Allow', ALLOW_REINVITE], ['Supported', 'timer'], ['Session-Expires', '1800;refresher=uac'], ['Min-SE', '90'], ['X-Genesys-CallUUID', uuid]];

        return this.request('INVITE', { headers: [...own, ...headers], body: sdp });
    }

    update(sdp = null, { headers = [] } = {}) {
        return this.request('UPDATE', { headers: [['Allow', ALLOW], ['X-Genesys-CallUUID', this.uuid], ...headers], body: sdp });
    }

    notify(event, { state = 'active', headers = [], type, body = null } = {}) {
        const own = [['Event', event], ...(state === null ? [] : [['Subscription-State', state]]), ['X-Genesys-CallUUID', this.uuid]];

        return this.request('NOTIFY', { headers: [...own, ...headers], type, body });
    }

    info(type, body) {
        return this.request('INFO', { type, body });
    }

    bye({ reason = null } = {}) {
        this.ended = true;
        const headers = [...(reason ? [['Reason', reason]] : []), ['X-Genesys-CallUUID', this.uuid]];

        return this.request('BYE', { headers });
    }

    // Of the INVITE that opens the dialog: same branch, no CallUUID.
    cancel() {
        return this.#transact('CANCEL', 1, this.#inviteBranch, { target: this.#inviteTarget, remote: this.#inviteRemote });
    }

    // Resolves with the final answer; rejects after 32 s without one.
    request(method, how = {}) {
        const cseq = ++this.#cseq;
        const branch = `z9hG4bK${id()}`;

        if (method === 'INVITE' && cseq === 1) {
            this.#inviteBranch = branch;
            this.#inviteTarget = this.#target;
            this.#inviteRemote = this.#remote;
        }
        return this.#transact(method, cseq, branch, how);
    }
    #inviteTarget;
    #inviteRemote;

    #transact(method, cseq, branch, how) {
        const text = this.#message(method, cseq, branch, how);

        this.sent.push({ method, cseq });
        return unheeded((resolve, reject) => {
            const stop = repeat(
                () => this.#server.send(text),
                () => {
                    this.#server.forget(branch, method);
                    reject(new Error(`no answer to ${method} in ${GIVEN_UP_MS} ms`));
                },
            );
            this.#server.awaits(branch, method, (msg) => {
                this.seen.push(msg);
                if (method === 'INVITE' && msg.status > 100) this.#enter(msg);
                if (msg.status < 200) {
                    if (method === 'INVITE') stop();
                    if (msg.status === 180 || msg.status === 183) this.#rung.resolve(msg);
                    return;
                }
                stop();
                if (method === 'INVITE') {
                    this.#rung.resolve(msg); // the 180 may be lost
                    this.#final(msg, cseq, branch, how);
                }
                resolve(msg);
            }, stop);
        });
    }

    // What comes after an answer goes to the tag and the Contact that it names.
    #enter(msg) {
        if (tagOf(msg.get('To'))) this.#remote = msg.get('To');
        if (msg.get('Contact') && msg.status < 300) this.#target = uri(msg.get('Contact'));
    }

    #final(msg, cseq, branch, how) {
        if (msg.status < 300) {
            const ack = this.#acks.get(cseq);
            if (ack) this.#server.send(ack);
        } else {
            this.#server.send(this.#message('ACK', cseq, branch, { ...how, headers: [['Max-Forwards', '70']], body: null, bare: true }));
        }
    }

    // Of the last INVITE's 2xx, with the answer to the offer that had; sent again when the 2xx is. Without Max-Forwards: seen in the field.
    ack(sdp = null, { maxForwards = false, cseq = this.sent.findLast(({ method }) => method === 'INVITE').cseq } = {}) {
        const headers = [...(maxForwards ? [['Max-Forwards', '70']] : []), ['X-Genesys-CallUUID', this.uuid]];
        const text = this.#message('ACK', cseq, `z9hG4bK${id()}`, { headers, body: sdp, bare: true });

        this.sent.push({ method: 'ACK', cseq });
        this.#acks.set(cseq, text);
        this.#server.send(text);
    }

    #message(method, cseq, branch, { headers = [], body = null, type = 'application/sdp', target = this.#target, remote = this.#remote, bare = false }) {
        const { address, port } = this.#server;
        const text = body ?? '';
        const head = [
            ['From', this.#local],
            ['To', remote],
            ['Call-ID', this.callId],
            ['CSeq', `${cseq} ${method}`],
            ['Content-Length', Buffer.byteLength(text)],
            ...(body === null ? [] : [['Content-Type', type]]),
            ['Via', `SIP/2.0/UDP ${address}:${port};branch=${branch}`],
            ...(bare || method === 'CANCEL' ? [] : [['Contact', this.contact]]),
            ...headers.filter(([name]) => name === 'Event' || name === 'Subscription-State'),
            ...(bare ? [] : [['Max-Forwards', '70']]),
            ...headers.filter(([name]) => name !== 'Event' && name !== 'Subscription-State'),
        ];

        return `${[`${method} ${target} SIP/2.0`, ...head.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n${text}`;
    }

    // --- what comes ---

    // A request in the dialog, or the INVITE that opens it; later copies never get here.
    took(msg) {
        this.seen.push(msg);
        if (msg.method === 'ACK') {
            this.#awaiting.get(cseqOf(msg))?.();
            this.#awaiting.delete(cseqOf(msg));
        } else if (msg.method === 'BYE') {
            this.ended = true;
            this.reply(200, 'OK', null, { to: msg });
        } else if (msg.method === 'INVITE' && msg !== this.invitation) {
            if (msg.get('Contact')) this.#target = uri(msg.get('Contact'));
            const sdp = this.reoffered(msg);
            if (sdp === 491) this.reply(491, 'Request Pending', null, { to: msg });
            else if (sdp) this.reply(200, 'OK', sdp, { to: msg });
        } else if (msg.method !== 'INVITE' && msg.method !== 'CANCEL') {
            this.reply(msg.method === 'REFER' ? 202 : 200, msg.method === 'REFER' ? 'Accepted' : 'OK', null, { to: msg });
        } else if (msg.method === 'CANCEL') {
            this.reply(200, 'OK', null, { to: msg });
            this.reply(487, 'Request Terminated');
        }
        this.emit(msg.method.toLowerCase(), msg);
    }

    // Until such a request comes, or at once when one has.
    async next(event, ms = 60000) {
        const before = this.seen.find((msg) => !msg.status && msg.method.toLowerCase() === event);

        if (before) return before;
        const [msg] = await once(this, event, { signal: AbortSignal.timeout(ms) }).catch((cause) => {
            throw new Error(`no ${event} in ${ms} ms; there were ${this.seen.map(({ status, method }) => status || method)}`, { cause });
        });
        return msg;
    }

    // Answers the agent's INVITE, or the request `to`. A final answer to an INVITE is sent until its ACK comes; resolves with that.
    reply(status, reason, sdp = null, { to = this.invitation, headers = [] } = {}) {
        const invite = to.method === 'INVITE';
        const more = [...(invite && status < 300 && status > 100 ? [['Contact', this.contact], ['Allow', ALLOW]] : []), ...headers];
        const text = answer(to, status, reason, { tag: this.tag, headers: more, body: sdp });

        if (!invite || status < 200) {
            this.#server.answer(to, text);
            return Promise.resolve();
        }
        return unheeded((resolve, reject) => {
            const stop = repeat(() => this.#server.answer(to, text), () => reject(new Error(`no ACK of ${status} in ${GIVEN_UP_MS} ms`)));
            this.#server.stops.add(stop);
            this.#awaiting.set(cseqOf(to), () => {
                stop();
                resolve();
            });
        });
    }
}

function answer(msg, status, reason, { tag = '', headers = [], body = null }) {
    const to = msg.get('To');
    const via = msg.headers.filter(([name]) => /^via$/i.test(name));
    const text = body ?? '';
    const head = [
        ['From', msg.get('From')],
        ['To', tag && !tagOf(to) ? `${to};tag=${tag}` : to],
        ['Call-ID', msg.get('Call-ID')],
        ['CSeq', msg.get('CSeq')],
        ['Content-Length', Buffer.byteLength(text)],
        ...(body === null ? [] : [['Content-Type', 'application/sdp']]),
        ...via,
        ...headers,
    ];

    return `${[`SIP/2.0 ${status} ${reason}`, ...head.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n${text}`;
}

export class SipServer extends EventEmitter {
    #net;
    #legs = new Map(); // by Call-ID
    #awaited = new Map(); // our transactions, by branch and method
    #answered = new Map(); // those of the gateway, by branch and method: null until there is an answer
    #calls = [];
    stops = new Set();
    // By method: what a request outside of dialogs gets.
    answers = {
        OPTIONS: () => ({ status: 200, reason: 'OK', headers: [['Allow', ALLOW]] }),
        // One binding, which its Contact names; the expiry that was asked for.
        REGISTER: (msg) => ({ status: 200, reason: 'OK', headers: [['Contact', `${msg.get('Contact')};expires=${msg.get('Expires') ?? 3600}`], ['Expires', msg.get('Expires') ?? '3600']] }),
    };

    // gateway: where its SIP is; may be set later.
    static async open({ gateway = null, address = '127.0.0.1', port = 0, seed = null } = {}) {
        const server = new SipServer();

        server.setMaxListeners(0);
        Object.assign(server, { gateway, address, seed });
        server.#net = await Lossy.open({ address, port, seed, took: (text, from) => server.#took(text, from) });
        server.port = server.#net.port;
        return server;
    }

    close() {
        for (const stop of this.stops) stop();
        this.#net.close();
    }

    // The network is bad from now on, or (null) a good one.
    lose(seed) {
        this.seed = seed;
        this.#net.lose(seed);
    }

    // What a bad network did.
    get losses() {
        return JSON.stringify({ seed: this.seed, ...this.#net.counts });
    }

    leg(dn, { caller = '1003', ...how } = {}) {
        const leg = new Leg(this, { dn, caller, ...how });

        this.#legs.set(leg.callId, leg);
        return leg;
    }

    // The next call of an agent that wanted(leg).
    async call(wanted = () => true, ms = 60000) {
        const taken = this.#calls.findIndex(wanted);

        if (taken >= 0) return this.#calls.splice(taken, 1)[0];
        return new Promise((resolve, reject) => {
            const came = (leg) => {
                if (!wanted(leg)) return;
                clearTimeout(timer);
                this.off('call', came);
                this.#calls.splice(this.#calls.indexOf(leg), 1);
                resolve(leg);
            };
            const timer = setTimeout(() => {
                this.off('call', came);
                reject(new Error(`no call from an agent in ${ms} ms`));
            }, ms);
            this.on('call', came);
        });
    }

    // --- for legs ---

    send(text) {
        this.#net.send(text, this.gateway);
    }

    awaits(branch, method, heard, stop) {
        this.stops.add(stop);
        this.#awaited.set(`${branch} ${method}`, heard);
    }

    forget(branch, method) {
        this.#awaited.delete(`${branch} ${method}`);
    }

    answer(msg, text) {
        this.#answered.set(transaction(msg), { text, from: msg.from });
        this.#net.send(text, msg.from);
    }

    // --- what comes ---

    #took(text, from) {
        if (!text.trim()) return; // keeps a NAT open
        const msg = Object.assign(parse(text), { from: { address: from.address, port: from.port } });

        if (msg.status) this.#response(msg);
        else this.#request(msg);
    }

    #response(msg) {
        const key = `${/branch=([^;\s]+)/.exec(msg.get('Via'))[1]} ${msg.method}`;
        const heard = this.#awaited.get(key);

        if (!heard) return;
        if (msg.status >= 200 && msg.method !== 'INVITE') this.#awaited.delete(key); // an INVITE's may come again
        heard(msg);
    }

    #request(msg) {
        const key = transaction(msg);
        const before = this.#answered.get(key);

        if (before?.text) this.#net.send(before.text, before.from);
        if (before) return;
        if (msg.method !== 'ACK') this.#answered.set(key, { text: '' });
        const leg = this.#legs.get(msg.get('Call-ID'));
        if (leg) return leg.took(msg);
        if (msg.method === 'INVITE') return this.#begin(msg);
        const given = this.answers[msg.method]?.(msg) ?? (tagOf(msg.get('To')) ? { status: 481, reason: 'Call/Transaction Does Not Exist' } : { status: 405, reason: 'Method Not Allowed' });
        if (msg.method !== 'ACK') this.answer(msg, answer(msg, given.status, given.reason, { tag: id(), ...given }));
        return undefined;
    }

    #begin(msg) {
        const leg = new Leg(this, { invitation: msg, callId: msg.get('Call-ID'), caller: uri(msg.get('To')).replace(/^sips?:|@.*$/g, '') });

        this.#legs.set(leg.callId, leg);
        this.#calls.push(leg);
        leg.seen.push(msg);
        leg.reply(100, 'Trying');
        this.emit('call', leg);
    }
}

const transaction = (msg) => `${/branch=([^;\s]+)/.exec(msg.get('Via'))[1]} ${msg.method}`;
