// A text as a QR code: the side of its square, and a path of SVG that fills its dark modules.
import { generate } from 'lean-qr/nano';

export function qr(text: string): { size: number; path: string } {
    const code = generate(text);
    let path = '';

    for (let y = 0; y < code.size; y++) for (let x = 0; x < code.size; x++) if (code.get(x, y)) path += `M${x} ${y}h1v1h-1z`;
    return { size: code.size, path };
}
