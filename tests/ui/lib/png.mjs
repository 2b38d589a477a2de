// A PNG of at most 256 colours from one of any number, for pictures that are committed: the most frequent colours stay, others become the nearest of them.
import { deflateSync } from 'node:zlib';

const table = Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n >>> 0; });
const check = (data) => (~data.reduce((crc, byte) => table[(crc ^ byte) & 255] ^ (crc >>> 8), ~0)) >>> 0;

function chunk(type, data) {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(check(body) >>> 0, body.length + 4);
    return out;
}

// Decoded by the browser: pixels as 0xRRGGBB. On a page of its own, since the policy of ours lets no data: be fetched.
async function pixels(page, png) {
    const own = await page.context().newPage();
    const { width, height, bytes } = await own.evaluate(async (base64) => {
        const image = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]));
        const canvas = new OffscreenCanvas(image.width, image.height);
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        const { data } = context.getImageData(0, 0, image.width, image.height);
        let text = '';
        for (let i = 0; i < data.length; i += 4) text += String.fromCharCode(data[i], data[i + 1], data[i + 2]);
        return { width: image.width, height: image.height, bytes: btoa(text) };
    }, png.toString('base64'));
    await own.close();
    return { width, height, rgb: Buffer.from(bytes, 'base64') };
}

export async function paletted(page, png) {
    const { width, height, rgb } = await pixels(page, png);
    const counts = new Map();
    const at = (i) => rgb.readUIntBE(3 * i, 3);
    for (let i = 0; i < width * height; i++) counts.set(at(i), (counts.get(at(i)) ?? 0) + 1);
    const colours = [...counts].sort(([, a], [, b]) => b - a).slice(0, 256).map(([colour]) => colour);
    const far = (a, b) => [16, 8, 0].reduce((sum, shift) => sum + (((a >> shift) & 255) - ((b >> shift) & 255)) ** 2, 0);
    const index = new Map([...counts.keys()].map((colour) => [colour, colours.reduce((best, one, i) => (far(one, colour) < far(colours[best], colour) ? i : best), 0)]));
    const rows = Buffer.alloc(height * (width + 1));
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = index.get(at(y * width + x));
    const head = Buffer.alloc(13);
    head.writeUInt32BE(width, 0);
    head.writeUInt32BE(height, 4);
    head.set([8, 3, 0, 0, 0], 8);
    const palette = Buffer.from(colours.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
    return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('PLTE', palette), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}
