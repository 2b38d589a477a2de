// Just enough SIP for a scripted peer of the page: text to message and back, and digest.
import { createHash, randomBytes } from 'node:crypto';

export const token = () => randomBytes(6).toString('hex');
const md5 = (text) => createHash('md5').update(text).digest('hex');

export function parse(text) {
    const [head, body = ''] = text.split(/\r\n\r\n([^]*)/);
    const [first, ...lines] = head.split('\r\n');
    const headers = lines.map((line) => /^([^:]+?)\s*:\s*(.*)$/.exec(line).slice(1));
    const get = (name) => headers.find(([n]) => n.toLowerCase() === name.toLowerCase())?.[1];
    const status = /^SIP\/2\.0 (\d+)/.exec(first);

    return {
        headers,
        body,
        get,
        status: status ? Number(status[1]) : 0,
        method: status ? get('CSeq').split(' ')[1] : first.split(' ')[0],
        uri: status ? '' : first.split(' ')[1],
    };
}

export function format(first, headers, body = '') {
    const lines = headers.map(([name, value]) => `${name}: ${value}`);

    return `${[first, ...lines, `Content-Length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`;
}

// An answer to a request: what must be copied is, and the To gets our tag.
export function reply(request, status, reason, { tag = '', headers = [], body = '' } = {}) {
    const copied = request.headers.filter(([n]) => /^(via|from|call-id|cseq|record-route)$/i.test(n));
    const to = request.get('To');

    return format(
        `SIP/2.0 ${status} ${reason}`,
        [...copied, ['To', tag && !/;tag=/.test(to) ? `${to};tag=${tag}` : to], ...headers, ...(body ? [['Content-Type', 'application/sdp']] : [])],
        body,
    );
}

export function authorized(request, password) {
    const p = Object.fromEntries([...(request.get('Authorization') ?? '').matchAll(/(\w+)="?([^",]+)"?/g)].map((m) => [m[1], m[2]]));
    if (!p.response) return false;
    const ha1 = md5(`${p.username}:${p.realm}:${password}`);
    const ha2 = md5(`${request.method}:${p.uri}`);

    return p.response === md5(`${ha1}:${p.nonce}:${p.nc}:${p.cnonce}:${p.qop}:${ha2}`);
}

// Audio that Chromium accepts; nobody is behind the candidate.
export function sdp(setup) {
    return [
        'v=0',
        'o=- 1 1 IN IP4 127.0.0.1',
        's=-',
        't=0 0',
        'a=group:BUNDLE 0',
        'm=audio 9 UDP/TLS/RTP/SAVPF 0',
        'c=IN IP4 127.0.0.1',
        'a=mid:0',
        'a=rtcp-mux',
        'a=ice-ufrag:abcd',
        'a=ice-pwd:abcdefghijklmnopqrstuvwx',
        `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
        `a=setup:${setup}`,
        'a=rtpmap:0 PCMU/8000',
        'a=sendrecv',
        'a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host',
        '',
    ].join('\r\n');
}
