// A text of up to 154 bytes as a QR code (ISO/IEC 18004), which is what an authenticator's address takes: bytes, level L, versions 1 to 7, and the first of
// the masks: scanners read any. → the side of its square, and a path of SVG that fills its dark modules; null: too long.

// By version: blocks, bytes of data in each, bytes of correction in each.
const VERSIONS = [[1, 19, 7], [1, 34, 10], [1, 55, 15], [1, 80, 20], [1, 108, 26], [2, 68, 18], [2, 78, 20]] as const;
const FORMAT = 0b111011111000100; // level L, mask 0, with its own correction
const VERSION_7 = 0x07c94; // with its own correction; smaller ones say none

// In GF(2⁸) over x⁸ + x⁴ + x³ + x² + 1.
function times(a: number, b: number): number {
    let product = 0;

    for (; b; b >>= 1) {
        if (b & 1) product ^= a;
        a = (a << 1) ^ ((a >> 7) * 0x11d);
    }
    return product;
}

// Reed and Solomon's: what is left of the data by the polynomial whose zeros are the first n powers of 2.
function correction(data: number[], n: number): number[] {
    const rest = [...data, ...Array<number>(n).fill(0)];
    let by = [1];

    for (let i = 0, zero = 1; i < n; i++, zero = times(zero, 2)) by = [...by, 0].map((c, k) => c ^ times(by[k - 1] ?? 0, zero));
    for (let i = 0; i < data.length; i++) {
        const first = rest[i]!;
        by.forEach((c, k) => (rest[i + k]! ^= times(c, first)));
    }
    return rest.slice(data.length);
}

// All bytes in the order in which they are drawn.
function stream(bytes: Uint8Array, [blocks, length, extra]: (typeof VERSIONS)[number]): number[] {
    const half = [4, bytes.length >> 4, bytes.length & 15, ...[...bytes].flatMap((b) => [b >> 4, b & 15]), 0]; // "bytes follow", how many, they, an end
    const data = Array.from({ length: blocks * length }, (_, i) => (2 * i < half.length ? half[2 * i]! * 16 + half[2 * i + 1]! : (i - half.length / 2) % 2 ? 17 : 236));
    const parts = Array.from({ length: blocks }, (_, b) => data.slice(b * length, (b + 1) * length));
    const woven = (lists: number[][]) => lists[0]!.flatMap((_, i) => lists.map((list) => list[i]!));

    return [...woven(parts), ...woven(parts.map((part) => correction(part, extra)))];
}

function drawn(bytes: number[], version: number): boolean[][] {
    const size = 17 + 4 * version;
    const grid: boolean[][] = Array.from({ length: size }, () => []);
    const set = (x: number, y: number, dark: unknown) => x in grid && y in grid && (grid[y]![x] = !!dark);
    const rings = (x: number, y: number, reach: number, light: number[]) => {
        for (let i = -reach; i <= reach; i++) for (let k = -reach; k <= reach; k++) set(x + i, y + k, !light.includes(Math.max(Math.abs(i), Math.abs(k))));
    };
    const bit = (of: number, i: number) => (of >> i) & 1;

    rings(3, 3, 4, [2, 4]);
    rings(size - 4, 3, 4, [2, 4]);
    rings(3, size - 4, 4, [2, 4]);
    const centres = version < 2 ? [] : version < 7 ? [6, size - 7] : [6, 22, 38];
    for (const x of centres) for (const y of centres) if (!(x in grid[y]!)) rings(x, y, 2, [1]);
    for (let i = 8; i < size - 8; i++) {
        set(i, 6, i % 2 === 0);
        set(6, i, i % 2 === 0);
    }
    for (let i = 0; i < 15; i++) {
        const along = i < 6 ? i : i < 8 ? i + 1 : i === 8 ? 7 : 14 - i; // past the dots at 6
        set(i < 8 ? 8 : along, i < 8 ? along : 8, bit(FORMAT, i));
        set(i < 8 ? size - 1 - i : 8, i < 8 ? 8 : size - 15 + i, bit(FORMAT, i));
    }
    set(8, size - 8, true);
    for (let i = 0; version > 6 && i < 18; i++) {
        set(size - 11 + (i % 3), (i / 3) | 0, bit(VERSION_7, i));
        set((i / 3) | 0, size - 11 + (i % 3), bit(VERSION_7, i));
    }
    // The rest in pairs of columns from the right, up and down by turns; the column of dots is none of them.
    let at = 0;
    for (let right = size - 1; right > 0; right -= right === 8 ? 3 : 2)
        for (let i = 0; i < size; i++)
            for (const x of [right, right - 1]) {
                const y = (right + 1) & 2 ? i : size - 1 - i;
                if (x in grid[y]!) continue;
                set(x, y, bit(bytes[at >> 3] ?? 0, 7 - (at & 7)) ^ Number((x + y) % 2 === 0));
                at++;
            }
    return grid;
}

export function qr(text: string): { size: number; path: string } | null {
    const bytes = new TextEncoder().encode(text);
    const version = VERSIONS.findIndex(([blocks, length]) => bytes.length + 2 <= blocks * length) + 1;

    if (!version) return null;
    const grid = drawn(stream(bytes, VERSIONS[version - 1]!), version);
    return { size: grid.length, path: grid.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('') };
}
