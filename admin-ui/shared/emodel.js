// What a listener would think: the E-model (ITU-T G.107, simplified), as the gateway counts it (appliance/media/quality.c). Pure.
const R0 = 93.2;
const CODECS = {
    opus: { packet: 26.5, ie: 5, bpl: 20 }, // one frame and Opus' look-ahead; with in-band FEC
    other: { packet: 20, ie: 0, bpl: 10 },
};

// R, 0..93.2. loss 0..1; rtt and jitter in ms.
export function rating({ loss, jitter, rtt }, codec = '') {
    const { packet, ie, bpl } = /opus/i.test(codec) ? CODECS.opus : CODECS.other;
    const delay = rtt / 2 + packet + 2 * jitter;
    const late = 0.024 * delay + 0.11 * Math.max(0, delay - 177.3);
    const ppl = 100 * Math.min(1, Math.max(0, loss));

    return Math.max(0, R0 - late - ie - ((95 - ie) * ppl) / (ppl + bpl));
}

// MOS, 1.0..4.5.
export const mos = (r) => Math.min(4.5, Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6));
