// Traces of calls as the server gives them out (GET /cdr/{id}/trace): made of messages that look as real ones do, with the clumsy and the
// hostile among them.
const LOCAL = '192.0.2.10';
const TRUNK = '198.51.100.20';
export const HOSTILE = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'; DROP TABLE cdr; --`;
export const HOSTILE_AGENT = `Mozilla/5.0 "><svg/onload=window.hacked=1> {{7*7}} \${window.hacked=1}`;

const sdp = (address, port, webrtc, direction = 'sendrecv') =>
    [
        ...['v=0', `o=- 3906 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0', `m=audio ${port} ${webrtc ? 'UDP/TLS/RTP/SAVPF 111 8 0 126' : 'RTP/AVP 8 0 101'}`],
        ...(webrtc
            ? ['a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=1', 'a=ice-ufrag:4Zcw', 'a=ice-pwd:***', 'a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51', 'a=setup:actpass', 'a=rtcp-mux']
            : ['a=rtpmap:8 PCMA/8000', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-16', 'a=ptime:20']),
        `a=${direction}`,
    ].join('\r\n');

class Maker {
    events = [];
    #cseq = { browser: 1, trunk: 1 };

    constructor({ name = 'Ada Lovelace', agent = 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156' } = {}) {
        Object.assign(this, { name, agent });
    }

    sip(t_ms, leg, direction, first, { method = first.split(' ')[0], body = '', title = '', headers = [], next = false } = {}) {
        const web = leg === 'browser';
        if (next) this.#cseq[leg]++;
        const text = [
            /^\d/.test(first) ? `SIP/2.0 ${first}` : `${first} sip:${web ? '5001@browser.invalid;transport=ws' : `5001@${LOCAL}:5060`} SIP/2.0`,
            `Via: SIP/2.0/${web ? 'WSS browser.invalid' : `UDP ${TRUNK}:5060`};branch=z9hG4bK${(7919 * (this.events.length + 11)).toString(36)};rport`,
            `From: "${this.name}" <sip:+49301234567@${TRUNK}>;tag=as58f4`,
            `To: <sip:5001@${LOCAL}>${/^(INVITE|100)/.test(first) && !next ? '' : ';tag=dn7a1'}`,
            `Call-ID: ${web ? 'w8d1q@gateway' : '0a1b2c3d@genesys'}`,
            `CSeq: ${this.#cseq[leg]} ${method}`,
            ...(direction === 'in' && web ? [`User-Agent: ${this.agent}`] : []),
            ...headers,
            ...(body ? ['Content-Type: application/sdp'] : []),
            `Content-Length: ${body.length}`,
            '',
            body,
        ].join('\r\n');
        const [near, far] = web ? [`${LOCAL}:443`, '192.168.1.7:60321'] : [`${LOCAL}:5060`, `${TRUNK}:5060`];
        const ends = direction === 'in' ? { from: far, to: near } : { from: near, to: far };
        this.events.push({ t_ms, leg, kind: 'sip', direction, title: title || (/^\d/.test(first) ? `${first} (${method})` : first), text, ...ends, transport: web ? 'ws' : 'udp' });
        return this;
    }

    at(t_ms, leg, kind, title, text) {
        this.events.push({ t_ms, leg, kind, direction: '', title, ...(text ? { text } : {}) });
        return this;
    }
}

// A graph: one figure a second, from seeded noise, so that pictures are the same every time.
function series(seconds, { loss = 0.2, jitter = 4, mos = 4.3, bad = null, silent = false } = {}) {
    let seed = 12345;
    const noise = () => ((seed = (1103515245 * seed + 12345) & 0x7fffffff) / 0x7fffffff);
    const out = { loss_percent: [], jitter_ms: [], mos: [] };

    for (let s = 0; s < seconds; s++) {
        const worse = bad && s >= bad[0] && s < bad[1];
        out.loss_percent.push(silent ? null : Number((worse ? 6 + 9 * noise() : noise() < 0.1 ? loss * 6 * noise() : 0).toFixed(2)));
        out.jitter_ms.push(silent ? null : Number(((worse ? 12 : 1) * jitter * (0.7 + 0.6 * noise())).toFixed(1)));
        out.mos.push(silent ? null : Number((worse ? 2.3 + 0.6 * noise() : mos - 0.1 * noise()).toFixed(2)));
    }
    return out;
}

function inbound(maker, { media = TRUNK, headers = [] } = {}) {
    return maker
        .sip(0, 'trunk', 'in', 'INVITE', { body: sdp(media, 4000), headers: ['X-Genesys-CallUUID: 01T8VQ1M6C8QF6L3', ...headers] })
        .sip(2, 'trunk', 'out', '100 Trying', { method: 'INVITE' })
        .sip(9, 'browser', 'out', 'INVITE', { body: sdp(LOCAL, 10000, true) })
        .at(10, 'gateway', 'state', 'Rings at 5001')
        .sip(38, 'browser', 'in', '100 Trying', { method: 'INVITE' })
        .sip(61, 'browser', 'in', '180 Ringing', { method: 'INVITE' })
        .sip(63, 'trunk', 'out', '180 Ringing', { method: 'INVITE' });
}

