// For a page's beginning: nothing but a relay, and of the servers those alone whose URL has this.
export function relayOnly(part) {
    const { RTCPeerConnection } = window;

    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(config = {}) {
            const iceServers = config.iceServers?.map((s) => ({ ...s, urls: s.urls.filter((url) => url.includes(part)) })).filter((s) => s.urls.length);
            super({ ...config, iceServers, iceTransportPolicy: 'relay' });
        }
    };
}
