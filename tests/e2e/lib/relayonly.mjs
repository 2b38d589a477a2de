// For a page's beginning: nothing but a relay, and of the servers those alone whose URL has this; that may be another one later, or none
// (null: any way), by window.relayBy.
export function relayOnly(part) {
    const { RTCPeerConnection } = window;

    window.relayBy = part;
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(config = {}) {
            const by = (url) => url.includes(window.relayBy);
            const iceServers = config.iceServers?.map((s) => ({ ...s, urls: s.urls.filter(by) })).filter((s) => s.urls.length);
            super(window.relayBy ? { ...config, iceServers, iceTransportPolicy: 'relay' } : config);
        }
    };
}