function answered(maker) {
    return maker
        .sip(4010, 'browser', 'in', '200 OK', { method: 'INVITE', body: sdp('192.168.1.7', 51234, true) })
        .sip(4012, 'browser', 'out', 'ACK')
        .sip(4013, 'trunk', 'out', '200 OK', { method: 'INVITE', body: sdp(LOCAL, 10124) })
        .sip(4041, 'trunk', 'in', 'ACK')
        .at(4046, 'browser', 'ice', 'ICE ✓ direct 192.168.1.7', 'Pair chosen: 192.168.1.7:51234 (host) with 192.0.2.10:10000, 3 of 4 checks answered.')
        .at(4079, 'browser', 'dtls', 'DTLS ✓', 'DTLS 1.2, ECDHE-ECDSA, SRTP AES128_CM_SHA1_80. Fingerprint as in the SDP.')
        .at(4100, 'gateway', 'state', 'Answered');
}

const bye = (maker, t, from = 'browser') =>
    from === 'browser'
        ? maker
              .sip(t, 'browser', 'in', 'BYE', { next: true })
              .sip(t + 1, 'browser', 'out', '200 OK', { method: 'BYE' })
              .sip(t + 2, 'trunk', 'out', 'BYE', { next: true })
              .sip(t + 24, 'trunk', 'in', '200 OK', { method: 'BYE' })
        : maker
              .sip(t, 'trunk', 'in', 'BYE', { next: true, headers: ['Reason: Q.850;cause=16;text="Normal call clearing"'] })
              .sip(t + 1, 'trunk', 'out', '200 OK', { method: 'BYE' })
              .sip(t + 2, 'browser', 'out', 'BYE', { next: true })
              .sip(t + 20, 'browser', 'in', '200 OK', { method: 'BYE' });

const seconds = (n) => Array.from({ length: n }, (_, i) => 4500 + 1000 * i);

const scenes = {
    // With a hold in the middle.
    good() {
        const m = bye(
            answered(inbound(new Maker()))
                .at(4210, 'trunk', 'rtp', 'First packet from the trunk')
                .sip(120000, 'trunk', 'in', 'INVITE', { next: true, body: sdp(TRUNK, 4000, false, 'sendonly'), title: 'INVITE (hold)' })
                .sip(120004, 'trunk', 'out', '200 OK', { method: 'INVITE', body: sdp(LOCAL, 10124, false, 'recvonly') })
                .sip(120030, 'trunk', 'in', 'ACK')
                .at(120031, 'gateway', 'state', 'Held by the trunk')
                .sip(152000, 'trunk', 'in', 'INVITE', { next: true, body: sdp(TRUNK, 4000), title: 'INVITE (resume)' })
                .sip(152003, 'trunk', 'out', '200 OK', { method: 'INVITE', body: sdp(LOCAL, 10124) })
                .sip(152029, 'trunk', 'in', 'ACK')
                .at(200000, 'browser', 'page', 'Microphone changed', 'The page went on with “Jabra Evolve2”.'),
            322950,
        );
        const t_ms = seconds(318);
        return { events: m.events, graphs: { t_ms, to_trunk: series(318), to_browser: series(318, { jitter: 3 }), browser: series(318, { jitter: 5, mos: 4.2 }) } };
    },
    oneway() {
        const m = bye(answered(inbound(new Maker(), { media: '10.1.2.3' })).at(9100, 'trunk', 'rtp', 'Nothing from the trunk for 5 s', 'Its SDP named 10.1.2.3:4000; packets came from 10.1.2.9:4000 and were not taken.'), 41200);
        const t_ms = seconds(37);
        return { events: m.events, graphs: { t_ms, to_trunk: series(37), to_browser: series(37, { silent: true }), browser: series(37, { silent: true }) } };
    },
    jitter() {
        const m = bye(answered(inbound(new Maker())).at(31000, 'browser', 'ice', 'ICE moved: relay by TLS', 'The direct way was lost; media go by 192.0.2.10:443 (TURN over TLS) now.').at(31100, 'browser', 'rtp', 'Jitter above 40 ms'), 95000, 'trunk');
        const t_ms = seconds(90);
        return { events: m.events, graphs: { t_ms, to_trunk: series(90, { bad: [26, 55] }), to_browser: series(90, { jitter: 6 }), browser: series(90, { bad: [28, 50] }) } };
    },
    refused() {
        const m = new Maker()
            .sip(0, 'browser', 'in', 'INVITE', { body: sdp('192.168.1.7', 51234, true) })
            .sip(1, 'browser', 'out', '100 Trying', { method: 'INVITE' })
            .sip(6, 'trunk', 'out', 'INVITE', { body: sdp(LOCAL, 10124) })
            .sip(31, 'trunk', 'in', '488 Not Acceptable Here', { method: 'INVITE', headers: ['Warning: 304 genesys "Media type not available"'] })
            .sip(32, 'trunk', 'out', 'ACK')
            .sip(33, 'browser', 'out', '488 Not Acceptable Here', { method: 'INVITE' })
            .sip(60, 'browser', 'in', 'ACK');
        return { events: m.events, graphs: null };
    },
    hostile() {
        const m = bye(answered(inbound(new Maker({ name: HOSTILE, agent: HOSTILE_AGENT }), { headers: [`Subject: ${HOSTILE}`, `X-Note: </pre><a href="javascript:window.hacked=1">x</a>`] })), 9000);
        m.at(9100, 'gateway', 'state', HOSTILE, HOSTILE);
        const t_ms = seconds(5);
        return { events: m.events, graphs: { t_ms, to_trunk: series(5), to_browser: series(5), browser: null } };
    },
};

export const traces = Object.keys(scenes);

export function trace(name, { id = name, from_ms = Date.UTC(2026, 10, 28, 5, 3, 12) } = {}) {
    return { id, from_ms, complete: true, dropped: 0, ...scenes[name]() };
}
