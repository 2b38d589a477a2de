// The gateway's STUN and TURN servers, one by one, from iceServers (RFC 7064, RFC 7065): pure.
const KINDS = { 'stun:': 'stun', 'turn:udp': 'turn_udp', 'turn:tcp': 'turn_tcp', 'turns:tcp': 'turn_tls' };

// {kind, host, port, url}, or null for what we do not try: stuns, TURN over DTLS.
export function readUrl(url) {
    const found = /^(stun|turns?):(\[[0-9a-f:.]+\]|[^:?/]+)(?::(\d+))?(?:\?transport=(\w+))?$/i.exec(url);

    if (!found) return null;
    const scheme = found[1].toLowerCase();
    const usual = { stun: '', turn: 'udp', turns: 'tcp' }[scheme];
    const kind = KINDS[`${scheme}:${(scheme !== 'stun' && found[4]?.toLowerCase()) || usual}`];
    const port = Number(found[3] ?? (scheme === 'turns' ? 5349 : 3478));

    return kind ? { kind, host: found[2], port, url } : null;
}

// Those of a kind, each as {host, port, server}: an RTCIceServer with that URL alone.
/** @param {RTCIceServer[]} iceServers @param {string} kind */
export function serversOf(iceServers, kind) {
    return iceServers.flatMap(({ urls, ...credentials }) =>
        [urls].flat().flatMap((url) => {
            const read = readUrl(url);
            return read?.kind === kind ? [{ host: read.host, port: read.port, server: { ...credentials, urls: [url] } }] : [];
        }),
    );
}
